/** Each step of the order protocol names its test beside it, and both are where they are said to be. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { MUTANTS } from "../mutants/protocol.ts";

test.each(MUTANTS.map((mutant) => [mutant.step, mutant] as const))(
  "%s: the step names its test",
  (_, mutant) => {
    const source = readFileSync(mutant.file, "utf8");
    expect(source.split(mutant.from)).toHaveLength(2);
    const above = source.slice(0, source.indexOf(mutant.from)).split("\n").slice(-4).join("\n");
    expect(above).toContain(`// Test: ${mutant.test.name}`);
  },
);

test.each(MUTANTS.map((mutant) => [mutant.test.name, mutant] as const))(
  "%s: there is such a test",
  (name, mutant) => {
    const tests = readFileSync(mutant.test.file, "utf8");
    // Tables build names from their rows: the fixed part of the name must stand there.
    const fixed =
      name.split(/^[\w-]+: |(?<=firing )of (?:no slot|the future|an unknown plan)|before claim$/).at(-1) ??
      name;
    expect(tests).toContain(fixed.trim());
  },
);
