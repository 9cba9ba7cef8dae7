/** The owner's verbs, wherever they work: what the command line and the page call, with plain JSON in and out. */
import { armingHash } from "../../shared/app/ids.ts";
import { venueLabel } from "../../shared/app/label.ts";
import type { Head } from "../../shared/app/ports.ts";
import { formatShort } from "../../shared/domain/decimal.ts";
import type { KeyUseKind } from "../../shared/domain/key-check.ts";
import { NEW_LEDGER } from "../../shared/domain/messages.ts";
import { accountNameOf, type DcaPlan, type Settings } from "../../shared/domain/plan.ts";
import type { Label } from "../../shared/domain/run.ts";
import { scheduleText, slotsBetween, slotText } from "../../shared/domain/schedule.ts";
import { DAY_MS, HOUR_MS, isoOf, later } from "../../shared/domain/time.ts";
import { localText } from "../../shared/domain/zone.ts";
import { capsView } from "./caps-view.ts";
import { DeskError, DeskRefusal } from "./errors.ts";
import { type MarketView, marketsOf } from "./markets.ts";
import { arm, armingPhrase, checkArming, disarm, kill, resolve } from "./switches.ts";
import {
  type ArmingView,
  type KeyView,
  type KillView,
  keyView,
  type NextView,
  type RunView,
  runView,
  type StatusView,
  verdictView,
  type WhyView,
  whyView,
} from "./views.ts";
import type { GivenKey, Workplace, WorkplaceDeps } from "./workplace.ts";

/** How far ahead `next` looks. */
const AHEAD_MS = 400 * DAY_MS;

/** Before arming, a verdict on the key may be as old as one before an order. */
const VERDICT_MS_MAX = HOUR_MS;

export class OwnersDesk {
  readonly #place: Workplace;
  readonly #deps: WorkplaceDeps;

  constructor(place: Workplace) {
    this.#place = place;
    this.#deps = place.deps;
  }

  get settings(): Settings {
    return this.#deps.settings;
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
    const [states, heads] = await Promise.all([this.#states(), this.#heads()]);
    const whySkip = (plan: DcaPlan): NextView["willSkip"] => {
      const state = states.get(plan.id);
      if (heads.get(this.#accountOf(plan))?.killed) return "kill switch";
      if (state?.paused) return "paused";
      return state?.blocked === undefined ? null : "on hold";
    };
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
        local: localText(slot, plan.zone, now),
        amount: buysText(plan),
        paused: states.get(plan.id)?.paused ?? false,
        willSkip: whySkip(plan),
      }));
  }

  async #heads(): Promise<ReadonlyMap<string, Head>> {
    const { settings, books } = this.#deps;
    return new Map(
      await Promise.all(settings.accounts.map(async ({ name }) => [name, await books.head(name)] as const)),
    );
  }

  async status(): Promise<StatusView> {
    const { settings, clock, books } = this.#deps;
    const now = clock.now();
    const [states, heads, runs, keys] = await Promise.all([
      this.#states(),
      this.#heads(),
      this.history(),
      Promise.all(settings.accounts.map(({ name }) => books.keyCheck(name, "trade"))),
    ]);
    const next = await this.next(200);
    const accounts = settings.accounts.map(({ name }, nth) => ({
      name,
      killed: heads.get(name)!.killed,
      key: verdictView(keys[nth]),
    }));
    return {
      label: this.label,
      mode: settings.mode,
      armed: settings.mode === "live" ? this.#armed([...heads.values()]) : null,
      exchange: this.#place.exchange,
      now: isoOf(now),
      local: localText(now, settings.zone),
      killed: accounts.some(({ killed }) => killed),
      accounts,
      plans: this.#dcaPlans.map((plan) => {
        const state = states.get(plan.id);
        return {
          id: plan.id,
          account: this.#accountOf(plan),
          kind: plan.kind,
          buys: buysText(plan),
          every: scheduleText(plan.schedule),
          zone: plan.zone,
          paused: state?.paused ?? false,
          blocked: state?.blocked ?? null,
          carry: formatShort(state?.carry.get(plan.pair.quote) ?? { units: 0n, scale: 0 }),
          next: next.find((firing) => firing.plan === plan.id)?.local ?? null,
        };
      }),
      caps: settings.accounts.flatMap(({ name }) => {
        const plans = this.#dcaPlans.filter((plan) => this.#accountOf(plan) === name);
        return capsView(settings, name, plans, heads.get(name)!, now);
      }),
      openRuns: runs.filter((run) => run.closedAt === null).map((run) => run.run),
      plansEdited: (await this.#place.arePlansEdited?.()) ?? false,
      ...(this.#place.deployment === undefined ? {} : { deployment: this.#place.deployment }),
    };
  }

