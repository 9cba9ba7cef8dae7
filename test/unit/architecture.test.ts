/** Who may import whom, what the domain and the app may not name, and how long a file may grow. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, test } from "vitest";

type Source = { readonly path: string; readonly text: string };
type Import = { readonly from: string; readonly to: string; readonly isTypeOnly: boolean };

/** A room, the rooms it may import, and the packages it may name. A package ends in `*` when its kin are meant, too. */
const ROOMS: Readonly<
  Record<string, { readonly rooms: readonly string[]; readonly packages: readonly string[] }>
> = {
  "shared/domain": { rooms: [], packages: [] },
  "shared/app": { rooms: ["shared/domain"], packages: ["node:crypto"] },
  "shared/config": { rooms: ["shared/domain"], packages: ["zod", "yaml", "node:*"] },
  "shared/kraken": { rooms: ["shared/domain", "shared/app"], packages: ["zod", "undici*", "node:*"] },
  "shared/aws": {
    rooms: ["shared/domain", "shared/app", "shared/config"],
    packages: ["@aws-sdk/*", "zod", "node:*"],
  },
  functions: {
    rooms: ["shared/domain", "shared/app", "shared/config", "shared/kraken", "shared/aws"],
    packages: ["*"],
  },
  infra: {
    rooms: ["shared/config", "shared/domain"],
    packages: ["aws-cdk-lib*", "constructs", "cdk-nag", "esbuild", "node:*"],
  },
  local: {
    rooms: ["shared/domain", "shared/app", "shared/config", "shared/kraken", "shared/aws", "functions"],
    packages: ["*"],
  },
  test: { rooms: ["*"], packages: ["*"] },
};

/** Within functions, only the composition root may name an adapter. */
const ADAPTERS = ["shared/kraken", "shared/aws"];
const COMPOSITION_ROOT = "functions/wire.ts";

