/** Steps of the ledger's tests: a run brought to the state that the tests of later steps start from. */
import { expect } from "vitest";
import type { PlanSchedule } from "../../shared/app/ports.ts";
import { cost } from "../../shared/domain/money.ts";
import type { Intent } from "../../shared/domain/run.ts";
import { epochMs } from "../../shared/domain/time.ts";
import type { LedgerHouse } from "./ledger-house.ts";
import {
  ACCOUNT,
  acked,
  anIntent,
  aRun,
  DAY,
  HELD,
  KEY_HASH,
  MONTH,
  PLAN,
  RUN,
  submitting,
} from "./ledger-runs.ts";

export const ZERO = cost("0");
export const dailyAt = (hour: number): PlanSchedule => ({
  schedule: { is: "daily", time: { hour, minute: 0 } },
  zone: "Europe/Berlin",
});
export const AT_EIGHT = dailyAt(8);
export const AT_NINE = dailyAt(9);
export const AT = { account: ACCOUNT, plan: PLAN, run: RUN };
export const CLAIM = {
  account: ACCOUNT,
  plan: PLAN,
  keyHash: KEY_HASH,
  owner: "worker-1",
  windows: [DAY, MONTH],
};

export function ledgerSteps(houseNow: () => LedgerHouse) {
  const read = () => houseNow().ledger.read({ ...AT, keyHash: KEY_HASH });
  const used = async () => Object.fromEntries((await houseNow().books.head(ACCOUNT)).used);
  const due = async (at: number) =>
    (await houseNow().books.openWork(epochMs(at))).due.map(({ run }) => run).sort();
  const reserve = (run = aRun(), intent = anIntent({ run: run.id }), windows = [DAY, MONTH], carry = ZERO) =>
    houseNow().ledger.reserve(run, intent, windows, carry);

  /** An intent in the ledger, in the state that the tests of later steps start from. */
  async function reserved(): Promise<Intent> {
    const intent = anIntent();
    expect(await reserve()).toEqual({ is: "reserved" });
    await houseNow().gates.write(KEY_HASH, undefined, HELD);
    return intent;
  }
  async function claimed(): Promise<Intent> {
    const planned = await reserved();
    const after = submitting(planned);
    expect(await houseNow().ledger.claim(planned, after, CLAIM)).toBe("claimed");
    return after;
  }
  async function accepted(): Promise<Intent> {
    const before = await claimed();
    const after = acked(before);
    expect(await houseNow().ledger.change(ACCOUNT, before, after)).toBe(true);
    return after;
  }

  /** The work leaves the whole table as it was. */
  async function leavesAll<T>(work: () => Promise<T>): Promise<T> {
    const before = await houseNow().items();
    const answer = await work();
    expect(await houseNow().items()).toEqual(before);
    return answer;
  }
  return { read, used, due, reserve, reserved, claimed, accepted, leavesAll };
}
