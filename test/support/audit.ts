/** The one auditor: the exchange's own records against the ledger, the budgets and the messages. */

import { amountOfUnits } from "../../shared/domain/caps.ts";
import { add, compare, decimal, format } from "../../shared/domain/decimal.ts";
import { isTerminal } from "../../shared/domain/run.ts";
import type { House } from "./house.ts";

export type ExchangeOrder = {
  readonly clOrdId: string;
  readonly txid: string;
  readonly status: string;
  readonly volExec: string;
  readonly cost: string;
  readonly fee: string;
};

/** What is wrong, in sentences; empty when everything agrees. */
export async function audit(house: House): Promise<readonly string[]> {
  const orders = (await house.control("GET", "/orders")) as ExchangeOrder[];
  const books = await house.deps.books.runs("main");
  const head = await house.deps.books.head("main");
  const messages = await house.deps.books.messages("main");
  const wrong: string[] = [];

  const seen = new Set<string>();
  for (const order of orders) {
    if (seen.has(order.clOrdId)) wrong.push(`two orders under ${order.clOrdId}`);
    seen.add(order.clOrdId);
    const owner = books.find(({ intent }) => intent?.clientOrderId === order.clOrdId);
    if (owner === undefined) wrong.push(`order ${order.txid} is unknown to the ledger`);
    else if (owner.intent?.state !== "DONE")
      wrong.push(`order ${order.txid} exists, the ledger says ${owner.intent?.state}`);
    else if (!owner.intent.txids.includes(order.txid))
      wrong.push(`the ledger has other txids than ${order.txid}`);
    else if (compare(owner.intent.fills!.cost, decimal(order.cost)) !== 0) {
      wrong.push(`${order.txid} cost ${order.cost}, the ledger says ${format(owner.intent.fills!.cost)}`);
    }
  }
  for (const { run, intent } of books) {
    if (run.closedAt === undefined) wrong.push(`run ${run.id} is not over`);
    if (intent !== undefined && !isTerminal(intent.state))
      wrong.push(`intent of ${run.id} is ${intent.state}`);
    const told = messages.filter((message) => message.id === `${run.id}#${run.outcome}`);
    if (told.length !== 1) wrong.push(`run ${run.id} ended ${run.outcome} and was told ${told.length} times`);
    else if (told[0]!.sentAt === undefined) wrong.push(`the message of ${run.id} was not sent`);
  }
  if (head.unsettled.size > 0) wrong.push(`the head has ${[...head.unsettled].join(", ")} as not settled`);
  const spent = orders.reduce(
    (sum, order) => add(sum, add(decimal(order.cost), decimal(order.fee))),
    decimal("0"),
  );
  for (const [name, used] of head.used) {
    if (compare(amountOfUnits(used), spent) !== 0) {
      wrong.push(`window ${name} says ${format(amountOfUnits(used))}, the exchange says ${format(spent)}`);
    }
  }
  return wrong;
}
