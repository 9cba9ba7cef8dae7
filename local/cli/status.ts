/** `tide status`: plans, caps, the key, and what is open. */
import type { StatusView } from "../desk/views.ts";
import { withDoor } from "./door.ts";
import { everyText, print, printJson, table } from "./text.ts";
import type { Given } from "./verb.ts";

export default function status({ options }: Given): Promise<number> {
  return withDoor(options, async (door) => {
    await door.sweep();
    const { result } = await door.ask<StatusView>("status");
    if (options.json) printJson(result);
    else print(statusText(result));
    return 0;
  });
}

export function statusText(status: StatusView): string {
  const { label, exchange, local, killed, plans, caps, openRuns, key } = status;
  const kill = killed ? `${label}  KILLED: nothing is ordered; tide resume turns the kill switch off\n` : "";
  const planRows = plans.map((plan) => [
    label,
    plan.id,
    plan.buys,
    `every ${everyText(plan.every)}`,
    plan.next === null ? "no firing in the next year" : `next ${plan.next}`,
    planNotes(plan),
  ]);
  const capRows = caps.map(({ asset, period, used, cap }) => [
    label,
    period === "day" ? "today" : "this month",
    `${used} of ${cap} ${asset} used`,
  ]);
  return [
    `${label}  ${exchange}, ${local}\n`,
    kill,
    `\nPlans\n${table(planRows, "  ") || "  none\n"}`,
    `\nCaps\n${table(capRows, "  ") || "  none: nothing can be bought\n"}`,
    `\nTrade key\n${keyText(key)}`,
    deploymentText(status),
    openRuns.length === 0 ? "" : `\nOpen runs\n${openRuns.map((run) => `  ${label}  ${run}\n`).join("")}`,
  ].join("");
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

function keyText(key: StatusView["key"]): string {
  if (key === null) return "  not checked yet; tide keys check does it\n";
  const problems = key.problems.map((problem) => `    ${problem}\n`).join("");
  return `  ${key.name}: ${key.problems.length === 0 ? "good" : "refused"}, checked ${key.checkedAt}\n${problems}`;
}
