import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    silent: "passed-only",
    include: ["test/**/*.test.ts"],
    // Two cores: two workers, so that a test that starts servers is not starved.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
