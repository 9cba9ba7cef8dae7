/**
 * The order protocol, step by step: what would be lost if a step were missing, and the test that notices. Each entry takes
 * one step out of the source; `npm run mutants` shows that its test then fails.
 */
export type Mutant = {
  /** The step that is taken out. */
  readonly step: string;
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly from: string;
  readonly to: string;
  readonly test: { readonly file: string; readonly name: string };
};

const proof = (name: string) => ({ file: "test/simulation/proof.test.ts", name });
const one = (name: string) => ({ file: "test/simulation/one-order.test.ts", name });
const switches = (name: string) => ({ file: "test/simulation/switches.test.ts", name });
const two = (name: string) => ({ file: "test/simulation/two-orders.test.ts", name });
const waiting = (name: string) => ({ file: "test/simulation/waiting-order.test.ts", name });
const edited = (name: string) => ({ file: "test/simulation/edited-plan.test.ts", name });
const accounted = (name: string) => ({ file: "test/simulation/accounted.test.ts", name });
const no = (name: string) => ({ file: "test/simulation/kraken-says-no.test.ts", name });

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: text of the program, not templates
export const MUTANTS: readonly Mutant[] = [
  {
    step: "a firing must be a slot of its plan",
    file: "shared/app/open-run.ts",
    from: "if (!isSlot(plan.schedule, plan.zone, slot)) {",
    to: "if (slot < 0) {",
    test: switches("a firing of no slot is put aside and told, and others go on"),
  },
  {
    step: "a firing must not come before its time",
    file: "shared/app/open-run.ts",
    from: "if (slot > later(deps.clock.now(), MINUTE_MS))",
    to: "if (slot > later(deps.clock.now(), 1e10))",
    test: switches("a firing of the future is put aside and told, and others go on"),
  },
  {
    step: "a firing must not come too late",
    file: "shared/app/steps/plan-buy.ts",
    from: "if (now > lateAfter) {",
    to: "if (now > lateAfter + 1e10) {",
    test: switches("a firing that comes too late is missed, not bought"),
  },
  {
    step: "Kraken must be open",
    file: "shared/app/steps/look-at-market.ts",
    from: 'if (closed !== undefined) return { is: "shut", reason: closed } as const;',
    to: "",
    test: no("maintenance is seen before anything is planned, and the slot is told"),
  },
  {
    step: "the key must be harmless",
    file: "shared/app/steps/look-at-market.ts",
    from: 'if (badKey !== undefined) return { is: "closed", outcome: "refused", reason: badKey } as const;',
    to: "",
    test: no("a key that can withdraw is refused by the name of its tick box"),
  },
  {
    step: "the caps hold inside the reservation",
    file: "shared/aws/run-ledger.ts",
    from: "conditions.push(`(attribute_not_exists(#w${index}) OR #w${index} <= :room${index})`);",
    to: "conditions.push(`(attribute_not_exists(#w${index}) OR #w${index} <> :room${index})`);",
    test: switches("a cap that another run used up meanwhile refuses the reservation"),
  },
  {
    step: "look first, also before the first attempt",
    file: "shared/app/steps/submit.ts",
    from: 'if (found.length > 0) return adopt(ctx, intent, found, "found at Kraken before sending");',
    to: "",
    test: proof("an order that a lost ledger does not know is found before sending, and adopted"),
  },
  {
    step: "the claim depends on the kill switch",
    file: "shared/aws/ledger-actions.ts",
    from: "ConditionExpression: [notKilled, ...isArmed, ...conditions]",
    to: 'ConditionExpression: ["(attribute_not_exists(pk) OR pk <> :true)", ...isArmed, ...conditions]',
    test: switches("stops a run in its middle, before claim"),
  },
  {
    step: "an order is sent only on the terms of its plan",
    file: "shared/app/steps/plan-buy.ts",
    from: "if (order.terms !== termsOf(ctx.plan, limits)) {",
    to: "if (order.terms === ctx.run.id) {",
    test: waiting("an order that waits while its plan is changed is not sent as it was decided"),
  },
  {
    step: "an order is sent only under the cap of now",
    file: "shared/app/steps/plan-buy.ts",
    from: "return checkOrderCap(limits, order.pair.quote, order.costMax);",
    to: "return limits.perOrder.length < 0 ? checkOrderCap(limits, order.pair.quote, order.costMax) : undefined;",
    test: waiting("a cap that was lowered while an order waits is not exceeded by it"),
  },
  {
    step: "the claim depends on the pause",
    file: "shared/aws/run-ledger.ts",
    from: 'check(planKey(account, plan), mayRun, { ":true": b(true) })',
    to: 'check(planKey(account, plan), "(attribute_not_exists(pk) OR pk <> :true)", { ":true": b(true) })',
    test: switches("a paused plan is stopped before the claim, too, and its slot is told"),
  },
  {
    step: "the claim depends on the lease and its fence",
    file: "shared/aws/run-ledger.ts",
    from: '"holder = :owner AND fence = :fence"',
    to: '"NOT (holder = :owner AND fence = :owner) OR fence = :fence"',
    test: switches("a worker whose lease was taken does not send"),
  },
  {
    step: "the order carries a deadline",
    file: "shared/kraken/account.ts",
    from: "deadline: order.deadline,",
    to: "",
    test: { file: "test/unit/kraken-account.test.ts", name: "sends the order as it was decided" },
  },
  {
    step: "no certain answer leaves SUBMITTING",
    file: "shared/app/steps/submit.ts",
    from: 'if (error.retry === "lookUpFirst") {',
    to: 'if (error.retry === "lookUpFirst" && error.message === "") {',
    test: one("html-520-after-accept: the order is found and adopted, not sent again"),
  },
  {
    step: "a second refused nonce stops the key",
    file: "shared/app/steps/submit.ts",
    from: "claimed.nonceRefusals < 1",
    to: "claimed.nonceRefusals < 9",
    test: no("a second refused nonce stops the key: something else is using it"),
  },
  {
    step: "the early looks",
    file: "shared/app/steps/submit.ts",
    from: "ctx.sentInDoubt = true;",
    to: "",
    test: proof("an order that shows a few seconds late is adopted in the same invocation"),
  },
  {
    step: "a look under another key is no barrier",
    file: "shared/app/steps/resolve.ts",
    from: "if (answeredAt < trustedAt) {",
    to: "if (answeredAt < 0) {",
    test: proof(
      "a look under another key is no barrier: the deadline alone must have been over for ten minutes",
    ),
  },
  {
    step: "the barrier counts like the deadline",
    file: "shared/app/steps/resolve.ts",
    from: "Math.max(intent.deadline, intent.barrierAt)",
    to: "Math.max(intent.deadline, 0)",
    test: proof("the barrier counts, not only the deadline: a crash long ago does not shorten the grace"),
  },
  {
    step: "the grace",
    file: "shared/app/steps/resolve.ts",
    from: "later(fencedAt, SKEW_MS + GRACE_MS)",
    to: "later(fencedAt, SKEW_MS)",
    test: proof("no look counts as proof before deadline, barrier and grace have passed"),
  },
  {
    step: "two complete looks",
    file: "shared/app/steps/resolve.ts",
    from: "if (intent.absentAt === undefined) {",
    to: "if (intent.n < 0) {",
    test: proof("a proof takes two looks, fifteen seconds apart"),
  },
  {
    step: "fifteen seconds between the looks",
    file: "shared/app/steps/resolve.ts",
    from: "const BETWEEN_SWEEPS_MS = 15 * SECOND_MS;",
    to: "const BETWEEN_SWEEPS_MS = 0 * SECOND_MS;",
    test: proof("a proof takes two looks, fifteen seconds apart"),
  },
  {
    step: "the positive control",
    file: "shared/app/steps/resolve.ts",
    from: 'if (controlled.is === "doubt") return keepInDoubt(ctx, intent, controlled.why, now);',
    to: "",
    test: proof(
      "records that lag beyond the grace are caught by the balance: no second buy, adopted when it shows",
    ),
  },
  {
    step: "the control knows what our other orders bought",
    file: "shared/app/steps/control.ts",
    from: "units: head.net.get(baseId) ?? 0n",
    to: "units: 0n * (head.net.get(baseId) ?? 0n)",
    test: proof("a buy of another plan meanwhile does not look like the missing order"),
  },
  {
    step: "the control knows which of our orders the balance held already",
    file: "shared/app/steps/control.ts",
    from: "if (wasOpen && other.fills !== undefined && mayBeInBalance(other, order))",
    to: "if (wasOpen && other.fills !== undefined && baseId === id)",
    test: two(
      "an order of ours that the balance holds already is not counted a second time when it is settled",
    ),
  },
  {
    step: "the control knows that others of our orders pay with the asset",
    file: "shared/app/steps/control.ts",
    from: "if (isOpen && mayStillPay(other, order)) expected",
    to: "if (isOpen && baseId === id) expected",
    test: two("an order that pays with the asset does not hide one that bought it"),
  },
  {
    step: "a key of another Kraken account proves nothing",
    file: "shared/app/steps/resolve.ts",
    from: "if (!(await isOtherAccount(ctx, intent))) return;",
    to: "if (ctx.deps !== undefined) return;",
    test: {
      file: "test/simulation/other-account.test.ts",
      name: "a key of another Kraken account is refused, and no order in doubt is looked for with it",
    },
  },
  {
    step: "every order that is known to exist is booked",
    file: "shared/app/steps/settle.ts",
    from: "seen.size > 0 && intent.txids.every((txid) => seen.has(txid))",
    to: "seen.size > 0 && seen.size >= intent.txids.length",
    test: two("an order that Kraken acknowledged is booked, also when an earlier attempt turns up late"),
  },
  {
    step: "a second order is looked for before the run ends",
    file: "shared/app/steps/settle.ts",
    from: "if (now < later(intent.deadline ?? intent.createdAt, SURPLUS_MS_MAX))",
    to: "if (now < 0)",
    test: two("a first order that shows after the second one was sent holds the plan up, and is told"),
  },
  {
    step: "the reference is known by when it was placed",
    file: "shared/app/steps/settle.ts",
    from: "Math.max(...reports.map((report) => report.openedAt))",
    to: "Math.max(...reports.map(() => ctx.deps.clock.now()))",
    test: two("an order that is settled days later does not make later proofs impossible"),
  },
  {
    step: "quarantine after a day",
    file: "shared/app/steps/resolve.ts",
    from: "if (age < QUARANTINE_AFTER_MS) {",
    to: "if (age < QUARANTINE_AFTER_MS * 99) {",
    test: proof("what can never be proven is quarantined after a day: reserved, on hold, and told"),
  },
  {
    step: "an intent changes only from what was read",
    file: "shared/aws/ledger-actions.ts",
    from: "ConditionExpression: `#state = :state AND n = :n AND ${",
    to: "ConditionExpression: `(#state = :state OR n = :n) AND attribute_exists(pk) OR ${",
    test: proof("an answer that comes after another worker has settled the order changes nothing"),
  },
  {
    step: "settling gives back what was not spent",
    file: "shared/aws/ledger-actions.ts",
    from: "settlement.reservedUnits - settlement.usedUnits",
    to: "settlement.usedUnits - settlement.usedUnits",
    test: switches("what a buy did not need of its reservation is free for the next one"),
  },
  {
    step: "what was carried is spent once",
    file: "shared/aws/run-ledger.ts",
    from: "UpdateExpression: `SET #carry = :none, ${schemaUpdate}`,",
    to: "UpdateExpression: `SET carriedOnce = :none, ${schemaUpdate}`,",
    test: switches("are carried until they are enough, and then bought together"),
  },
  {
    step: "the sweep tells what was not told",
    file: "shared/app/sweep-runs.ts",
    from: "told: await flushOutbox(deps, untold, attempt)",
    to: "told: 0 * (await deps.books.unsentMessages(now)).length",
    test: switches("tells what could not be told when it happened"),
  },
  {
    step: "the sweep fires what left no run",
    file: "shared/app/account-slots.ts",
    from: 'if (plan.ifMissed.is !== "skip") fired',
    to: "if (!plan.ifMissed.is) fired",
    test: switches("fires a slot that left no run while it may still be caught up"),
  },
  {
    step: "slots count from when a plan was first seen",
    file: "shared/aws/ledger-books.ts",
    from: 'ConditionExpression: "attribute_not_exists(#schedule) OR #schedule <> :schedule",',
    to: 'ConditionExpression: "attribute_not_exists(#schedule) OR #schedule = :schedule",',
    test: {
      file: "test/conformance/ledger-books.test.ts",
      name: "a plan that is registered again is not moved, one with another schedule starts anew",
    },
  },
  {
    step: "a Kraken account is written down with its verdict, or without",
    file: "shared/aws/key-checks.ts",
    from: "if (check.krakenAccount === undefined) return undefined;",
    to: "return undefined;",
    test: {
      file: "test/conformance/ledger-books.test.ts",
      name: "a newer verdict that is there already does not leave the Kraken account to whoever comes",
    },
  },
  {
    step: "what the ledger explains is no second order",
    file: "shared/app/steps/settle.ts",
    from: 'if (accounted.is === "explained") return undefined;',
    to: "",
    test: accounted("what Kraken's ledger explains does not hold up the plan that buys after all"),
  },
  {
    step: "coins that nothing explains are a reason to wait",
    file: "shared/app/steps/account-for.ts",
    from: "return explains(changes, gained, later(balanceAt, SKEW_MS))",
    to: "return changes !== undefined",
    test: accounted("a balance that the ledger does not explain proves nothing"),
  },
  {
    step: "an order is looked for in Kraken's ledger, too",
    file: "shared/app/steps/account-for.ts",
    from: 'if (found.length > 0) return { is: "found", orders: found };',
    to: "",
    test: accounted("an order that Kraken's lists hide is found by what it left in the ledger"),
  },
  {
    step: "an order that cannot be looked for does not wait for ever",
    file: "shared/app/run-plan.ts",
    from: "return now - (deadline ?? createdAt) >= DAY_MS && now - since >= HOUR_MS;",
    to: "return now - (deadline ?? createdAt) >= DAY_MS * 99 && now - since >= HOUR_MS;",
    test: accounted(
      "an order that cannot be looked for is quarantined after a day, and not before it was tried for some time",
    ),
  },
  {
    step: "a Kraken account is spent from by one account of tide.yaml",
    file: "shared/app/check-key.ts",
    from: "if (holder === undefined) return check;",
    to: "return check;",
    test: {
      file: "test/simulation/shared-account.test.ts",
      name: "another key of the same account",
    },
  },
  {
    step: "a schedule that is edited leaves no slot unaccounted for",
    file: "shared/app/register-plans.ts",
    from: "changes.push(() => replace(deps, account, id, state, plan, now));",
    to: "changes.push(() => replace(deps, account, id, undefined, plan, now));",
    test: edited("a slot that nothing ran for is written down as missed, and told once"),
  },
  {
    step: "an edit does not lose the slot whose time has just come",
    file: "shared/app/account-slots.ts",
    from: "if (isStillBought(slot)) await",
    to: "if (isStillBought(slot) && slot < 0) await",
    test: edited("is still bought while it may be, once, whoever fires it"),
  },
  {
    step: "the sweep resumes what is due",
    file: "shared/app/sweep-runs.ts",
    from: "for (const { account, run, dueAt } of work.due) {",
    to: "for (const { account, run, dueAt } of work.due.slice(0, 0)) {",
    test: one("drop-request: absence is proven before the second attempt, which buys once"),
  },
  {
    step: "a refused firing does not hold up its group",
    file: "functions/dca.ts",
    from: "if (!(error instanceof FiringRefused)) throw error;",
    to: "throw error;",
    test: switches("a firing of an unknown plan is put aside and told, and others go on"),
  },
];
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: text of the program, not templates
