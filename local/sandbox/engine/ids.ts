/** Ids as the exchange makes them: a letter, then base-32 letters in groups of 5, 5 and 6. */
import { createHash } from "node:crypto";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** The next id. It follows from the seed and from how many there were before: a replay makes the same ones. */
export function idOf(state: { readonly seed: number; ids: number }, letter: "O" | "T" | "L" | "Q"): string {
  state.ids++;
  const bytes = createHash("sha256").update(`${state.seed} ${letter} ${state.ids}`).digest();
  let text: string = letter;
  for (let i = 0; i < 16; i++) text += ALPHABET[bytes[i]! & 31];
  return `${text.slice(0, 6)}-${text.slice(6, 11)}-${text.slice(11)}`;
}
