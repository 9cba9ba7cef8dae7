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
