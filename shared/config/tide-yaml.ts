/**
 * tide.yaml → settings. Strict: what is not understood to the letter is a mistake, all mistakes are told at once in the
 * order of the file, and with any mistake there are no settings.
 */
import { isMap, isSeq, type Node } from "yaml";
import type { Settings } from "../domain/plan.ts";
import type { EpochMs } from "../domain/time.ts";
import { alertReader } from "./alert-reader.ts";
import {
  checkAccounts,
  checkCapCurrencies,
  checkCaps,
  checkIds,
  checkLimits,
  checkSchedule,
  type Placed,
} from "./checks.ts";
import type { Mistake, Warning } from "./mistake.ts";
import { planIn } from "./plan-reader.ts";
import { type Fields, fields, list, optional, type Reader, scalar } from "./reader.ts";
import {
  ACCOUNTS_DEFAULT,
  accountsReader,
  LIMITS_DEFAULT,
  limitsReader,
  notifyReader,
} from "./settings-reader.ts";
import { truth, word } from "./values.ts";
import { type Report, readYaml, type Value, valueAt } from "./yaml-source.ts";
import { zoneName } from "./zone-name.ts";

export type TideYaml =
  | { readonly settings: Settings; readonly warnings: readonly Warning[] }
  | { readonly mistakes: readonly Mistake[]; readonly warnings: readonly Warning[] };

const KEYS = [
  "mode",
  "timezone",
  "egress",
  "acceptOpenAllowList",
  "accounts",
  "limits",
  "manualOrders",
  "notify",
  "plans",
  "alerts",
];

/**
 * Never throws, whatever the text. `fileName` is only for the messages. With `now` a plan whose firings are all over is a
 * mistake, too: before something is made for it. Settings that were right once stay readable.
 */
export function parseTideYaml(text: string, fileName: string, now?: EpochMs): TideYaml {
  const { root, report } = readYaml(text, fileName);
  const top =
    root === undefined ? undefined : fields(KEYS, "settings: a map that starts with mode:")(root, report);
  const settings = top === undefined ? undefined : settingsOf(top, report, now);
  const warnings = report.warnings();
  if (settings === undefined || report.count() > 0) return { mistakes: report.mistakes(), warnings };
  return { settings, warnings };
}

function settingsOf(top: Fields, report: Report, now: EpochMs | undefined): Settings | undefined {
  const mode = optional(top, "mode", scalar(word("dry-run", "live")), report, "dry-run");
  const zone = optional(top, "timezone", scalar(zoneName), report, "UTC");
  const accounts = optional(top, "accounts", accountsReader, report, ACCOUNTS_DEFAULT);
  const limits = optional(top, "limits", limitsReader, report, LIMITS_DEFAULT);
  const manual = scalar(word("expect", "warn", "stop"));
  const manualOrders = optional(top, "manualOrders", manual, report, "warn");
  const notifyEmails = optional(top, "notify", notifyReader, report, []);
  const { egress, acceptOpenAllowList } = egressOf(top, report);

  const plans = placed(
    top,
    "plans",
    planIn(zone ?? "UTC"),
    report,
    "a list of plans, each starting with - id:",
  );
  const alerts = placed(top, "alerts", alertReader, report, "a list of alerts, each starting with - id:");
  if (!top.values.has("plans") && !top.values.has("alerts"))
    report.mistake({ ...top.self, node: null, path: "plans" }, "at least one plan, starting with - id:");
  checkIds(itemsOf(top, "plans"), "plan", report);
  checkIds(itemsOf(top, "alerts"), "alert", report);

  if (accounts !== undefined) checkAccounts(plans, accounts, report);
  for (const plan of plans) checkSchedule(plan, report, now);
  if (limits !== undefined) {
    checkLimits(limits, report);
    checkCapCurrencies(limits, plans, report);
    for (const { item, at } of plans) if (item.kind === "dca") checkCaps({ item, at }, limits.limits, report);
  }
  if (report.count() > 0) return undefined;
  return {
    mode: mode!,
    zone: zone!,
    egress: egress!,
    acceptOpenAllowList: acceptOpenAllowList!,
    accounts: accounts!,
    limits: limits!.limits,
    manualOrders: manualOrders!,
    notifyEmails: notifyEmails!,
    plans: plans.map(({ item }) => item),
    alerts: alerts.map(({ item }) => item),
  };
}

function egressOf(top: Fields, report: Report) {
  const grammar = word("nat-gateway", "nat-instance", "none");
  const egress = optional(top, "egress", scalar(grammar), report, "nat-instance" as const);
  const accept = optional(top, "acceptOpenAllowList", scalar(truth), report, false);
  if (egress === "none" && accept === false)
    report.mistake(
      top.values.get("egress")!,
      "also acceptOpenAllowList: true: without a fixed address the API keys work from any address",
    );
  return { egress, acceptOpenAllowList: accept };
}

/** The items of a list that could be read. The others have been reported. */
function placed<T>(
  top: Fields,
  key: string,
  reader: Reader<T>,
  report: Report,
  expected: string,
): readonly Placed<T>[] {
  const found: Placed<T>[] = [];
  const keep: Reader<true> = (at, to) => {
    const item = reader(at, to);
    if (item !== undefined) found.push({ item, at });
    return true;
  };
  optional(top, key, list(keep, expected), report, []);
  return found;
}

function itemsOf({ values }: Fields, key: string): readonly Value[] {
  const value = values.get(key);
  if (value === undefined || !isSeq(value.node)) return [];
  return value.node.items
    .map((item, index) => valueAt(item as Node | null, `${key}[${index}]`, value.offset))
    .filter(({ node }) => isMap(node));
}
