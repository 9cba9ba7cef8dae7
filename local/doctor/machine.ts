/** Of a machine: its folder, its switches, its keys. */
import type { Settings } from "../../shared/domain/plan.ts";
import type { Door } from "../cli/door.ts";
import type { MarketView } from "../desk/markets.ts";
import type { ArmingView, KeyView, StatusView } from "../desk/views.ts";
import { bad, type Check, good, note, tried } from "./check.ts";
import { marketCheck } from "./market.ts";
import { dcaPlans } from "./plans.ts";

export async function checkMachine(
  door: Door,
  stateDir: string,
  settings: Settings,
): Promise<readonly Check[]> {
  const { result: status } = await door.ask<StatusView>("status");
  const { result: arming } = await door.ask<ArmingView>("arming");
  // Where Kraken is not reached, everything else is still worth knowing.
  const keys = await tried("keys", async () => {
    const { result } = await door.ask<readonly KeyView[]>("keys-check");
    return result.map((key) => keyCheck(key, "tide keys set takes one"));
  });
  return [
    good("state folder", `${stateDir} can be worked in; exchange: ${status.exchange}`),
    ...(status.label === "PLAY MONEY"
      ? [note("mode", "play money: nothing here is real")]
      : [modeCheck(arming)]),
    ...(status.plansEdited
      ? [bad("plans", "the file was edited since the machine was started; stop it and start it again")]
      : []),
    killCheck(status.killed, "tide resume turns it off"),
    ...status.plans.flatMap(({ id, paused, blocked }) => [
      ...(blocked === null
        ? []
        : [bad("plan", `${id} is on hold: ${blocked}; tide resume ${id} lets it go on`)]),
      ...(paused ? [note("plan", `${id} is paused; tide resume ${id} lets it go on`)] : []),
    ]),
    ...(await tried("markets", async () => {
      const { result } = await door.ask<readonly MarketView[]>("markets");
      return dcaPlans(settings).map((plan) => marketCheck(plan, result));
    })),
    ...keys,
  ];
}

export function modeCheck({ mode, armed }: Pick<ArmingView, "mode" | "armed">, aws = ""): Check {
  if (mode !== "live") return note("mode", "dry-run: Kraken checks each order and places none");
  switch (armed) {
    case "yes":
      return good("mode", "live, and armed for exactly these plans and caps");
    case "no":
      return bad("mode", `live and not armed: no order is placed; tide arm${aws} does it`);
    case "other plans or caps":
      return bad(
        "mode",
        `live and armed for other plans or caps: no order is placed; tide arm${aws} does it anew`,
      );
  }
}

export const killCheck = (killed: boolean, mend: string): Check =>
  killed ? bad("kill switch", `on: nothing is bought; ${mend}`) : good("kill switch", "off");

/** Without a key nothing is bought, and nothing is wrong. */
export function keyCheck({ account, use, state, name, problems, warnings }: KeyView, mend: string): Check {
  const what = `${use} key`;
  const named = `${account}${name === null ? "" : `, ${name}`}`;
  switch (state) {
    case "no-key":
      return note(what, `${named}: none is set; ${mend}`);
    case "refused":
      return bad(what, `${named}: ${problems.join("; ")}`);
    case "good":
      return warnings.length === 0
        ? good(what, `${named}: good`)
        : note(what, `${named}: good; ${warnings.join("; ")}`);
  }
}
