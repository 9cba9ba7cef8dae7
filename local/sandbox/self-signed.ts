/** A certificate for 127.0.0.1 and localhost that nobody vouches for, made at start: clients must be told to accept it. */
import { createSign, generateKeyPairSync, randomBytes } from "node:crypto";
import type { TlsOptions } from "./server.ts";

const DAY_MS = 86_400_000;

/** X.509 is nested tag-length-value, and this certificate needs few of its forms. */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const { length } = body;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
}

const sequence = (...parts: readonly Buffer[]): Buffer => der(0x30, ...parts);
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, "hex"));
const ascii = (tag: number, text: string): Buffer => der(tag, Buffer.from(text, "ascii"));

/** `YYMMDDhhmmssZ`, good until 2049. */
const utcTime = (at: number): Buffer =>
  ascii(0x17, `${new Date(at).toISOString().replace(/[-:T]/g, "").slice(2, 14)}Z`);

export function selfSigned(at: number): TlsOptions {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const ecdsaWithSha256 = sequence(oid("2a8648ce3d040302"));
  const name = sequence(der(0x31, sequence(oid("550403"), ascii(0x0c, "Tidekeeper sandbox"))));
  const hosts = sequence(ascii(0x82, "localhost"), der(0x87, Buffer.from([127, 0, 0, 1])));
  const subjectAltName = sequence(oid("551d11"), der(0x04, hosts));
  const serial = randomBytes(8);
  serial[0]! &= 0x7f;
  serial[0]! |= 0x01;
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    ecdsaWithSha256,
    name,
    sequence(utcTime(at - DAY_MS), utcTime(at + 365 * DAY_MS)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(subjectAltName)),
  );
  const signature = createSign("sha256").update(body).sign(privateKey);
  const whole = sequence(body, ecdsaWithSha256, der(0x03, Buffer.from([0]), signature));
  const lines = whole
    .toString("base64")
    .match(/.{1,64}/g)!
    .join("\n");
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}
