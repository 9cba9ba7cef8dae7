/** Keys of real money: sealed in one file, and nobody without the passphrase has them. */

import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { firstLine } from "../../local/keys/ask-passphrase.ts";
import { KeptKeysError, openKeptKeys, SCRYPT } from "../../local/keys/kept-keys.ts";

const PASSPHRASE = "vier alte Dampfer im Nebel";
const TEXT = '{"apiKey":"pUbLiC0123456789abcdefABCDEF","privateKey":"c2VjcmV0IG9mIGFuIG93bmVy"}';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tidekeeper-keys-"));
  path = join(folder, "keys.sealed");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const refusal = async (passphrase: string, file = path): Promise<string> => {
  const error = await openKeptKeys(file, passphrase).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(KeptKeysError);
  const { message } = error as Error;
  expect(message).not.toContain("\n");
  if (passphrase.length > 8) expect(message).not.toContain(passphrase);
  expect((error as Error).cause).toBeUndefined();
  return message;
};

/** The header's members and the sealed bytes. */
function parts(): [Record<string, unknown>, Buffer] {
  const [header, sealed] = readFileSync(path, "utf8").split("\n");
  return [JSON.parse(header!) as Record<string, unknown>, Buffer.from(sealed!, "base64")];
}
const put = (header: unknown, sealed: Buffer, file = path) =>
  writeFileSync(file, `${JSON.stringify(header)}\n${sealed.toString("base64")}\n`);

describe("a sealed file", () => {
  test("gives back what was written, to the same passphrase in any spelling of its letters", async () => {
    const made = await openKeptKeys(path, "Straße überm Fluß");
    expect(made.read()).toBeUndefined();
    made.write(TEXT);
    expect(made.read()).toBe(TEXT);
    expect((await openKeptKeys(path, "Straße überm Fluß".normalize("NFD"))).read()).toBe(TEXT);
  });

  test("holds nothing of its text or of the passphrase, and is its owner's alone", async () => {
    const kept = await openKeptKeys(path, PASSPHRASE);
    kept.write(TEXT);
    const [header, sealed] = parts();
    expect(header).toEqual({
      keptKeys: 1,
      kdf: "scrypt",
      ...SCRYPT,
      cipher: "aes-256-gcm",
      salt: expect.any(String),
      nonce: expect.any(String),
    });
    expect(SCRYPT.N * SCRYPT.r * 128).toBe(128 * 1024 * 1024);
    for (const text of [
      readFileSync(path, "latin1"),
      sealed.toString("latin1"),
      inspect(kept, { depth: 9, showHidden: true }),
    ]) {
      for (const word of ["pUbLiC", "c2VjcmV0", "Dampfer"]) expect(text).not.toContain(word);
    }
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(["keys.sealed"]);

    // Sealed anew with another nonce at each change, and another salt in each file.
    const seen = new Set([header.nonce]);
    for (let change = 0; change < 5; change++) {
      kept.write(TEXT);
      seen.add(parts()[0].nonce).add(parts()[1].toString("base64"));
    }
    expect(seen.size).toBe(11);
    const other = join(folder, "other");
    await Promise.all([
      openKeptKeys(other, PASSPHRASE),
      chmodSync(path, 0o644),
      openKeptKeys(path, PASSPHRASE),
    ]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(other, "utf8")).not.toContain(header.salt as string);
  });

  test("refuses a wrong passphrase from the first start on, also before there is a key", async () => {
    await openKeptKeys(path, PASSPHRASE);
    const before = readFileSync(path);
    expect(await refusal("vier alte Dampfer im Nebel ")).toBe(
      `the passphrase does not open ${path}: it is wrong, or the file has been changed; nothing was started`,
    );
    expect(readFileSync(path)).toEqual(before);
  });

  test("refuses a short new passphrase and makes nothing", async () => {
    expect(await refusal("elevenchars")).toMatch(/needs at least 12 characters/);
    expect(readdirSync(folder)).toEqual([]);
  });
});

test("any change of any part is refused: text, tag, salt, nonce, a weaker header, another version, half a file", async () => {
  (await openKeptKeys(path, PASSPHRASE)).write(TEXT);
  const [header, sealed] = parts();
  const flipped = (bytes: Buffer, at: number) => {
    const copy = Buffer.from(bytes);
    copy[at]! ^= 1;
    return copy;
  };
  const turned = (name: "salt" | "nonce") => ({
    ...header,
    [name]: flipped(Buffer.from(header[name] as string, "base64"), 0).toString("base64"),
  });
  const changed = [
    ["text", header, flipped(sealed, 0)],
    ["tag", header, flipped(sealed, sealed.length - 1)],
    ["salt", turned("salt"), sealed],
    ["nonce", turned("nonce"), sealed],
    // The same values, written otherwise: the header is authenticated as it stands.
    ["spelling", Object.fromEntries(Object.entries(header).reverse()), sealed],
  ] as const;
  await Promise.all(
    changed.map(async ([what, head, bytes]) => {
      const file = join(folder, what);
      put(head, bytes, file);
      expect([what, await refusal(PASSPHRASE, file)]).toEqual([what, expect.stringMatching(/does not open/)]);
    }),
  );
  for (const change of [
    () => put({ ...header, N: 2 }, sealed),
    () => put({ ...header, N: 2 ** 30 }, sealed),
    () => put({ ...header, keptKeys: 2 }, sealed),
    () => put({ ...header, more: 1 }, sealed),
    () => put(header, sealed.subarray(0, 10)),
    () => writeFileSync(path, readFileSync(path).subarray(0, 100)),
    () => writeFileSync(path, ""),
  ]) {
    change();
    const before = readFileSync(path);
    expect(await refusal(PASSPHRASE)).toMatch(/is not a file of keys that this program wrote/);
    expect(readFileSync(path)).toEqual(before);
  }
});

describe("the first line of standard input", () => {
  const read = async (...chunks: string[]) => {
    const input = Readable.from(
      chunks.map((chunk) => Buffer.from(chunk)),
      { objectMode: false },
    );
    const line = await firstLine(input);
    const rest: Buffer[] = [];
    for await (const part of input) rest.push(part as Buffer);
    return [line, Buffer.concat(rest).toString()];
  };

  test("is taken, and the rest is left to whoever reads next", async () => {
    expect(await read("word\nkey\nsecret\n")).toEqual(["word", "key\nsecret\n"]);
    expect(await read("wo", "rd\r\nkey")).toEqual(["word", "key"]);
    expect(await read("Stra", "ße")).toEqual(["Straße", ""]);
    expect(await read()).toEqual([undefined, ""]);
    expect(await read("\nkey")).toEqual(["", "key"]);
  });
});
