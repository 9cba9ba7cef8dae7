import { describe, expect, test } from "vitest";
import { Secret } from "../../shared/app/secret.ts";
import { formOf, privateBody } from "../../shared/kraken/body.ts";
import { signerOf } from "../../shared/kraken/sign.ts";
import { documentedSign, SAMPLE_SECRET } from "../support/kraken-rest.ts";

const signer = signerOf(new Secret(SAMPLE_SECRET));
const NONCE = "1616492376594";

test("the vector that Kraken publishes", () => {
  const body = "nonce=1616492376594&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25";
  expect(signer.sign("/0/private/AddOrder", NONCE, body)).toBe(
    "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ==",
  );
});

test.each([
  ["JSON with texts", "/0/private/AddOrder", `{"nonce":"${NONCE}","pair":"XBTUSD","volume":"1.25"}`],
  ["JSON as Python writes it", "/0/private/AddOrderBatch", `{"nonce": "${NONCE}", "orders": [{"a": 1}]}`],
  ["nonce alone", "/0/private/Balance", `nonce=${NONCE}`],
  ["one-time password", "/0/private/Balance", privateBody(NONCE, {}, "123456")],
  ["percent price", "/0/private/AddOrder", formOf({ nonce: NONCE, price: "+5%" })],
  ["nested path", "/0/private/Earn/Allocate", `nonce=${NONCE}&amount=1`],
  [
    "letters beyond ASCII",
    "/0/private/AddExport",
    `{"nonce":"${NONCE}","description":"Jahr 2026 – Käufe €"}`,
  ],
])("%s is signed as the docs say", (_name, path, body) => {
  expect(signer.sign(path, NONCE, body)).toBe(documentedSign(SAMPLE_SECRET, path, NONCE, body));
});

test("two published values of the same key", () => {
  expect(signer.sign("/0/private/Balance", NONCE, `nonce=${NONCE}`)).toBe(
    "1nH4vwR+8FHiYh1QT649xXkGd3JR3x0DWkgv3u9Ed/Qqv6KPtgQpEU4m+Emb/VgpEji3j1XNwI+HCbfXxmrTOg==",
  );
  expect(signer.sign("/0/private/Balance", NONCE, privateBody(NONCE, {}, "123456"))).toBe(
    "jbyoyzbCFde1u0Rnp3ChMEofg5y4E4qpI247mcYicXoAi4c201b8GKM5LmshBvKP9WVm+UFHd710qkGBE0tRJw==",
  );
});

describe("the private key", () => {
  test("may carry the line break it was copied with", () => {
    const copied = signerOf(new Secret(`${SAMPLE_SECRET}\n`));
    expect(copied.sign("/p", "1", "nonce=1")).toBe(signer.sign("/p", "1", "nonce=1"));
  });

  test.each([1, 63, 64, 127, 128, 129, 300])("may have %i bytes", (bytes) => {
    const secret = Buffer.alloc(bytes, 0xa7).toString("base64");
    const made = signerOf(new Secret(secret)).sign("/0/private/Balance", "7", "nonce=7");
    expect(made).toBe(documentedSign(secret, "/0/private/Balance", "7", "nonce=7"));
  });

  test.each(["", " ", "not base64!", "aGVsbG8=\naGVsbG8="])(
    "is refused when it is %j, without being shown",
    (text) => {
      expect(() => signerOf(new Secret(text))).toThrow("the private key is not base64 text");
    },
  );

  test("has one signer for as long as it lives", () => {
    const secret = new Secret(SAMPLE_SECRET);
    expect(signerOf(secret)).toBe(signerOf(secret));
  });
});
