/** A secret that must be nowhere: looked for as it is, in other spellings, and in pieces. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** Long enough not to be met by chance. */
const PIECE = 12;

function spellings(secret: string): readonly string[] {
  const bytes = Buffer.from(secret, "base64");
  const isBase64 = bytes.toString("base64") === secret;
  return [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    [...secret].reverse().join(""),
    Buffer.from(secret).toString("hex"),
    Buffer.from(secret).toString("hex").toUpperCase(),
    ...(isBase64 ? [bytes.toString("hex"), bytes.toString("latin1"), bytes.toString("base64url")] : []),
    // Base64 of it within a longer text, at each of the three places where it can begin.
    ...[0, 1, 2].map((shift) =>
      Buffer.from("x".repeat(shift) + secret)
        .toString("base64")
        .slice(shift === 0 ? 0 : 4, -4),
    ),
    Buffer.from(secret, "utf16le").toString("latin1"),
  ];
}

/** Every place in `texts`, by name, that holds a piece of one of the secrets. */
export function placesOf(secrets: readonly string[], texts: ReadonlyMap<string, string>): readonly string[] {
  const found = new Set<string>();
  for (const secret of secrets) {
    for (const spelling of spellings(secret)) {
      for (let at = 0; at + PIECE <= spelling.length; at += PIECE / 2) {
        const piece = spelling.slice(at, at + PIECE);
        for (const [name, text] of texts) if (text.includes(piece)) found.add(`${name}: ${piece}`);
      }
    }
  }
  return [...found];
}

/** Every file under the folder, byte for byte. */
export function filesUnder(folder: string): Map<string, string> {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const files = names.filter((name) => statSync(join(folder, name)).isFile());
  return new Map(files.map((name) => [name, readFileSync(join(folder, name), "latin1")]));
}