  markets(): Promise<readonly MarketView[]> {
    return marketsOf(this.#place, this.#dcaPlans);
  }

  /** Oldest first. */
  async history(): Promise<readonly RunView[]> {
    const accounts = this.#deps.settings.accounts.map((account) => this.#deps.books.runs(account.name));
    return (await Promise.all(accounts))
      .flat()
      .sort((a, b) => a.run.openedAt - b.run.openedAt)
      .map(({ run, intent }) => runView(run, intent));
  }

  async why(id: string): Promise<WhyView> {
    for (const account of this.#deps.settings.accounts) {
      const view = await this.#look(account.name, id);
      if (view !== undefined) return view;
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
    return this.#place.fire({ kind: "dca", account, plan: plan.id, key }, () => this.#look(account, run));
  }

  async #look(account: string, run: string): Promise<WhyView | undefined> {
    const found = await this.#deps.books.run(account, run);
    return found && whyView(found.run, found.intent);
  }

  async pause(planId: string): Promise<void> {
    const plan = this.#planNamed(planId);
    await this.#setPaused(plan, true);
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
    const state = (await this.#states()).get(plan.id);
    // Test: resuming does not let a plan buy before the month at Kraken is in its new ledger
    if (state?.blocked?.includes(NEW_LEDGER)) {
      throw new DeskRefusal(
        `${plan.id} is on hold: ${NEW_LEDGER}; it goes on by itself when that has been read, for which a key must be set`,
      );
    }
    await this.#deps.books.unblock(account, plan.id);
    await this.#setPaused(plan, false);
  }

  async #setPaused(plan: DcaPlan, paused: boolean): Promise<void> {
    if (await this.#deps.books.setPaused(this.#accountOf(plan), plan.id, paused)) return;
    throw new DeskError(
      `the ledger does not know ${plan.id} yet: a new plan is written down within a minute of its deployment; try again then`,
    );
  }

  kill(): Promise<KillView> {
    return kill(this.#place);
  }

  /** What is armed, and what must be typed back to arm these plans and caps. */
  async arming(): Promise<ArmingView> {
    const { settings } = this.#deps;
    const armed = this.#armed([...(await this.#heads()).values()]);
    return {
      mode: settings.mode,
      armed,
      typeBack: armingPhrase(this.#deps),
      plans: this.#dcaPlans.map((plan) => `${plan.id}: ${buysText(plan)}, ${scheduleText(plan.schedule)}`),
      caps: (["perOrder", "perDay", "perMonth"] as const).flatMap((period) =>
        settings.limits[period].map(
          ({ amount, asset }) =>
            `${period} ${formatShort(amount)} ${asset}${settings.accounts.length > 1 ? ", for each account" : ""}`,
        ),
      ),
    };
  }

  #armed(heads: readonly Head[]): ArmingView["armed"] {
    const hash = armingHash(this.#deps);
    if (heads.every(({ armed }) => armed === hash)) return "yes";
    // Arming that was interrupted leaves accounts without it.
    return heads.some(({ armed }) => armed === undefined) ? "no" : "other plans or caps";
  }

  async arm(typed: string): Promise<ArmingView> {
    // Before Kraken is asked about the key
    checkArming(this.#deps, typed);
    const problems: string[] = [];
    const { accounts } = this.#deps.settings;
    for (const { name } of accounts) {
      const found = (await this.checkKey(name, "trade", VERDICT_MS_MAX)).problems;
      problems.push(...found.map((problem) => (accounts.length > 1 ? `${name}: ${problem}` : problem)));
    }
    await arm(this.#deps, typed, problems);
    return this.arming();
  }

  async disarm(): Promise<ArmingView> {
    await disarm(this.#deps);
    return this.arming();
  }

  resolve(run: string): Promise<RunView> {
    return resolve(this.#place, run);
  }

  async setKey(accountName: string, use: KeyUseKind, key: GivenKey): Promise<KeyView> {
    const account = this.#accountNamed(accountName);
    return keyView(account, use, await this.#place.setKey(account, use, key));
  }

  #accountNamed(name: string): string {
    if (this.#deps.settings.accounts.some((account) => account.name === name)) return name;
    const known = this.#deps.settings.accounts.map((account) => account.name).join(", ");
    throw new DeskError(`there is no account ${JSON.stringify(name)}; there is ${known}`);
  }

  async checkKey(accountName: string, use: KeyUseKind, ageMsMax?: number): Promise<KeyView> {
    const account = this.#accountNamed(accountName);
    return keyView(account, use, await this.#place.checkKey(account, use, ageMsMax));
  }
}

const buysText = (plan: DcaPlan): string =>
  `${formatShort(plan.spend)} ${plan.pair.quote} of ${plan.pair.base}`;
