/** What lasts and should not, counted each minute for the alarms. Nothing is decided here. */
import { DAY_MS, type EpochMs, HOUR_MS, MINUTE_MS } from "../domain/time.ts";
import type { Head, KeyCheck, OpenWork, PlanState, SweepDeps } from "./ports.ts";

/** A doubt is over in about a minute and a half when all goes well. */
const IN_DOUBT_MS_MAX = 5 * MINUTE_MS;
const RESERVED_MS_MAX = HOUR_MS;
/** What cannot be told at once is told a minute later; after this something is wrong with the way to the owner. */
const UNTOLD_MS_MAX = 10 * MINUTE_MS;
/** Kraken cannot rotate keys by itself; the owner does, each quarter. */
const KEY_AGE_MS_MAX = 90 * DAY_MS;

export type AccountHealth = {
  readonly head: Head;
  readonly plans: readonly PlanState[];
  readonly key: KeyCheck | undefined;
};

export function measureAccounts(
  deps: Pick<SweepDeps, "measure">,
  accounts: readonly AccountHealth[],
  now: EpochMs,
): void {
  const count = (is: (account: AccountHealth) => boolean) => accounts.filter(is).length;
  tell(
    deps,
    "KillSwitches",
    count(({ head }) => head.killed),
  );
  tell(deps, "PlansOnHold", accounts.flatMap(({ plans }) => plans.filter(isOnHold)).length);
  const oldestMs = accounts.reduce((oldest, { key }) => Math.max(oldest, now - (key?.since ?? now)), 0);
  if (oldestMs > KEY_AGE_MS_MAX) tell(deps, "KeyAgeDays", Math.floor(oldestMs / DAY_MS));
}

const isOnHold = ({ blocked }: PlanState): boolean => blocked !== undefined;

export function measureOpenWork(
  deps: Pick<SweepDeps, "measure">,
  work: OpenWork,
  untold: readonly { readonly message: { readonly at: EpochMs } }[],
  now: EpochMs,
): void {
  const open = work.intents.map(({ intent }) => intent);
  const inDoubt = open.filter(
    ({ state, deadline }) => state === "SUBMITTING" && now - (deadline ?? now) > IN_DOUBT_MS_MAX,
  );
  tell(deps, "OrdersInDoubt", inDoubt.length);
  tell(deps, "ReservationsOld", open.filter(({ createdAt }) => now - createdAt > RESERVED_MS_MAX).length);
  tell(deps, "MessagesUntold", untold.filter(({ message }) => now - message.at > UNTOLD_MS_MAX).length);
}

function tell(
  { measure }: Pick<SweepDeps, "measure">,
  metric: Parameters<SweepDeps["measure"]>[0],
  value: number,
): void {
  if (value > 0) measure(metric, value);
}
