/** `npm run mutants [-- WORD]`: takes each step of the protocol out, one at a time, and expects its test to fail. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MUTANTS, type Mutant } from "./protocol.ts";

const [word] = process.argv.slice(2);
const wanted = MUTANTS.filter((mutant) => word === undefined || mutant.step.includes(word));
if (wanted.length === 0) {
  console.error(`no step has ${JSON.stringify(word)} in its name; there are:`);
  for (const { step } of MUTANTS) console.error(`  ${step}`);
  process.exit(2);
}

const root = join(import.meta.dirname, "../..");
const copy = mkdtempSync(join(tmpdir(), "tidekeeper-mutants-"));
for (const part of [
  "functions",
  "local",
  "shared",
  "test",
  "package.json",
  "tsconfig.json",
  "vitest.config.ts",
]) {
  cpSync(join(root, part), join(copy, part), {
    recursive: true,
    filter: (source) => !source.endsWith("node_modules"),
  });
}
symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));

/** How the test ends. `not found` also when its file does not load: then it has shown nothing. */
function verdictOf({ file, name }: Mutant["test"]): "killed" | "SURVIVED" | "not found" {
  const pattern = name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const report = join(copy, "report.json");
  rmSync(report, { force: true });
  spawnSync(
    process.execPath,
    [
      join(root, "node_modules/vitest/vitest.mjs"),
      "run",
      file,
      "-t",
      pattern,
      "--reporter=json",
      `--outputFile=${report}`,
    ],
    { cwd: copy, stdio: "ignore" },
  );
  const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, "utf8")) as {
    numPassedTests: number;
    numFailedTests: number;
  };
  if (numFailedTests > 0) return "killed";
  return numPassedTests > 0 ? "SURVIVED" : "not found";
}

const bad: string[] = [];
try {
  for (const mutant of wanted) {
    const path = join(copy, mutant.file);
    const source = readFileSync(path, "utf8");
    const times = source.split(mutant.from).length - 1;
    if (times !== 1) {
      bad.push(`${mutant.step}: its text stands ${times} times in ${mutant.file}, expected once`);
      continue;
    }
    writeFileSync(
      path,
      source.replace(mutant.from, () => mutant.to),
    );
    const verdict = verdictOf(mutant.test);
    writeFileSync(path, source);
    console.log(`${verdict.padEnd(12)}  ${mutant.step}  —  ${mutant.test.name}`);
    if (verdict !== "killed") bad.push(`${mutant.step}: ${verdict}`);
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
console.log(`${wanted.length - bad.length} of ${wanted.length} steps are guarded by their test`);
for (const line of bad) console.error(line);
process.exit(bad.length === 0 ? 0 : 1);
