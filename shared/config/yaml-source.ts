/**
 * Text → the nodes of one YAML document, with every scalar as the text that stands in the file: `1e5`, `0x10`, `yes` and
 * `08:00` mean nothing here. What could make a file say something else than it shows is a mistake: aliases, anchors, tags,
 * merge keys, a second document, tabs.
 */
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments } from "yaml";
import type { Mistake, Warning } from "./mistake.ts";

/** A place in the file and what stands there. */
export type Value = {
  readonly node: Node | null;
  readonly path: string;
  readonly offset: number;
  /** Set where a comma inside { } cut a value in two: the whole, as the owner meant it. */
  readonly joined?: string;
};

export type Report = {
  /** Answers undefined, so that a reader can end with it. */
  mistake(at: Value, expected: string, more?: { read?: string; suggestion?: string | undefined }): undefined;
  warn(at: Value, text: string): void;
  lineOf(offset: number): number;
  /** Mistakes so far. */
  count(): number;
  /** In the order of the file. */
  mistakes(): readonly Mistake[];
  warnings(): readonly Warning[];
};

const LENGTH_MAX = 1024 * 1024;
/** The grammar needs five. */
const DEPTH_MAX = 16;
const BROKEN_PLACES_MAX = 5;
const READ_MAX = 60;

/** The top of the document, or undefined when the mistakes leave nothing to read. */
export function readYaml(text: string, file: string): { readonly root: Value | undefined; report: Report } {
  const lines = new LineCounter();
  const report = reportOn(file, text, lines);
  const top = (offset: number): Value => ({ node: null, path: "", offset });
  const unreadable = { root: undefined, report };

  if (text.length > LENGTH_MAX) {
    report.mistake(top(0), "a file of at most 1 MB", { read: `${text.length} characters` });
    return unreadable;
  }
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lines.addNewLine(at + 1);
  lines.lineStarts.unshift(0);

  const tabs = [...text.matchAll(/^([^\t\n]*)\t/gm)];
  for (const tab of tabs)
    report.mistake(top(tab.index + tab[1]!.length), "spaces, never tabs", { read: "\t" });
  if (tabs.some(([, before]) => before!.trim() === "")) return unreadable; // Indentation, its width is a guess

  const documents = parseAllDocuments(text.replaceAll("\t", " "), {
    schema: "failsafe",
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: "silent",
  });
  const [document, second] = "empty" in documents ? [] : documents;
  if (document === undefined) {
    report.mistake(top(0), "settings with at least one plan, as in tide.example.yaml");
    return unreadable;
  }
  const errors = documents.flatMap((each) => each.errors).slice(0, BROKEN_PLACES_MAX);
  if (errors.length > 0) {
    const seen = new Set<number>();
    for (const { pos, code, message } of errors) {
      const { line } = positionOf(lines, pos[0]);
      if (seen.has(line)) continue;
      seen.add(line);
      const deep = code === "RESOURCE_EXHAUSTION";
      report.mistake(top(pos[0]), deep ? "less nesting" : `valid YAML (${message})`, {
        read: wholeLine(text, pos[0]),
      });
    }
    return unreadable;
  }
  if (second !== undefined)
    report.mistake(top(second.range[0]), "one document in the file: no --- line", {
      read: lineAt(text, second.range[0]),
    });

  const root: Value = { node: document.contents, path: "", offset: document.contents?.range?.[0] ?? 0 };
  return forbid(root, report, text, 0) ? { root, report } : unreadable;
}

/** The scalar's text; undefined for maps, lists and aliases. */
export function textOf({ node, joined }: Value): string | undefined {
  if (joined !== undefined) return joined;
  if (node === null) return "";
  return isScalar(node) && typeof node.value === "string" ? node.value : undefined;
}

/** Reports what hides meaning. False when the document is nested too deep to be read. */
function forbid(value: Value, report: Report, text: string, depth: number): boolean {
  const { node, path } = value;
  if (node === null) return true;
  if (depth > DEPTH_MAX) {
    report.mistake(value, "less nesting", { read: lineAt(text, value.offset) });
    return false;
  }
  if (isAlias(node)) {
    report.mistake(value, "no aliases: the value itself, written out", { read: `*${node.source}` });
    return true;
  }
  if ("anchor" in node && typeof node.anchor === "string")
    report.mistake(value, "no anchors: each value written where it counts", { read: `&${node.anchor}` });
  if (typeof node.tag === "string")
    report.mistake(value, "no tags: the value alone", { read: lineAt(text, value.offset) });
  if (isSeq(node))
    return node.items.every((item, index) =>
      forbid(valueAt(item as Node | null, `${path}[${index}]`, value.offset), report, text, depth + 1),
    );
  if (!isMap(node)) return true;
  return node.items.every(({ key, value: inner }) => {
    const at = valueAt(key as Node | null, path, value.offset);
    const name = textOf(at);
    if (name === undefined) {
      if (isAlias(key)) forbid(at, report, text, depth + 1);
      else report.mistake(at, "a plain word as key", { read: lineAt(text, at.offset) });
      return true;
    }
    if (name === "<<") {
      report.mistake(at, "no merge keys: the values themselves, written out", { read: "<<" });
      return true;
    }
    return (
      forbid({ ...at, path: keyPath(path, name) }, report, text, depth + 1) &&
      forbid(valueAt(inner as Node | null, keyPath(path, name), at.offset), report, text, depth + 1)
    );
  });
}

/** A node that is missing or empty lies where the one around it begins. */
export const valueAt = (node: Node | null, path: string, around: number): Value => ({
  node,
  path,
  offset: node?.range?.[0] ?? around,
});

export const keyPath = (path: string, key: string): string =>
  path === "" ? clip(key) : `${path}.${clip(key)}`;

function reportOn(file: string, text: string, lines: LineCounter): Report {
  const mistakes: (Mistake & { offset: number })[] = [];
  const warnings: (Warning & { offset: number })[] = [];
  const inOrder = <T extends { offset: number }>(found: T[]): Omit<T, "offset">[] =>
    found.toSorted((a, b) => a.offset - b.offset).map(({ offset: _, ...rest }) => rest);
  const where = ({ path, offset }: Value) => ({ file, ...positionOf(lines, offset), path, offset });
  return {
    mistake(at, expected, { read, suggestion } = {}) {
      const shown = clip(read ?? textOf(at) ?? lineAt(text, at.offset));
      mistakes.push({
        ...where(at),
        read: shown,
        expected,
        ...(suggestion === undefined ? {} : { suggestion }),
      });
    },
    warn(at, warning) {
      warnings.push({ ...where(at), text: warning });
    },
    lineOf: (offset) => positionOf(lines, offset).line,
    count: () => mistakes.length,
    mistakes: () => inOrder(mistakes),
    warnings: () => inOrder(warnings),
  };
}

function positionOf(lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

/** From the place to the end of its line. */
function lineAt(text: string, offset: number): string {
  const end = text.indexOf("\n", offset);
  return clip(text.slice(offset, end < 0 ? undefined : end).trim());
}

function wholeLine(text: string, offset: number): string {
  const start = text.lastIndexOf("\n", offset - 1) + 1;
  return lineAt(text, start) || "the end of the file";
}

const clip = (text: string): string => (text.length <= READ_MAX ? text : `${text.slice(0, READ_MAX)}…`);
