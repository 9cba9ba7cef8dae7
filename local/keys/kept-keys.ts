/**
 * API keys of real money on one machine: one file, sealed with a passphrase, never there as they are.
 *
 * The file is two lines: a header, and the sealed text in base64. The text is sealed with AES-256-GCM under a key that
 * scrypt derives from the passphrase; the header is authenticated with it, so that none of its parts can be exchanged.
 * A change seals everything anew with a fresh nonce and replaces the file whole.
 */
import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  type KeyObject,
  randomBytes,
  scrypt,
} from "node:crypto";
import { chmodSync, existsSync, readFileSync } from "node:fs";
import * as z from "zod";
import type { SecretsFile } from "../cloud/secrets.ts";
import { writeWhole } from "../cloud/whole-file.ts";

/** Told to the owner as it is; nothing was opened and nothing was changed. */
export class KeptKeysError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "KeptKeysError";
  }
}

const VERSION = 1;
/**
 * Of version 1, and of it alone: parameters are never taken from the file, which could name weak ones or more memory than
 * there is. 128 MiB and about half a second for each guess (OWASP's password storage cheat sheet asks for N = 2^17, r = 8).
 */
export const SCRYPT = { N: 2 ** 17, r: 8, p: 1 } as const;
const SCRYPT_BYTES_MAX = 256 * 1024 * 1024;
const KEY_BYTES = 32;
const SALT_BYTES = 32;
/** GCM's own size. A nonce must not come twice under a key: by chance, that takes billions of changes. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

const header = z.strictObject({
  keptKeys: z.literal(VERSION),
  kdf: z.literal("scrypt"),
  N: z.literal(SCRYPT.N),
  r: z.literal(SCRYPT.r),
  p: z.literal(SCRYPT.p),
  cipher: z.literal("aes-256-gcm"),
  salt: z.base64(),
  nonce: z.base64(),
});

export const PASSPHRASE_MIN = 12;

/** Opens the file, or makes it. Throws KeptKeysError, in one sentence that repeats nothing of passphrase or file. */
export async function openKeptKeys(path: string, passphrase: string): Promise<SecretsFile> {
  if (existsSync(path)) {
    const { line, sealed, salt, nonce } = partsOf(path);
    const key = await derive(passphrase, salt);
    const text = opened(path, key, line, sealed, nonce);
    chmodSync(path, 0o600);
    return new KeptKeys(path, key, salt, text);
  }
  if ([...passphrase].length < PASSPHRASE_MIN) {
    throw new KeptKeysError(
      `a new passphrase needs at least ${PASSPHRASE_MIN} characters; a few words are easy to keep in mind`,
    );
  }
  const salt = randomBytes(SALT_BYTES);
  const made = new KeptKeys(path, await derive(passphrase, salt), salt, "");
  // Written at once: from now on the file tells a right passphrase from a wrong one, also before there is a key.
  made.write("");
  return made;
}

class KeptKeys implements SecretsFile {
  readonly path: string;
  readonly #key: KeyObject;
  readonly #salt: Buffer;
  #text: string;

  constructor(path: string, key: KeyObject, salt: Buffer, text: string) {
    this.path = path;
    this.#key = key;
    this.#salt = salt;
    this.#text = text;
  }

  read(): string | undefined {
    return this.#text === "" ? undefined : this.#text;
  }

  write(text: string): void {
    const nonce = randomBytes(NONCE_BYTES);
    const line = JSON.stringify({
      keptKeys: VERSION,
      kdf: "scrypt",
      ...SCRYPT,
      cipher: "aes-256-gcm",
      salt: this.#salt.toString("base64"),
      nonce: nonce.toString("base64"),
    } satisfies z.input<typeof header>);
    const cipher = createCipheriv("aes-256-gcm", this.#key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(Buffer.from(line));
    const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
    writeWhole(this.path, `${line}\n${sealed.toString("base64")}\n`);
    this.#text = text;
  }
}

function opened(path: string, key: KeyObject, line: string, sealed: Buffer, nonce: Buffer): string {
  try {
    const cipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(Buffer.from(line));
    cipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    return Buffer.concat([cipher.update(sealed.subarray(0, -TAG_BYTES)), cipher.final()]).toString("utf8");
  } catch {
    throw new KeptKeysError(
      `the passphrase does not open ${path}: it is wrong, or the file has been changed; nothing was started`,
    );
  }
}

/** The same text from every keyboard: letters with accents have more than one spelling. */
function derive(passphrase: string, salt: Buffer): Promise<KeyObject> {
  return new Promise((resolve, reject) => {
    const options = { ...SCRYPT, maxmem: SCRYPT_BYTES_MAX };
    scrypt(passphrase.normalize("NFKC"), salt, KEY_BYTES, options, (error, key) =>
      error === null ? resolve(createSecretKey(key)) : reject(error),
    );
  });
}

function partsOf(path: string) {
  const refusal = new KeptKeysError(
    `${path} is not a file of keys that this program wrote, expected version ${VERSION}; nothing was changed`,
  );
  const [line = "", sealed = ""] = readFileSync(path, "utf8").split("\n");
  const read = header.safeParse(parse(line));
  const bytes = Buffer.from(sealed, "base64");
  if (!read.success || bytes.length < TAG_BYTES) throw refusal;
  const salt = Buffer.from(read.data.salt, "base64");
  const nonce = Buffer.from(read.data.nonce, "base64");
  if (salt.length !== SALT_BYTES || nonce.length !== NONCE_BYTES) throw refusal;
  return { line, sealed: bytes, salt, nonce };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
