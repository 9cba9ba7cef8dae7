/**
 * Past the gate: the lease lets one run of an account at a time reach its head, so that transactions hardly ever meet. Here
 * they are made to: eight reservations at one head at the same moment, of which the cap lets two through.
 */
import type { Reserved } from "../../shared/app/ports.ts";
import type { CapWindow } from "../../shared/domain/caps.ts";
import { cost } from "../../shared/domain/money.ts";
import { times } from "../support/cloud-house.ts";
import { anIntent, aRun } from "../support/ledger-runs.ts";
import { PER_DAY, planOf, type Town } from "./accounts-town.ts";

const AT_ONCE = 8;
/** Of a day that no plan of the town reaches. */
const WINDOW: CapWindow = {
  name: "used|day|EUR|2030-01-01",
  code: "CAP_DAY",
  asset: "EUR",
  cap: cost(PER_DAY),
};
/** 99.99994 fits into 250 twice. */
const FIT = 2;

export type Rush = {
  readonly reservations: number;
  readonly reserved: number;
  /** What the caps have room for. */
  readonly room: number;
  /** Accounts where more were let through than the cap has room for. */
  readonly capBreaches: number;
  readonly conflictsRetried: number;
  /** After eight tries; the delivery would come again. */
  readonly gaveUp: number;
};

export async function rush(town: Town, accounts: readonly string[]): Promise<Rush> {
  const containers = await Promise.all(times(AT_ONCE, () => town.boot()));
  const answers: (Reserved["is"] | "gave up")[] = [];
  let capBreaches = 0;
  for (const account of accounts) {
    const plan = planOf(account, 0);
    const found = await town.inTime(
      Promise.all(
        containers.map(async ({ deps, caller }, at) => {
          caller.account = account;
          const run = aRun({ id: `${plan}@rush-${at}`, account, plan });
          const intent = anIntent({ run: run.id, windows: [WINDOW.name] });
          const answer = deps.ledger.reserve(run, intent, [WINDOW], cost("0"));
          return answer.then(
            ({ is }) => is,
            () => "gave up" as const,
          );
        }),
      ),
    );
    answers.push(...found);
    if (found.filter((is) => is === "reserved").length > FIT) capBreaches += 1;
  }
  const count = (wanted: string) => answers.filter((is) => is === wanted).length;
  return {
    reservations: answers.length,
    reserved: count("reserved"),
    room: FIT * accounts.length,
    capBreaches,
    conflictsRetried: containers.reduce((sum, { caller }) => sum + caller.tally.conflicts, 0),
    gaveUp: count("gave up"),
  };
}
