/** What only shows when parts of the file are held against each other. */

import { isMap, type Node } from "yaml";
import { compare, format } from "../domain/decimal.ts";
import type { Account, DcaPlan, Limits, Money, Plan } from "../domain/plan.ts";
import { canFire, nextSlot, scheduleText, skippedBetween } from "../domain/schedule.ts";
import { type EpochMs, epochMs } from "../domain/time.ts";
import { dayWindow } from "../domain/zone.ts";
import { nearest } from "./corrections.ts";
import type { LimitsRead } from "./settings-reader.ts";
import { type Report, type Value, valueAt } from "./yaml-source.ts";

/** A part that was read, and where it stands. */
export type Placed<T> = { readonly item: T; readonly at: Value };

/** The place of a key inside a map, or the map itself. */
export function placeOf({ node, path, offset }: Value, key: string): Value {
  const pair = isMap(node) ? node.items.find((each) => String(each.key) === key) : undefined;
  if (pair === undefined) return { node, path, offset };
  return valueAt(pair.value as Node | null, `${path}.${key}`, offset);
}

/** `maps` are all of them, those too whose other parts could not be read. */
export function checkIds(maps: readonly Value[], what: string, report: Report): void {
  const seen = new Map<string, string>();
  for (const map of maps) {
    const at = placeOf(map, "id");
    const id = isMap(map.node) && at.node !== map.node ? String(at.node) : undefined;
    if (id === undefined) continue;
    const first = seen.get(id);
    if (first !== undefined)
      report.mistake(at, `another id: ${first} has this one, and each ${what} needs its own`);
    else seen.set(id, map.path);
  }
}

export function checkAccounts(
  plans: readonly Placed<Plan>[],
  accounts: readonly Account[],
  report: Report,
): void {
  const names = accounts.map(({ name }) => name);
  for (const { item: plan, at } of plans) {
    if (plan.account === undefined && names.length > 1)
      report.mistake(
        { ...at, node: null, path: `${at.path}.account` },
        `one of the accounts ${names.join(", ")}`,
      );
    if (plan.account !== undefined && !names.includes(plan.account))
      report.mistake(placeOf(at, "account"), `one of the accounts ${names.join(", ")}`, {
        suggestion: nearest(plan.account, names),
      });
  }
}

/** Wide enough that each rule for changing clocks shows, whatever weekday it falls on. */
const CLOCKS_FROM = epochMs(Date.UTC(2026, 0, 1));
const CLOCKS_UNTIL = epochMs(Date.UTC(2038, 0, 1));

/** `now`: only where a schedule that will not fire any more is a mistake. */
export function checkSchedule(
  { item: plan, at }: Placed<Plan>,
  report: Report,
  now: EpochMs | undefined,
): void {
  const { schedule, zone } = plan;
  if (schedule === undefined) return;
  const place = placeOf(at, "every");
  if (!canFire(schedule, zone)) {
    report.mistake(place, "a schedule that fires: no calendar has this day");
    return;
  }
  if (now !== undefined && nextSlot(schedule, zone, now) === undefined) {
    report.mistake(
      place,
      `a schedule that fires after ${dayWindow(now, zone)}: all firings of ${plan.id} are over; change it, or take the plan out`,
    );
    return;
  }
  const [skipped] = skippedBetween(schedule, zone, CLOCKS_FROM, CLOCKS_UNTIL);
  if (skipped === undefined) return;
  report.warn(
    place,
    `${scheduleText(schedule)} does not exist in ${zone} on days when clocks go forward, as on ${skipped}; that slot is skipped. A later hour is always there`,
  );
}

export function checkLimits({ limits, at }: LimitsRead, report: Report): void {
  const order = ["perOrder", "perDay", "perMonth"] as const;
  for (const [index, tight] of order.entries()) {
    for (const wide of order.slice(index + 1)) {
      for (const { amount, asset } of limits[tight]) {
        const wider = capFor(limits[wide], asset);
        if (wider === undefined || compare(amount, wider.amount) <= 0) continue;
        const place = at.get(tight)!;
        report.mistake(place, `at most ${wide}, ${moneyText(wider)}`, { read: moneyText({ amount, asset }) });
        break;
      }
    }
  }
}

/** A cap in a currency that nothing is paid in caps nothing; `100 EURO` looks like one that does. */
export function checkCapCurrencies(
  { limits, at }: LimitsRead,
  plans: readonly Placed<Plan>[],
  report: Report,
): void {
  const paid = new Set(plans.flatMap(({ item }) => (item.kind === "dca" ? [item.pair.quote] : [])));
  if (paid.size === 0) return;
  for (const period of ["perOrder", "perDay", "perMonth"] as const) {
    for (const { asset } of limits[period]) {
      if (paid.has(asset)) continue;
      const meant = nearest(asset, [...paid]);
      const hint = meant === undefined ? "" : `; did you mean ${meant}?`;
      report.warn(at.get(period)!, `no plan pays in ${asset}, so this cap holds nothing back${hint}`);
    }
  }
}

/** Every quote currency needs a cap, and no plan may want more than the cap for one order. */
export function checkCaps({ item: plan, at }: Placed<DcaPlan>, limits: Limits, report: Report): void {
  const spend: Money = { amount: plan.spend, asset: plan.pair.quote };
  const place = placeOf(at, "buy");
  const perOrder = capFor(limits.perOrder, spend.asset);
  const windowed = capFor(limits.perDay, spend.asset) ?? capFor(limits.perMonth, spend.asset);
  if (perOrder === undefined || windowed === undefined) {
    const missing = perOrder === undefined ? "perOrder" : "perDay or perMonth";
    report.mistake(
      place,
      `a cap for ${spend.asset}: every quote currency needs perOrder and one of perDay and perMonth, and limits has no ${missing} in ${spend.asset}`,
    );
    return;
  }
  if (compare(spend.amount, perOrder.amount) > 0)
    report.mistake(place, `at most limits.perOrder, ${moneyText(perOrder)}`, {
      read: moneyText(spend),
    });
}

const capFor = (caps: readonly Money[], asset: string): Money | undefined =>
  caps.find((cap) => cap.asset === asset);

const moneyText = ({ amount, asset }: Money): string => `${format(amount)} ${asset}`;
