/** The owner's verbs on a machine: what the command line and the page call, with plain JSON in and out. */
import { checkKeyNow } from "../../shared/app/check-key.ts";
import { armingHash } from "../../shared/app/ids.ts";
import { venueLabel } from "../../shared/app/label.ts";
import type { Deps } from "../../shared/app/ports.ts";
import { withKey } from "../../shared/app/with-key.ts";
import { windowsOf } from "../../shared/domain/caps.ts";
import { formatShort } from "../../shared/domain/decimal.ts";
import type { KeyUseKind } from "../../shared/domain/key-check.ts";
import { accountNameOf, type DcaPlan } from "../../shared/domain/plan.ts";
import type { Label } from "../../shared/domain/run.ts";
import { scheduleText, slotsBetween, slotText } from "../../shared/domain/schedule.ts";
import { DAY_MS, type EpochMs, isoOf, later, SECOND_MS } from "../../shared/domain/time.ts";
import { dayWindow, localText, monthWindow } from "../../shared/domain/zone.ts";
import type { Machine } from "../machine/machine.ts";
import { storeKey } from "../machine/provision.ts";
import { DeskError, DeskRefusal } from "./errors.ts";
import { arm, armingPhrase, disarm, kill, resolve } from "./switches.ts";

export { DeskError, DeskRefusal } from "./errors.ts";

import {
  type ArmingView,
  type AuditView,
  auditView,
  type BalanceView,
  type ExchangeOrder,
  type KeyView,
  type KillView,
  keyView,
  type NextView,
  type RunView,
  runView,
  type StatusView,
  type WhyView,
  whyView,
} from "./views.ts";

/** How long a buy by hand is waited for, by the machine's clock. */
const BUY_WAIT_MS = 60 * SECOND_MS;
/** How far ahead `next` looks. */
const AHEAD_MS = 400 * DAY_MS;

export class Desk {
  readonly #machine: Machine;
  readonly #deps: Deps;
  #balances: { readonly at: EpochMs; readonly views: readonly BalanceView[] } | undefined;

  constructor(machine: Machine) {
    this.#machine = machine;
    this.#deps = machine.deps;
  }

  /** Whose money this desk moves. */
  get label(): Label {
    return venueLabel(this.#deps);
  }

  get #dcaPlans(): readonly DcaPlan[] {
    return this.#deps.settings.plans.filter((plan) => plan.kind === "dca");
  }

