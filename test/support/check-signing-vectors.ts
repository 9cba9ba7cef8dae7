/**
 * Checks a file of signing vectors against our signer: `node test/support/check-signing-vectors.ts FILE`.
 * The file holds `private_key` and `vectors` of `path`, `nonce`, `body`, `api_sign`. Exit code 0: all agree.
 */
import { readFileSync } from "node:fs";
import * as z from "zod";
import { Secret } from "../../shared/app/secret.ts";
import { signerOf } from "../../shared/kraken/sign.ts";

const vectorsFile = z.object({
  private_key: z.string(),
  vectors: z
    .array(
      z.object({
        note: z.string().optional(),
        private_key: z.string().optional(),
        path: z.string(),
        nonce: z.union([z.string(), z.number()]).transform(String),
        body: z.string(),
        api_sign: z.string(),
      }),
    )
    .min(1),
});

const [file] = process.argv.slice(2);
if (file === undefined) {
  console.error("usage: node test/support/check-signing-vectors.ts FILE");
  process.exit(2);
}
const { private_key: privateKey, vectors } = vectorsFile.parse(JSON.parse(readFileSync(file, "utf8")));
let wrong = 0;
for (const [index, vector] of vectors.entries()) {
  const signer = signerOf(new Secret(vector.private_key ?? privateKey));
  const made = signer.sign(vector.path, vector.nonce, vector.body);
  const agrees = made === vector.api_sign;
  if (!agrees) wrong += 1;
  const name = `${index + 1} ${vector.path} ${vector.note ?? ""}`.trim();
  console.log(agrees ? `ok    ${name}` : `WRONG ${name}: ${made}, expected ${vector.api_sign}`);
}
process.exit(wrong === 0 ? 0 : 1);
