/** A deploy as its owner reads it: before, and after. */
import { table } from "../cli/text.ts";
import type { DeployView } from "./deploy-view.ts";
import { type KeyWanted, keyStepsText } from "./key-steps.ts";

const MODE = {
  "dry-run": "dry-run: Kraken checks each order and places none",
  live: "live: once armed, orders are placed with your money",
};

const EGRESS = {
  "nat-gateway":
    "nat-gateway: AWS's own gateway gives the functions a fixed address; your API keys work from it alone",
  "nat-instance":
    "nat-instance: a small machine of yours gives the functions a fixed address; your API keys work from it alone",
  none: "none: the functions have no fixed address, so your API keys work from ANY address; a stolen key can be used anywhere",
};

export function deployText(view: DeployView): string {
  const { label, deployment, region } = view;
  const where = region === null ? "in the region of your AWS profile" : `in ${region}`;
  const plans = view.plans.map((plan) => [
    label,
    plan.id,
    plan.does,
    plan.every,
    plan.zone,
    plan.runs ? `next ${plan.next}` : "read, not run by this version",
  ]);
  return [
    `${label}  ${view.plansFile} onto AWS, ${where}: ${deployment === null ? "nothing deployed is known here" : `deployment ${deployment} is brought up to it`}\n`,
    view.notKnown === null ? "" : `\nKnown     ${view.notKnown}\n`,
    `\nMode      ${MODE[view.mode]}\n`,
    `Egress    ${EGRESS[view.egress]}\n`,
    view.egressFrom === null
      ? ""
      : `          Today it is ${view.egressFrom}. It lets go of the address first: for some minutes Kraken cannot be reached.\n`,
    `Costs     about ${view.usdPerMonth} USD a month by the prices of ${view.pricesOf}; npm run tide -- cost shows each line\n`,
    `Told      ${view.told.join(", ") || "nobody"}\n`,
    `Keys      ${keysText(view)}\n`,
    `\nPlans\n${table(plans, "  ") || "  none\n"}`,
    `\nCaps\n${view.caps.map((cap) => `  ${label}  ${cap}\n`).join("") || "  none: nothing can be bought\n"}`,
    `\nKept for ever, also by tide destroy\n  the addresses that Kraken knows, the ledger with every run, the API keys in Secrets Manager\n`,
    view.warnings.length === 0 ? "" : `\nWarnings\n${view.warnings.map((text) => `  ${text}\n`).join("")}`,
    "\nDeploying fires nothing: slots count from when the functions first see a plan.\n",
  ].join("");
}

function keysText({ withoutKey, withRefusedKey }: DeployView): string {
  if (withoutKey === null) return "they come after, with tide keys set --aws; without one nothing is bought";
  const missing =
    withoutKey.length === 0
      ? []
      : [`no trade key yet for ${withoutKey.join(", ")}; tide keys set --aws takes it`];
  const refused =
    withRefusedKey.length === 0
      ? []
      : [`the trade key of ${withRefusedKey.join(", ")} is refused; the warnings below say why`];
  return [...missing, ...refused].join("; ") || "every account has a trade key";
}

export type Deployed = KeyWanted & {
  readonly name: string;
  readonly region: string;
  readonly dashboard: string | undefined;
  readonly emails: readonly string[];
  readonly withoutKey: readonly string[];
  readonly plan: string | undefined;
  readonly isLive: boolean;
};

export function deployedText(deployed: Deployed): string {
  const { name, region, dashboard, emails, withoutKey, plan, isLive } = deployed;
  const account = withoutKey.length === 1 && withoutKey[0] === "main" ? "" : " --account NAME";
  const steps = [
    ...(emails.length === 0
      ? []
      : [
          `Confirm all three e-mails that AWS sent to ${emails.join(", ")}: one for messages, two for alarms. What is not confirmed does not arrive.\n`,
        ]),
    ...(withoutKey.length === 0
      ? []
      : [
          `Make an API key for ${withoutKey.join(", ")}.\n${keyStepsText(deployed)}`,
          `npm run tide -- keys set --aws${account}\n  It asks for the key, stores it in Secrets Manager, and has the functions judge it.\n`,
        ]),
    "npm run tide -- doctor --aws\n  Everything that must be right, green or red.\n",
    ...(plan === undefined
      ? []
      : [
          `npm run tide -- buy ${plan} --aws\n  ${isLive ? "A buy now." : "The first dry run: the whole way, and Kraken only checks the order."}\n`,
        ]),
    isLive
      ? "npm run tide -- arm --aws\n  Until then no live order is placed.\n"
      : "When you want it to buy: mode: live in the plans file, npm run deploy, npm run tide -- arm --aws\n",
  ];
  return [
    `\nDeployed: ${name}, in ${region}${dashboard === undefined ? "" : `\nDashboard: ${dashboard}`}\n\nNext\n`,
    ...steps.map((step, at) => `${at + 1}. ${step}`),
  ].join("");
}
