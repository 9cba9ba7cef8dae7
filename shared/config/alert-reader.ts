/** One entry of `alerts`. */

import { decimal } from "../domain/decimal.ts";
import { price, rateOfPercent, type Volume } from "../domain/money.ts";
import type { Alert, AlertCondition, AlertRepeat } from "../domain/plan.ts";
import { durationMeant, percentMeant, plainNumber } from "./corrections.ts";
import { fields, type Grammar, ifPresent, optional, type Reader, required, scalar } from "./reader.ts";
import { asset, durationMs, id, note, number, pairOf, percent } from "./values.ts";

const REPEAT_DEFAULT: AlertRepeat = { is: "after-back", rate: rateOfPercent("1") };

export const alertReader: Reader<Alert> = (value, report) => {
  const alert = fields(["id", "when", "repeat", "note"], "an alert: a map with id and when")(value, report);
  if (alert === undefined) return undefined;
  const before = report.count();
  const alertId = required(
    alert,
    "id",
    scalar(id("an alert id like btc-high")),
    report,
    "an id like btc-high",
  );
  const when = required(alert, "when", scalar(condition), report, "when to speak, like BTC/EUR above 120000");
  const repeat = optional(alert, "repeat", scalar(repeatGrammar), report, REPEAT_DEFAULT);
  const noted = ifPresent(alert, "note", scalar(note), report);
  if (report.count() > before || !alertId || !when || !repeat) return undefined;
  return { id: alertId, when, repeat, ...noted };
};

const EXPECTED = "a condition like BTC/EUR above 120000 or BTC/EUR moves 5% within 1h";

const condition: Grammar<AlertCondition> = (text) => {
  const read = conditionOf(text);
  if (read !== undefined) return read;
  return { expected: EXPECTED, suggestion: conditionMeant(text) };
};

/** Undefined when the words are in no known order. */
function conditionOf(text: string): ReturnType<Grammar<AlertCondition>> | undefined {
  const balance = /^balance (\S+) < (\S+)$/i.exec(text);
  if (balance !== null) {
    const [held, amount] = [asset(balance[1]!), number(balance[2]!)];
    if (!("value" in held) || !("value" in amount)) return undefined;
    return {
      ...amount,
      value: { is: "balance-below", asset: held.value, amount: decimal(amount.value) as Volume },
    };
  }
  const [pairText = "", ...words] = text.split(" ");
  const pair = pairOf(pairText);
  if (pair === undefined) return undefined;
  const rest = words.join(" ").toLowerCase();
  const level = /^(crosses )?(above|below|either) (\S+)$/.exec(rest);
  if (level !== null) {
    const [, crosses, direction, at = ""] = level;
    const target = number(at);
    if (!("value" in target)) return undefined;
    if (direction !== "either") {
      const where = direction as "above" | "below";
      const reached = price(target.value);
      return {
        ...target,
        value: { is: "level", pair, crosses: crosses !== undefined, direction: where, price: reached },
      };
    }
    if (crosses === undefined) return undefined;
    return { ...target, value: { is: "crosses-either", pair, price: price(target.value) } };
  }
  const moves = /^moves (\S+) within (\S+?)(?: (up|down|either))?$/.exec(rest);
  if (moves === null) return undefined;
  const [by, within] = [percent("5%")(moves[1]!), durationMs(moves[2]!)];
  if (!("value" in by) || !("value" in within)) return undefined;
  const direction = (moves[3] ?? "either") as "up" | "down" | "either";
  return { value: { is: "moves", pair, by: by.value, withinMs: within.value, direction } };
}

/** `BTC > 120000`, `BTC/EUR above 120,000`, `BTC/EUR crosses 120k`, `EUR balance below 100`. */
function conditionMeant(text: string): string | undefined {
  const plain = text.trim().replace(/\s+/g, " ");
  const balance =
    /^(?:balance (?:of )?([a-z0-9]+)|([a-z0-9]+) balance) ?(?:<|<=|below|under) ?(\S+)(?: [a-z0-9]+)?$/i.exec(
      plain,
    );
  if (balance !== null) {
    const amount = plainNumber(balance[3]!);
    return amount === undefined
      ? undefined
      : `balance ${(balance[1] ?? balance[2])!.toUpperCase()} < ${amount}`;
  }
  const [, subject = "", rest = ""] = /^([a-z0-9]+(?:[/-][a-z0-9]+)?) ?(.*)$/i.exec(plain) ?? [];
  if (subject === "") return undefined;
  const pair = subject.includes("/")
    ? subject
    : subject.includes("-")
      ? subject.replace("-", "/")
      : `${subject}/EUR`;
  const level =
    /^(crosses|crossing)? ?(above|over|below|under|either|>=?|<=?)? ?([€$£]?[\d.,'_ ]*\d[km]?)(?: ?[a-z€$£]+)?$/i.exec(
      rest,
    );
  const at = level === null ? undefined : plainNumber(level[3]!.replace(/^[€$£]/, ""));
  if (level !== null && at !== undefined) {
    const sign = (level[2] ?? "").toLowerCase();
    const where = /^(above|over|>)/.test(sign) ? "above" : /^(below|under|<)/.test(sign) ? "below" : "either";
    const crosses = level[1] !== undefined || where === "either" ? "crosses " : "";
    return `${pair.toUpperCase()} ${crosses}${where} ${at}`;
  }
  const moves = /^moves? (?:by )?(\S+ ?%?) (?:within|in) (\d+ ?[a-z]+)(?: (up|down|either))?$/i.exec(rest);
  const by = moves === null ? undefined : percentMeant(moves[1]!);
  const within = moves === null ? undefined : durationMeant(moves[2]!);
  if (by === undefined || within === undefined) return undefined;
  return `${pair.toUpperCase()} moves ${by} within ${within}${moves?.[3] === undefined ? "" : ` ${moves[3]}`}`;
}

const repeatGrammar: Grammar<AlertRepeat> = (text) => {
  const expected = "once, every time, after 1% back, or cooldown 6h";
  const words = text.toLowerCase();
  if (words === "once") return { value: { is: "once" } };
  if (words === "every time") return { value: { is: "every-time" } };
  const [, back] = /^after (\S+) back$/.exec(words) ?? [];
  const rate = percent("1%")(back ?? "");
  if ("value" in rate) return { value: { is: "after-back", rate: rate.value } };
  const [, pause] = /^cooldown (\S+)$/.exec(words) ?? [];
  const length = durationMs(pause ?? "");
  if ("value" in length) return { value: { is: "cooldown", ms: length.value } };
  return { expected, suggestion: repeatMeant(words) };
};

function repeatMeant(words: string): string | undefined {
  if (/^(always|every|each time|everytime)$/.test(words)) return "every time";
  if (/^(never|no|one time|1)$/.test(words)) return "once";
  const back = /^(?:after )?(\S+ ?%?)(?: back)?$/.exec(words)?.[1];
  const rate =
    back === undefined || (!/%$|back$/.test(words) && !words.startsWith("after"))
      ? undefined
      : percentMeant(back);
  if (rate !== undefined) return `after ${rate} back`;
  const pause = durationMeant(words.replace(/^(cool-?down|every|wait)(?: of| for)? /, ""));
  return pause === undefined ? undefined : `cooldown ${pause}`;
}
