/** Plays the cases that its parent sends, one after another. Its own output is the program's log, and is not kept. */

import { play } from "./play.ts";
import type { Injection } from "./tap.ts";

process.on("message", (injections: readonly Injection[]) => {
  play(injections).then(
    (played) => process.send!({ played: { ...played, failures: played.failures.slice(0, 20) } }),
    (error: unknown) => process.send!({ error: (error as Error).stack ?? String(error) }),
  );
});
process.on("disconnect", () => process.exit());