  #planNamed(id: string): DcaPlan {
    const plan = this.#dcaPlans.find((known) => known.id === id);
    if (plan !== undefined) return plan;
    const known = this.#dcaPlans.map((other) => other.id).join(", ");
    throw new DeskError(`there is no plan ${JSON.stringify(id)}; there is ${known || "none"}`);
  }

  #accountOf(plan: DcaPlan): string {
    return accountNameOf(plan, this.#deps.settings.accounts);
  }

  async #states() {
    const accounts = this.#deps.settings.accounts.map((account) => this.#deps.books.plans(account.name));
    return new Map((await Promise.all(accounts)).flat().map((state) => [state.id, state]));
  }

  /** The coming firings of all plans, soonest first. */
  async next(count: number): Promise<readonly NextView[]> {
    const now = this.#deps.clock.now();
    const states = await this.#states();
    return this.#dcaPlans
      .flatMap((plan) =>
        slotsBetween(plan.schedule, plan.zone, now, later(now, AHEAD_MS), count).map((slot) => ({
          plan,
          slot,
        })),
      )
      .sort((a, b) => a.slot - b.slot)
      .slice(0, count)
      .map(({ plan, slot }) => ({
        plan: plan.id,
        slot: slotText(slot),
        local: localText(slot, plan.zone),
        amount: buysText(plan),
        paused: states.get(plan.id)?.paused ?? false,
      }));
  }

  async status(): Promise<StatusView> {
    const { deps } = this.#machine;
    const { settings, clock } = deps;
    const now = clock.now();
    const account = settings.accounts[0]!.name;
    const [states, head, runs, key] = await Promise.all([
      this.#states(),
      deps.books.head(account),
      this.history(),
      deps.books.keyCheck(account, "trade"),
    ]);
    const next = await this.next(200);
    const assets = [...new Set(this.#dcaPlans.map((plan) => plan.pair.quote))];
    const windows = assets.flatMap((asset) =>
      windowsOf(settings.limits, asset, dayWindow(now, settings.zone), monthWindow(now, settings.zone)),
    );
    return {
      label: this.label,
      mode: settings.mode,
      exchange: deps.venue === "sandbox" ? `sandbox at ${this.#machine.exchange.origin}` : "Kraken",
      now: isoOf(now),
      local: localText(now, settings.zone),
      killed: head.killed,
      plans: this.#dcaPlans.map((plan) => {
        const state = states.get(plan.id);
        return {
          id: plan.id,
          kind: plan.kind,
          buys: buysText(plan),
          every: scheduleText(plan.schedule),
          zone: plan.zone,
          paused: state?.paused ?? false,
          blocked: state?.blocked ?? null,
          carry: formatShort(state?.carry ?? { units: 0n, scale: 0 }),
          next: next.find((firing) => firing.plan === plan.id)?.local ?? null,
        };
      }),
      caps: windows.map((window) => ({
        asset: window.asset,
        period: window.code === "CAP_DAY" ? "day" : "month",
        used: formatShort({ units: head.used.get(window.name) ?? 0n, scale: 10 }),
        cap: formatShort(window.cap),
      })),
      openRuns: runs.filter((run) => run.closedAt === null).map((run) => run.run),
      key:
        key === undefined
          ? null
          : { name: key.keyName, problems: key.problems, checkedAt: isoOf(key.checkedAt) },
    };
  }

  /** Oldest first. */
  async history(): Promise<readonly RunView[]> {
    const accounts = this.#deps.settings.accounts.map((account) => this.#deps.books.runs(account.name));
    return (await Promise.all(accounts)).flat().map(({ run, intent }) => runView(run, intent));
  }

  async why(id: string): Promise<WhyView> {
    for (const account of this.#deps.settings.accounts) {
      const found = await this.#deps.books.run(account.name, id);
      if (found !== undefined) return whyView(found.run, found.intent);
    }
    const latest = (await this.history()).slice(-5).map((run) => run.run);
    throw new DeskError(
      `there is no run ${JSON.stringify(id)}; ${latest.length === 0 ? "there is none yet" : `the latest are ${latest.join(", ")}`}`,
    );
  }

  /**
   * Fires the plan now. The same key is the same run: it is continued or reported, never started twice. A run that only waits
   * for Kraken's rate counter is waited for; one with an order in doubt is reported as it is.
   */
  async buy(planId: string, key: string): Promise<WhyView> {
    const plan = this.#planNamed(planId);
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(key)) {
      throw new DeskError(`the key was ${JSON.stringify(key)}, expected up to 64 letters, digits, _ or -`);
    }
    const account = this.#accountOf(plan);
    const run = `${plan.id}@${key}`;
    const body = { kind: "dca", account, plan: plan.id, key };
    await this.#deps.queue.send(account, body, `${run}#${this.#deps.chance.id()}`);
    await this.#machine.pump();
    const until = this.#deps.clock.now() + BUY_WAIT_MS;
    for (;;) {
      const view = await this.why(run);
      const dueAt = view.dueAt === null ? Number.POSITIVE_INFINITY : Date.parse(view.dueAt);
      if (view.closedAt !== null || view.outcome !== "waiting" || dueAt > until) return view;
      await this.#deps.clock.sleep(Math.max(0, dueAt - this.#deps.clock.now()) + 100);
      await this.#machine.sweep();
    }
  }

  async pause(planId: string): Promise<void> {
    const plan = this.#planNamed(planId);
    await this.#deps.books.setPaused(this.#accountOf(plan), plan.id, true);
  }

  /** With a plan: that plan goes on. Without: the kill switch is turned off. */
  async resume(planId?: string): Promise<void> {
    if (planId === undefined) {
      for (const account of this.#deps.settings.accounts)
        await this.#deps.books.setKilled(account.name, false);
      return;
    }
    const plan = this.#planNamed(planId);
    const account = this.#accountOf(plan);
    const doubtful = (await this.#deps.books.runs(account)).find(
      ({ run, intent }) => run.plan === plan.id && intent?.state === "QUARANTINED",
    );
    if (doubtful !== undefined) {
      throw new DeskRefusal(
        `${plan.id} is on hold: the order of ${doubtful.run.id} is in doubt; tide resolve ${doubtful.run.id} looks again`,
      );
    }
    await this.#deps.books.unblock(account, plan.id);
    await this.#deps.books.setPaused(account, plan.id, false);
  }

  kill(): Promise<KillView> {
    return kill(this.#deps);
  }

  /** What is armed, and what must be typed back to arm these plans and caps. */
  async arming(): Promise<ArmingView> {
    const { settings } = this.#deps;
    const { armed } = await this.#deps.books.head(settings.accounts[0]!.name);
    return {
      mode: settings.mode,
      armed: armed === undefined ? "no" : armed === armingHash(this.#deps) ? "yes" : "other plans or caps",
      typeBack: armingPhrase(this.#deps),
      plans: this.#dcaPlans.map((plan) => `${plan.id}: ${buysText(plan)}, ${scheduleText(plan.schedule)}`),
      caps: (["perOrder", "perDay", "perMonth"] as const).flatMap((period) =>
        settings.limits[period].map(({ amount, asset }) => `${period} ${formatShort(amount)} ${asset}`),
      ),
    };
  }

  async arm(typed: string): Promise<ArmingView> {
    const problems: string[] = [];
    for (const { name } of this.#deps.settings.accounts)
      problems.push(...(await this.checkKey(name, "trade")).problems);
    await arm(this.#deps, typed, problems);
    return this.arming();
  }

  async disarm(): Promise<ArmingView> {
    await disarm(this.#deps);
    return this.arming();
  }

  resolve(run: string): Promise<RunView> {
    return resolve(this.#deps, run);
  }

  async setKey(account: string, use: KeyUseKind, apiKey: string, privateKey: string): Promise<KeyView> {
    await storeKey(this.#machine.secrets, this.#accountNamed(account), use, { apiKey, privateKey });
    return this.checkKey(account, use);
  }

  #accountNamed(name: string): string {
    if (this.#deps.settings.accounts.some((account) => account.name === name)) return name;
    const known = this.#deps.settings.accounts.map((account) => account.name).join(", ");
    throw new DeskError(`there is no account ${JSON.stringify(name)}; there is ${known}`);
  }

  async checkKey(accountName: string, use: KeyUseKind): Promise<KeyView> {
    const account = this.#accountNamed(accountName);
    return keyView(account, use, await checkKeyNow(this.#deps, account, use));
  }

  /** From the read key, at most every five seconds: looking must not use up the rate counter. */
  async balances(): Promise<readonly BalanceView[]> {
    const now = this.#deps.clock.now();
    if (this.#balances !== undefined && Math.abs(now - this.#balances.at) < 5 * SECOND_MS)
      return this.#balances.views;
    const account = this.#deps.settings.accounts[0]!.name;
    const balances = await withKey(this.#deps, account, "read", 1, (exchange) => exchange.balances());
    const views = [...balances].map(([asset, { total, held }]) => ({
      asset,
      total: formatShort(total),
      held: formatShort(held),
    }));
    this.#balances = { at: now, views };
    return views;
  }

  /** Every order that the exchange ever accepted, against the ledger. */
  async audit(): Promise<AuditView> {
    const { body } = await this.#machine.exchange.control("GET", "/orders", "");
    return auditView(JSON.parse(body) as ExchangeOrder[], await this.history());
  }
}

const buysText = (plan: DcaPlan): string =>
  `${formatShort(plan.spend)} ${plan.pair.quote} of ${plan.pair.base}`;
