/**
 * A ledger that is new on a live key. It may be the first, or the one that takes the place of a lost one: then Kraken has
 * orders that it does not know, and caps that look free are not.
 *
 * Promises: until the orders of the month have been imported no plan starts a run; what is found is imported once, however
 * often this is stopped; where Kraken has any order of the month, the plans stay paused until their owner resumes them.
 */
import type { Deps, Message } from "../../shared/app/ports.ts";
import type { ImportedRun, RunImport } from "../../shared/aws/import-runs.ts";
import { NEW_LEDGER } from "../../shared/domain/messages.ts";
import { type Account, accountNameOf } from "../../shared/domain/plan.ts";
import { isoOf } from "../../shared/domain/time.ts";
import type { OrderRecord } from "../../shared/kraken/endpoints/order-record.ts";
import type { Rest } from "../../shared/kraken/rest.ts";
import { importedLine, importedRun } from "./imported-run.ts";
import { type MonthAtKraken, monthAtKraken } from "./month-at-kraken.ts";

/** More would fill a message; the rest is counted. */
const NAMED_MAX = 20;

export class FirstLedger {
  readonly #deps: Deps;
  readonly #rest: Rest;
  readonly #imports: RunImport;
  readonly #tell: (text: string) => void;
  readonly #done = new Set<string>();
  #told = "";

  constructor(options: { deps: Deps; rest: Rest; imports: RunImport; tell: (text: string) => void }) {
    this.#deps = options.deps;
    this.#rest = options.rest;
    this.#imports = options.imports;
    this.#tell = options.tell;
  }

  /** Before anything may start a run: the plans of a ledger that has not been compared with Kraken are held. */
  async hold(): Promise<void> {
    for (const account of this.#deps.settings.accounts) {
      const { is } = await this.#imports.state(account.name);
      if (is === "done") this.#done.add(account.name);
      if (is !== "wanted") continue;
      for (const plan of this.#plansOf(account)) await this.#imports.hold(account.name, plan, NEW_LEDGER);
    }
  }

  /** Imports as soon as there is a key. What fails is told once, and tried again at the next sweep. */
  async settle(): Promise<void> {
    for (const account of this.#deps.settings.accounts) {
      if (this.#done.has(account.name)) continue;
      try {
        await this.#settle(account);
      } catch (error) {
        const text = `the orders of this month are not imported yet, so the plans of ${account.name} stay on hold: ${(error as Error).message}`;
        if (text !== this.#told) this.#tell(text);
        this.#told = text;
      }
    }
  }

  async #settle(account: Account): Promise<void> {
    const { name } = account;
    let state = await this.#imports.state(name);
    if (state.is === "wanted") {
      const credentials = await this.#deps.secrets.credentials(name, "trade");
      if (credentials === undefined) return;
      const month = await monthAtKraken(this.#deps, this.#rest, account, credentials);
      const message = await this.#import(account, month);
      if (await this.#imports.counted(name, isAny(month), message)) this.#tell(message.text);
      state = await this.#imports.state(name);
    }
    if (state.is === "counted") {
      for (const plan of this.#plansOf(account))
        await this.#imports.release(name, plan, NEW_LEDGER, state.found);
      await this.#imports.done(name);
    }
    this.#done.add(name);
  }

  async #import(account: Account, { ours, foreign }: MonthAtKraken): Promise<Message> {
    const { settings, exchange, clock } = this.#deps;
    const imported: ImportedRun[] = [];
    const others = [...foreign];
    for (const order of ours) {
      const rules = await exchange.pairRules(order.plan.pair);
      const run = importedRun(order, rules, account.name, settings.limits, settings.zone, clock.now());
      if (run === undefined) {
        others.push(...order.orders);
        continue;
      }
      // False: an earlier start came this far.
      await this.#imports.importRun(run);
      imported.push(run);
    }
    return this.#message(account, imported, others);
  }

  #message(account: Account, imported: readonly ImportedRun[], others: readonly OrderRecord[]): Message {
    const now = this.#deps.clock.now();
    const label = this.#deps.settings.mode === "live" ? "LIVE" : "DRY RUN";
    const isEmpty = imported.length + others.length === 0;
    const text = isEmpty
      ? `${label}. The ledger of ${account.name} is new, and Kraken has no order of this month on its account. Nothing was imported. The plans go on at their next slots.`
      : [
          `${label}. The ledger of ${account.name} is new, and Kraken has orders of this month on its account.`,
          imported.length === 0
            ? "None is of a slot of these plans."
            : `Imported and counted into the caps: ${listed(imported.map(importedLine))}.`,
          others.length === 0
            ? ""
            : `Not imported and not touched, of no slot of these plans: ${listed(others.map(orderLine))}.`,
          "A buy by hand (tide buy --key) cannot be known again by a new ledger: if one was made this month, it is among those, and the caps do not count it.",
          "All plans are paused; `tide resume PLAN` lets one go on.",
        ]
          .filter((part) => part !== "")
          .join(" ");
    return {
      id: `import#${isoOf(now)}`,
      at: now,
      subject: `[${label}] new ledger of ${account.name}: ${imported.length} runs imported`.slice(0, 100),
      text,
    };
  }

  #plansOf(account: Account): readonly string[] {
    const { plans, accounts } = this.#deps.settings;
    return plans
      .filter((plan) => plan.kind === "dca" && accountNameOf(plan, accounts) === account.name)
      .map((plan) => plan.id);
  }
}

const isAny = ({ ours, foreign }: MonthAtKraken): boolean => ours.length + foreign.length > 0;

const orderLine = ({ txid, description, status }: OrderRecord): string =>
  `${txid} ${description} (${status})`;

const listed = (lines: readonly string[]): string =>
  lines.length <= NAMED_MAX
    ? lines.join("; ")
    : `${lines.slice(0, NAMED_MAX).join("; ")}; and ${lines.length - NAMED_MAX} more`;