const NOT_IN_APP = [
  /\bDate\.now\b/,
  /\bnew Date\(\s*\)/,
  /\bMath\.random\b/,
  /\bprocess\.env\b/,
  /\bsetTimeout\b/,
  /\bfetch\(/,
];
const NOT_IN_DOMAIN = [...NOT_IN_APP, /\bnode:/, /\bawait\b/, /\basync\b/, /\bprocess\./, /\brequire\(/];

const LINES_MAX = 320;
const ROOMS_WITH_SHORT_FILES = ["shared", "functions", "local"];

const matches = (patterns: readonly string[], name: string): boolean =>
  patterns.some((pattern) =>
    pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern,
  );

const roomOf = (path: string): string | undefined =>
  Object.keys(ROOMS).find((room) => path.startsWith(`${room}/`));

const COMMENT_OR_TEXT = /\/\*[\s\S]*?\*\/|(?<![:\\])\/\/.*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g;

const withoutComments = (text: string): string =>
  text.replace(COMMENT_OR_TEXT, (found) => (found.startsWith("/") ? "" : found));

const withoutCommentsAndTexts = (text: string): string =>
  text.replace(COMMENT_OR_TEXT, (found) => (found.startsWith("/") ? "" : '""'));

/** Static and dynamic imports, and exports from elsewhere. */
function importsOf({ path, text }: Source): readonly Import[] {
  const found: Import[] = [];
  const code = withoutComments(text);
  for (const match of code.matchAll(
    /\b(import|export)\b(\s+type\b(?!\s+from\b))?[^;"'`()]*?\bfrom\s*["']([^"']+)["']/g,
  )) {
    found.push({ from: path, to: resolved(path, match[3]!), isTypeOnly: match[2] !== undefined });
  }
  for (const match of code.matchAll(
    /\b(?:import|require|require\.resolve)\s*(?:\(\s*)?["'`]([^"'`]+)["'`]/g,
  )) {
    found.push({ from: path, to: resolved(path, match[1]!), isTypeOnly: false });
  }
  return found;
}

const resolved = (path: string, to: string): string =>
  to.startsWith(".") ? normalize(join(dirname(path), to)) : to;

const isFile = (to: string): boolean => roomOf(to) !== undefined && to.endsWith(".ts");

function brokenImports(sources: readonly Source[]): readonly string[] {
  return sources.flatMap((source) => {
    const room = roomOf(source.path);
    if (room === undefined) return [`${source.path} lies in no room`];
    const { rooms, packages } = ROOMS[room]!;
    return importsOf(source).flatMap(({ to }) => {
      const target = isFile(to) ? roomOf(to)! : undefined;
      if (target === undefined) {
        if (matches(packages, to)) return [];
        return [`${source.path} imports ${to}, ${room} may not`];
      }
      if (room === "functions" && ADAPTERS.includes(target) && source.path !== COMPOSITION_ROOT) {
        return [`${source.path} imports ${to}, only ${COMPOSITION_ROOT} may name an adapter`];
      }
      return target === room || matches(rooms, target)
        ? []
        : [`${source.path} imports ${to}, ${room} may not`];
    });
  });
}

/** Cycles of imports that exist at run time, each told once. */
function cyclesIn(sources: readonly Source[]): readonly string[] {
  const edges = new Map(
    sources.map((source) => [
      source.path,
      importsOf(source)
        .filter(({ isTypeOnly, to }) => !isTypeOnly && isFile(to) && roomOf(to) === roomOf(source.path))
        .map(({ to }) => to),
    ]),
  );
  const cycles = new Set<string>();
  const done = new Set<string>();
  const walk = (path: string, way: readonly string[]): void => {
    if (way.includes(path)) {
      cycles.add([...way.slice(way.indexOf(path)), path].join(" → "));
      return;
    }
    if (done.has(path)) return;
    for (const next of edges.get(path) ?? []) walk(next, [...way, path]);
    done.add(path);
  };
  for (const path of edges.keys()) walk(path, []);
  return [...cycles];
}

const named = (sources: readonly Source[], room: string, forbidden: readonly RegExp[]): readonly string[] =>
  sources
    .filter(({ path }) => roomOf(path) === room)
    .flatMap(({ path, text }) => {
      // Imports are looked at with their texts, all else without: a message may say "fetch(" or "await".
      const code = withoutCommentsAndTexts(text);
      const imports = importsOf({ path, text }).map(({ to }) => `import ${to}`);
      return forbidden
        .filter((pattern) => pattern.test(code) || imports.some((line) => pattern.test(line)))
        .map((pattern) => `${path} names ${pattern.source}`);
    });

const tooLong = (sources: readonly Source[]): readonly string[] =>
  sources
    .filter(({ path }) => ROOMS_WITH_SHORT_FILES.includes(path.split("/")[0]!))
    .map(({ path, text }) => ({ path, lines: text.split("\n").length - 1 }))
    .filter(({ lines }) => lines > LINES_MAX)
    .map(({ path, lines }) => `${path} has ${lines} lines, at most ${LINES_MAX} are allowed`);

const ROOT = join(import.meta.dirname, "../..");
const TOPS = ["shared", "functions", "infra", "local", "test"];

const sources: readonly Source[] = TOPS.flatMap((top) => {
  try {
    return readdirSync(join(ROOT, top), { recursive: true, encoding: "utf8" })
      .map((name) => `${top}/${name}`)
      .filter(
        (path) => path.endsWith(".ts") && !path.includes("node_modules/") && !path.startsWith("test/peers/"),
      )
      .map((path) => ({ path, text: readFileSync(join(ROOT, path), "utf8") }));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
});

describe("the house as it stands", () => {
  test("every room that has code was read", () => {
    const seen = new Set(sources.map(({ path }) => roomOf(path)));
    for (const room of [
      "shared/domain",
      "shared/app",
      "shared/config",
      "shared/kraken",
      "shared/aws",
      "local",
    ]) {
      expect(seen).toContain(room);
    }
  });

  test("every import is allowed by the table", () => {
    expect(brokenImports(sources)).toEqual([]);
  });

  test("no file of shared reaches itself through the imports of its own room", () => {
    expect(cyclesIn(sources.filter(({ path }) => path.startsWith("shared/")))).toEqual([]);
  });

  test("the domain knows no clock, no chance, no world, and waits for nothing", () => {
    expect(named(sources, "shared/domain", NOT_IN_DOMAIN)).toEqual([]);
  });

  test("the app asks its ports for time and chance, never the machine", () => {
    expect(named(sources, "shared/app", NOT_IN_APP)).toEqual([]);
  });

  test(`no file of the program is longer than ${LINES_MAX} lines`, () => {
    expect(tooLong(sources)).toEqual([]);
  });
});

describe("these checks can fail", () => {
  const one = (path: string, text: string): readonly Source[] => [{ path, text }];

  test.each([
    ["shared/domain/a.ts", 'import { x } from "../app/ids.ts";'],
    ["shared/domain/a.ts", 'import type { x } from "../app/ids.ts";'],
    ["shared/domain/a.ts", 'import { createHash } from "node:crypto";'],
    ["shared/domain/a.ts", 'import Big from "big.js";'],
    ["shared/domain/a.ts", 'const late = await import("../aws/items.ts");'],
    ["shared/app/steps/a.ts", 'import { s } from "../../aws/dynamo.ts";'],
    ["shared/app/a.ts", 'import { readFileSync } from "node:fs";'],
    ["shared/app/a.ts", 'export * from "../kraken/sign.ts";'],
    ["shared/config/a.ts", 'import "../app/clock.ts";'],
    ["shared/kraken/a.ts", 'import { x } from "../aws/items.ts";'],
    ["shared/kraken/a.ts", 'import { x } from "../config/names.ts";'],
    ["shared/aws/a.ts", 'import {\n  x,\n} from "../kraken/sign.ts";'],
    ["shared/aws/a.ts", 'import { x } from "../../local/clock.ts";'],
    ["functions/dca.ts", 'import { x } from "../shared/aws/items.ts";'],
    ["functions/wire.ts", 'import { x } from "../local/clock.ts";'],
    ["functions/wire.ts", 'import { x } from "../infra/app.ts";'],
    ["infra/app.ts", 'import { x } from "../shared/app/ids.ts";'],
    ["infra/app.ts", 'import { x } from "../local/clock.ts";'],
    ["local/main.ts", 'import { x } from "../infra/app.ts";'],
    ["local/main.ts", 'import { x } from "../test/support/pump.ts";'],
    ["shared/stray.ts", "export const x = 1;"],
  ])("%s with %s is refused", (path, text) => {
    expect(brokenImports(one(path, text))).toHaveLength(1);
  });

  test.each([
    ["functions/wire.ts", 'import { x } from "../shared/aws/items.ts";'],
    [
      "local/main.ts",
      'import { x } from "../functions/dca.ts";\nimport { y } from "../shared/aws/items.ts";',
    ],
    ["shared/kraken/endpoints/a.ts", 'import { x } from "../../domain/money.ts";'],
    ["shared/domain/a.ts", '// import { x } from "../app/ids.ts";\n/* import "node:fs"; */'],
    ["test/unit/a.test.ts", 'import { x } from "../../infra/app.ts";'],
  ])("%s with %s is allowed", (path, text) => {
    expect(brokenImports(one(path, text))).toEqual([]);
  });

  test("a cycle of two and of three is found, a cycle of types alone is not", () => {
    const a = (to: string, how = "import { x }") => `${how} from "./${to}.ts";`;
    const files = (texts: Record<string, string>): Source[] =>
      Object.entries(texts).map(([name, text]) => ({ path: `shared/domain/${name}.ts`, text }));
    expect(cyclesIn(files({ a: a("b"), b: a("a") }))).toHaveLength(1);
    expect(cyclesIn(files({ a: a("b"), b: a("c"), c: a("a", "export { x }") }))).toHaveLength(1);
    expect(cyclesIn(files({ a: a("b"), b: a("a", "import { type x }") }))).toHaveLength(1); // It loads the file
    expect(cyclesIn(files({ a: a("b"), b: a("a", "import type { x }") }))).toEqual([]);
    expect(cyclesIn(files({ a: a("b"), b: a("c"), c: "" }))).toEqual([]);
  });

  test.each([
    "const now = Date.now();",
    "const now = new Date();",
    "const now = new Date( );",
    "const luck = Math.random();",
    "const answer = fetch(url);",
    "const mode = process.env.MODE;",
    'import { createHash } from "node:crypto";',
    "setTimeout(() => {}, 5);",
    "const answer = await ask();",
    "export async function ask() {}",
  ])("the domain may not say %s", (text) => {
    expect(named(one("shared/domain/a.ts", text), "shared/domain", NOT_IN_DOMAIN)).not.toEqual([]);
  });

  test.each([
    "const now = Date.now();",
    "const now = new Date();",
    "const luck = Math.random();",
    "const mode = process.env.MODE;",
    "setTimeout(() => {}, 5);",
    "const answer = fetch(url);",
  ])("the app may not say %s", (text) => {
    expect(named(one("shared/app/a.ts", text), "shared/app", NOT_IN_APP)).not.toEqual([]);
  });

  test("words in comments and messages are free", () => {
    const text = '// never Date.now()\nconst told = "await Math.random()";\nconst day = new Date(at);';
    expect(named(one("shared/domain/a.ts", text), "shared/domain", NOT_IN_DOMAIN)).toEqual([]);
  });

  test("one line too many is found", () => {
    expect(tooLong(one("shared/app/a.ts", "x\n".repeat(LINES_MAX)))).toEqual([]);
    expect(tooLong(one("shared/app/a.ts", "x\n".repeat(LINES_MAX + 1)))).toHaveLength(1);
    expect(tooLong(one("test/unit/a.test.ts", "x\n".repeat(LINES_MAX + 1)))).toEqual([]);
  });
});
