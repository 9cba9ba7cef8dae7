/** What is wrong in a file, where, and how to mend it: as a value, and as the line that an owner reads. */

export type Mistake = {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** `plans[0].buy`; empty when the file as a whole is meant. */
  readonly path: string;
  /** As it stands in the file; empty when nothing stands there. */
  readonly read: string;
  readonly expected: string;
  readonly suggestion?: string;
};

/** Something that is allowed and that the owner may not have meant. */
export type Warning = {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly path: string;
  readonly text: string;
};

export function formatMistake({ path, read, expected, suggestion, ...at }: Mistake): string {
  const what = read === "" ? "nothing" : JSON.stringify(read);
  const fix = suggestion === undefined ? "" : `; write ${suggestion}`;
  return visible(`${place(at)}  ${path === "" ? "" : `${path}: `}read ${what}, expected ${expected}${fix}`);
}

export const formatWarning = ({ path, text, ...at }: Warning): string =>
  visible(`${place(at)}  ${path}: ${text}`);

const place = ({ file, line, column }: Pick<Mistake, "file" | "line" | "column">): string =>
  `${file}:${line}:${column}`;

/** Control characters, and letters that look like a space or turn the direction of text, are shown by their code. */
const visible = (text: string): string =>
  text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u00a0\u2000-\u200a\u202f\u3000]/gu,
    (character) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, "0")}`,
  );
