import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    silent: "passed-only",
    include: ["test/**/*.test.ts"],
    // Two cores: two workers, so that a test that starts servers is not starved.
    // One more than the two cores: tests of frozen and killed machines wait in real time.
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
