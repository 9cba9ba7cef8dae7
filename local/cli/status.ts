/** `tide status`: plans, caps, the key, and what is open. */
import type { AccountView, StatusView } from "../desk/views.ts";
import { withDoor } from "./door.ts";
import { everyText, localOf, print, printJson, table } from "./text.ts";
import type { Given } from "./verb.ts";

export default function status({ options }: Given): Promise<number> {
  return withDoor(options, async (door) => {
    await door.sweep();
    const { result, zone } = await door.ask<StatusView>("status");
    if (options.json) printJson(result);
    else print(statusText(result, zone) + door.note);
    return 0;
  });
}

export function statusText(status: StatusView, zone: string): string {
  const { label, exchange, local, accounts, plans, caps, openRuns } = status;
  const areMany = accounts.length > 1;
  const planRows = plans.map((plan) => [
    label,
    plan.id,
    ...(areMany ? [plan.account] : []),
    plan.buys,
    `every ${everyText(plan.every)}`,
    plan.next === null ? "no firing in the next year" : `next ${plan.next}`,
    planNotes(plan),
  ]);
  const capRows = caps.map(({ account, asset, period, used, cap }) => [
    label,
    ...(areMany ? [account] : []),
    `${asset} ${period === "day" ? "today" : "this month"}`,
    `${used} of ${cap} ${asset} used`,
  ]);
  return [
    `${label}  ${exchange}, ${local}\n`,
    killedText(status),
    status.label === "LIVE" && status.armed !== "yes"
      ? `${label}  NOT ARMED${status.armed === "no" ? "" : " for these plans and caps"}: no order is placed; tide arm does it\n`
      : "",
    status.plansEdited
      ? "The plans file was edited since the machine was started: a new start takes it up.\n"
      : "",
    `\nPlans\n${table(planRows, "  ") || "  none\n"}`,
    `\nCaps\n${table(capRows, "  ") || "  none: nothing can be bought\n"}`,
    `\nTrade ${areMany ? "keys" : "key"}\n${accounts.map(({ name, key }) => keyText(areMany ? `${name}: ` : "", key, zone)).join("")}`,
    deploymentText(status),
    openRuns.length === 0 ? "" : `\nOpen runs\n${openRuns.map((run) => `  ${label}  ${run}\n`).join("")}`,
  ].join("");
}

function killedText({ label, accounts }: StatusView): string {
  const killed = accounts.filter((account) => account.killed).map(({ name }) => name);
  if (killed.length === 0) return "";
  const where = killed.length === accounts.length ? "" : ` for ${killed.join(", ")} ONLY`;
  return `${label}  KILLED${where}: nothing is ordered${where === "" ? "" : " there"}; tide resume turns the kill switch off\n`;
}

function deploymentText({ deployment }: StatusView): string {
  if (deployment === undefined) return "";
  const { name, region, addresses, keyName, egress, dashboard, plans } = deployment;
  const rows = [
    ["name", `${name}, in ${region}`],
    ["egress", egress],
    [
      "addresses",
      addresses.length === 0
        ? "none that is fixed: the key works from any address"
        : `${addresses.join(", ")}  (the IP address restriction of the key at Kraken)`,
    ],
    ["key name", `${keyName}  (what the trade key must be called at Kraken)`],
    ["dashboard", dashboard ?? "not deployed"],
    [
      "plans",
      {
        deployed: "as read here",
        other: "OTHERS than those read here; npm run deploy",
        "not known": "not known",
      }[plans],
    ],
  ];
  return `\nDeployment\n${table(rows, "  ")}`;
}

function planNotes({ paused, blocked, carry }: StatusView["plans"][number]): string {
  const notes = [
    ...(paused ? ["paused"] : []),
    ...(blocked === null ? [] : [`on hold: ${blocked}`]),
    ...(carry === "0" ? [] : [`carries ${carry}`]),
  ];
  return notes.join(", ");
}

function keyText(account: string, key: AccountView["key"], zone: string): string {
  if (key === null) return `  ${account}not checked yet; tide keys check does it\n`;
  const problems = key.problems.map((problem) => `    ${problem}\n`).join("");
  return `  ${account}${key.name}: ${key.problems.length === 0 ? "good" : "refused"}, checked ${localOf(key.checkedAt, zone)}\n${problems}`;
}
