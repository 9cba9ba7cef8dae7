import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    silent: "passed-only",
    include: ["test/**/*.test.ts"],
    // Two more than the two cores: tests of frozen and killed machines wait in real time.
    maxWorkers: 4,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // What is waited for comes from workers and other processes, also on a machine that stalls for a second.
    expect: { poll: { timeout: 15_000 } },
  },
});
