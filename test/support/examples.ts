/** The example settings of docs/examples, and what they become in other egress modes. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const FOLDER = join(import.meta.dirname, "../../docs/examples");

export const EXAMPLES = readdirSync(FOLDER).filter((name) => name.endsWith(".yaml"));
export const example = (name: string): string => readFileSync(join(FOLDER, name), "utf8");

export const EGRESSES = ["nat-gateway", "nat-instance", "none"] as const;

export const withEgress = (plans: string, egress: (typeof EGRESSES)[number]): string =>
  plans
    .replace(/^acceptOpenAllowList:.*\n/m, "")
    .replace(/^egress:.*$/m, `egress: ${egress}${egress === "none" ? "\nacceptOpenAllowList: true" : ""}`);

/** With so many accounts of the longest names in place of the one, which all plans are of the first of. */
export const withAccounts = (plans: string, count: number): string => {
  const names = Array.from({ length: count }, (_, index) => `account-${index}-`.padEnd(32, "x"));
  return plans
    .replace(/^accounts:.*$/m, `accounts: { ${names.map((name) => `${name}: { tier: pro }`).join(", ")} }`)
    .replaceAll(/- id: .*/g, `$&\n    account: ${names[0]}`);
};

export const withPlans = (plans: string, count: number): string =>
  `${plans}${Array.from({ length: count }, (_, index) => `  - id: plan-${index}\n    buy: 10 EUR of BTC\n    every: "hour at :15"\n`).join("")}`;
