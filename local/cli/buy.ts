/** `tide buy`: fires a plan now. The same key is the same run, however often it is asked for. */
import { randomBytes } from "node:crypto";
import { decimal, formatShort, subtract } from "../../shared/domain/decimal.ts";
import type { StatusView } from "../desk/views.ts";
import { EXIT_CODE, type WhyView } from "../desk/views.ts";
import { confirm } from "./ask.ts";
import { type Door, withDoor } from "./door.ts";
import { goesOnLine, outcomeLine, print, printJson, stepLines } from "./text.ts";
import { type Given, UsageError } from "./verb.ts";

/** Longer than a buy usually takes. */
const PATIENCE_MS = 4_000;

export default function buy({ args, options }: Given): Promise<number> {
  const plan = args[0]!;
  if (!options.yes && (options.json || !process.stdin.isTTY)) {
    throw new UsageError(
      "nobody can be asked here: add --yes to buy without being asked, or run it in a terminal without --json",
    );
  }
  return withDoor(options, async (door) => {
    door.needSamePlans();
    await door.sweep();
    if (!options.yes) {
      const { result } = await door.ask<StatusView>("status");
      process.stderr.write(previewText(result, plan));
      if (!(await confirm("Buy now?"))) {
        process.stderr.write("nothing bought\n");
        return 0;
      }
    }
    const key = options.key ?? newKey(new Date());
    // The same name is the same buy: an owner who repeats it is told so.
    const known =
      options.key === undefined
        ? undefined
        : await door.ask<WhyView>("why", { run: `${plan}@${key}` }).catch(() => undefined);
    if (known !== undefined && known.result.closedAt !== null)
      process.stderr.write(`${plan}@${key} is over already; nothing more is bought under this key\n`);
    const { result, zone } = await fire(door, plan, key);
    if (options.json) printJson(result);
    else
      print(
        outcomeLine(result) +
          goesOnLine(result, zone, options) +
          `Times in ${zone}\n` +
          stepLines(result, zone),
      );
    return EXIT_CODE[result.outcome];
  });
}

async function fire(door: Door, plan: string, key: string) {
  const patience = setTimeout(() => {
    process.stderr.write(
      "still at it: Kraken answers slowly, or the key's rate counter makes a buy wait half a minute\n",
    );
  }, PATIENCE_MS);
  try {
    return await door.ask<WhyView>("buy", { plan, key });
  } catch (error) {
    const { name } = error as Error;
    // The owner needs the key to ask again for the same run, not for a second one.
    if (!["DeskError", "DeskRefusal", "MachineError"].includes(name)) {
      process.stderr.write(`ask again with --key ${key}: it goes on with this run and never buys twice\n`);
    }
    throw error;
  } finally {
    clearTimeout(patience);
  }
}

/** Sorts by time, reads as a time, and two made in the same second differ. */
export const newKey = (now: Date): string => {
  const [date = "", time = ""] = now.toISOString().slice(0, 19).replace(/[-:]/g, "").split("T");
  return `${date}-${time}-${randomBytes(2).toString("hex")}`;
};

/** Throws when there is no such plan. */
export function previewText({ label, accounts, plans, caps }: StatusView, id: string): string {
  const plan = plans.find((known) => known.id === id);
  if (plan === undefined) {
    const known = plans.map((other) => other.id).join(", ");
    throw new UsageError(`there is no plan ${JSON.stringify(id)}; there is ${known || "none"}`);
  }
  const isKilled = accounts.some(({ name, killed }) => name === plan.account && killed);
  const asset = plan.buys.split(" ")[1];
  const left = caps
    .filter((cap) => cap.asset === asset && cap.account === plan.account)
    .map(
      ({ period, used, cap }) =>
        `${formatShort(subtract(decimal(cap), decimal(used)))} of ${cap} ${asset} ${period === "day" ? "today" : "this month"}`,
    );
  return [
    `${label}  ${plan.id} would buy ${plan.buys} now, fee included\n`,
    `${label}  left under your caps: ${left.join(", ") || `none is set for ${asset}, so it would be refused`}\n`,
    isKilled ? `${label}  the kill switch is on, so it would be skipped; tide resume turns it off\n` : "",
    plan.paused
      ? `${label}  the plan is paused, so it would be skipped; tide resume ${plan.id} goes on\n`
      : "",
    plan.blocked === null ? "" : `${label}  the plan is on hold: ${plan.blocked}\n`,
  ].join("");
}
