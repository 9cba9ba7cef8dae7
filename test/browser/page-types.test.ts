/** The page's script is plain JavaScript, so it has types only where a compiler is asked to look. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

test("the page's modules hold what their comments promise", async () => {
  const root = join(import.meta.dirname, "../..");
  const asked = promisify(execFile)(
    process.execPath,
    [join(root, "node_modules/typescript/bin/tsc"), "-p", join(root, "local/page/static")],
    { cwd: root },
  );
  await expect(asked).resolves.toMatchObject({ stdout: "" });
});
