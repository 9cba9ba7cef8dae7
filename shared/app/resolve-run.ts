/**
 * The owner's hand on an order that stayed in doubt: with evidence from the exchange, and only with it, the run goes on.
 * Nothing the owner says is believed; Kraken is asked again.
 */
import type { Intent } from "../domain/run.ts";
import { SECOND_MS } from "../domain/time.ts";
import type { Deps } from "./ports.ts";
import { Postponed } from "./postponed.ts";
import type { RunContext } from "./run-context.ts";
import { runPlan, withRun } from "./run-plan.ts";
import type { RunReport } from "./run-report.ts";
import { endIntent } from "./steps/conclude.ts";
import { control } from "./steps/control.ts";
import { look } from "./steps/look.ts";
import { isOtherAccount, OTHER_ACCOUNT } from "./steps/resolve.ts";

export type Resolution =
  | { readonly is: "found" | "absent"; readonly report: RunReport }
  /** Neither the order nor its absence could be shown; nothing was changed. */
  | { readonly is: "no-evidence"; readonly why: string }
  | { readonly is: "not-quarantined"; readonly state: Intent["state"] | undefined };

const BETWEEN_LOOKS_MS = 15 * SECOND_MS;

export async function resolveRun(account: string, run: string, deps: Deps): Promise<Resolution> {
  await releasePlanOf(account, run, deps);
  const resume = { kind: "resume", account, run } as const;
  const outcome = await withRun(resume, deps, async (ctx) => lookAgain(ctx, deps)).catch((error: unknown) => {
    // Test: while Kraken does not answer, asking is refused, and nothing changes
    // One that only waits, for Kraken's rate counter say, is its caller's to wait for.
    if (error instanceof Postponed && error.because === "failed")
      return { is: "no-evidence", why: error.message } as const;
    throw error;
  });
  if (outcome !== "go-on") return outcome;
  const report = await runPlan(resume, deps);
  // Another doubt, or two orders under one id, keep the plan on hold.
  await deps.books.unblock(account, report.plan, run);
  return { is: report.outcome === "abandoned" ? "absent" : "found", report };
}

async function lookAgain(ctx: RunContext, { clock }: Deps): Promise<Resolution | "go-on"> {
  const intent = ctx.intent;
  if (intent?.state !== "QUARANTINED") return { is: "not-quarantined", state: intent?.state };
  if (await isOtherAccount(ctx, intent)) return { is: "no-evidence", why: OTHER_ACCOUNT };
  for (const isFirst of [true, false]) {
    const looked = await look(ctx, intent);
    const controlled = looked.found.length > 0 ? undefined : await control(ctx, intent, { asksOwner: true });
    if (controlled?.is === "doubt") return { is: "no-evidence", why: controlled.why };
    const found = controlled?.is === "found" ? controlled.orders : looked.found;
    if (found.length > 0) {
      const txids = found.map((order) => order.txid);
      ctx.step("reconcile", `the owner asked again: found ${txids.join(", ")}`);
      await ctx.write(
        intent,
        ctx.noted({ ...intent, state: "ACKED", txids }, `ACKED by the owner: ${txids.join(", ")}`),
      );
      return "go-on";
    }
    await ctx.releaseKey();
    if (isFirst) await clock.sleep(BETWEEN_LOOKS_MS);
  }
  const detail = "two looks at Kraken, after its deadline, found no such order";
  await endIntent(ctx, intent, "SKIPPED", "abandoned", { code: "UNPROVEN", detail });
  return "go-on";
}

/** An earlier asking may have ended the run, and died before it let the plan go on. */
async function releasePlanOf(account: string, id: string, deps: Deps): Promise<void> {
  const known = await deps.books.run(account, id);
  if (known?.run.closedAt === undefined) return;
  await deps.books.unblock(account, known.run.plan, id);
}
