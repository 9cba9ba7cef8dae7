/** Every case of the campaign: what a plain buy calls, what each of these calls can meet, and two troubles in one buy. */
import { illsOf, illText, injectionOf, LAGS, LONG_OUTAGES, SAMPLE } from "./faults.ts";
import { type Heard, type Injection, placeText } from "./tap.ts";

export type Case = { readonly id: string; readonly injections: readonly Injection[] };

/** The same call a third time, as the sweep makes it each minute, is like the second. */
const SAME_CALL_MAX = 2;

export const caseOf = (...injections: readonly Injection[]): Case => ({
  id: injections.map((one) => `${placeText(one)}: ${illText(one)}`).join(" + "),
  injections,
});

/** Which OpenOrders looks for the order: the last one before the sending. Those before it are barriers of a new lease. */
export function firstLook(plain: readonly Heard[]): number {
  const sentAt = plain.findIndex(({ call }) => call === "AddOrder");
  return plain.slice(0, sentAt).findLast(({ call }) => call === "OpenOrders")!.at;
}

/** Each call of a plain buy × each fault that it can meet. */
export function singles(plain: readonly Heard[]): readonly Case[] {
  const places = plain.filter(({ at }) => at <= SAME_CALL_MAX);
  return [
    ...places.flatMap((heard) => illsOf(heard).map((ill) => caseOf(injectionOf(heard, ill)))),
    ...LONG_OUTAGES.flatMap(({ call, at, ills }) =>
      places
        .filter((heard) => heard.call === call && heard.at === at)
        .flatMap((heard) => ills.map((ill) => caseOf(injectionOf(heard, ill)))),
    ),
  ];
}

/** Each fault of AddOrder: the first halves of all pairs. */
export function firstHalves(plain: readonly Heard[]): readonly Case[] {
  const sent = plain.find(({ call }) => call === "AddOrder")!;
  return illsOf(sent)
    .filter(({ forSeconds }) => forSeconds === undefined)
    .map((ill) => caseOf(injectionOf(sent, ill)));
}

/** Whose second halves are all faults; the others are like one of these, and meet a sample. */
const FULLY: readonly string[] = ["drop-reply-after-accept", "drop-request"];

const ON_THE_WAY =
  /^(AddOrder|OpenOrders|ClosedOrders|QueryOrders|GetApiKeyInfo|BalanceEx|(TransactWriteItems|PutItem) .*|SendMessage|BatchGetItem run)$/;

/** What follows a first half: each kind of call, × its faults. */
export function secondHalves(first: Case, heard: readonly Heard[]): readonly Case[] {
  const [trouble] = first.injections;
  const sentAt = heard.findIndex(({ met }) => met !== undefined);
  const after = heard.slice(sentAt + 1).filter(({ call }) => ON_THE_WAY.test(call));
  const byCall = Map.groupBy(after, ({ call }) => call);
  const isFull = FULLY.includes(trouble!.fault);
  const places = [...byCall.values()].flatMap((calls) =>
    isFull ? [...new Set([calls[0]!, calls.at(-1)!])] : calls.slice(0, 1),
  );
  return places.flatMap((place) => {
    const isLook = place.call === "OpenOrders" || place.call === "ClosedOrders";
    const ills = [...illsOf(place), ...(isLook ? LAGS : [])];
    return ills
      .filter((ill) => isFull || SAMPLE.includes(illText(ill)))
      .map((ill) => caseOf(trouble!, injectionOf(place, ill)));
  });
}
