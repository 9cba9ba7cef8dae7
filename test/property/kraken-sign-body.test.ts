import fc from "fast-check";
import { expect, test } from "vitest";
import { Secret } from "../../shared/app/secret.ts";
import { type Fields, formOf, privateBody } from "../../shared/kraken/body.ts";
import { signerOf } from "../../shared/kraken/sign.ts";
import { documentedSign } from "../support/kraken-rest.ts";

test("a signature is the documented one, whatever key, path, nonce and body", () => {
  const key = fc.uint8Array({ minLength: 1, maxLength: 200 });
  const texts = fc.string({ unit: "binary", maxLength: 200 });
  fc.assert(
    fc.property(key, fc.array(fc.tuple(texts, texts, texts), { maxLength: 4 }), (bytes, calls) => {
      const secret = Buffer.from(bytes).toString("base64");
      const signer = signerOf(new Secret(secret));
      for (const [path, nonce, body] of calls) {
        expect(signer.sign(path, nonce, body)).toBe(documentedSign(secret, path, nonce, body));
      }
    }),
  );
});

const name = fc.stringMatching(/^[a-z_]{1,10}$/);
const leaf = fc.oneof(fc.string({ unit: "grapheme" }), fc.boolean(), fc.integer(), fc.bigInt());
const fields = fc.dictionary(
  name,
  fc.oneof(
    leaf,
    fc.constant(undefined),
    fc.array(leaf, { maxLength: 3 }),
    fc.dictionary(name, leaf, { maxKeys: 3 }),
  ),
);

const flat = (value: unknown, path: string): [string, string][] => {
  if (value === undefined) return [];
  if (typeof value !== "object" || value === null) return [[path, String(value)]];
  return Object.entries(value).flatMap(([key, inner]) => flat(inner, path === "" ? key : `${path}[${key}]`));
};

test("a form is read back as exactly what was written", () => {
  fc.assert(
    fc.property(fields, (written) => {
      const read = [...new URLSearchParams(formOf(written as Fields))];
      expect(read).toEqual(flat(written, ""));
    }),
  );
});

test("a form holds only signs that mean the same to every reader", () => {
  fc.assert(
    fc.property(fields, (written) => {
      expect(formOf(written as Fields)).toMatch(/^([\w.~-]|%[0-9A-F]{2}|[=&])*$/);
    }),
  );
});

test("any text can be sent, also half a character", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => formOf({ text }).startsWith("text=")));
  expect(formOf({ text: "\ud800" })).toBe("text=%EF%BF%BD");
});

test("the nonce comes first, whatever the fields", () => {
  fc.assert(
    fc.property(fields, fc.bigInt({ min: 1n }), (written, nonce) => {
      const { nonce: _taken, ...rest } = written as Fields;
      expect(privateBody(String(nonce), rest)).toMatch(new RegExp(`^nonce=${nonce}(&|$)`));
    }),
  );
});
