/** The owner's desk on a machine: besides the verbs, what only a machine can show. */
import type { Deps } from "../../shared/app/ports.ts";
import { withKey } from "../../shared/app/with-key.ts";
import { formatShort } from "../../shared/domain/decimal.ts";
import { type EpochMs, SECOND_MS } from "../../shared/domain/time.ts";
import type { Machine } from "../machine/machine.ts";
import { machinePlace } from "./machine-place.ts";
import { OwnersDesk } from "./owners-desk.ts";
import { type AuditView, auditView, type BalanceView, type ExchangeOrder } from "./views.ts";

export { DeskError, DeskRefusal } from "./errors.ts";

export class Desk extends OwnersDesk {
  readonly #machine: Machine;
  readonly #deps: Deps;
  #balances: { readonly at: EpochMs; readonly views: readonly BalanceView[] } | undefined;

  constructor(machine: Machine) {
    super(machinePlace(machine));
    this.#machine = machine;
    this.#deps = machine.deps;
  }

  /** From the read key, at most every five seconds: looking must not use up the rate counter. */
  async balances(): Promise<readonly BalanceView[]> {
    const now = this.#deps.clock.now();
    if (this.#balances !== undefined && Math.abs(now - this.#balances.at) < 5 * SECOND_MS)
      return this.#balances.views;
    const views: BalanceView[] = [];
    for (const { name: account } of this.#deps.settings.accounts) {
      const balances = await withKey(this.#deps, account, "read", 1, (exchange) => exchange.balances());
      for (const [asset, { total, held }] of balances)
        views.push({ account, asset, total: formatShort(total), held: formatShort(held) });
    }
    this.#balances = { at: now, views };
    return views;
  }

  /** Every order that the exchange ever accepted, against the ledger. */
  async audit(): Promise<AuditView> {
    const { body } = await this.#machine.exchange.control("GET", "/orders", "");
    return auditView(JSON.parse(body) as ExchangeOrder[], await this.history());
  }
}
