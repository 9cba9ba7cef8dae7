/** Troubles on order: what AWS does to its callers on a bad day, armed by the control door and used up one by one. */
import { SECOND_MS } from "../../shared/domain/time.ts";
import { cancelled } from "./dynamodb/transactions.ts";
import { AwsError } from "./errors.ts";
import type { Input } from "./service.ts";

const faultNames = [
  "throttle",
  "applied-but-reply-lost",
  "unavailable",
  "transaction-conflict",
  "slow",
] as const;
type FaultName = (typeof faultNames)[number];

type Fault = {
  readonly operation: string;
  readonly fault: FaultName;
  readonly seconds: number;
  times: number;
  skip: number;
};

/** Operations whose conflict with a running transaction AWS reports. */
const conflicting = ["PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "TransactGetItems"];

/** What an armed fault wants done with a request: lose its reply, once it has been carried out. */
export type Trouble = { readonly loseReply: boolean };

export class Faults {
  readonly #operations: readonly string[];
  #armed: Fault[] = [];

  constructor(operations: readonly string[]) {
    this.#operations = operations;
  }

  /** Appends what the list holds, or forgets all when it is empty; returns how many faults wait. Throws on a mistake. */
  arm(list: unknown): number {
    if (!Array.isArray(list)) throw new Error("expected a JSON list of faults, or [] to clear");
    if (list.length === 0) this.#armed = [];
    this.#armed.push(...list.map((entry) => this.#parse(entry)));
    return this.#armed.length;
  }

  /** Called for each request before it is handled. */
  async meet(operation: string, input: Input, sleep: (ms: number) => Promise<void>): Promise<Trouble> {
    const fault = this.#armed.find((candidate) => candidate.operation === operation);
    if (fault === undefined) return { loseReply: false };
    if (fault.skip > 0) {
      fault.skip -= 1;
      return { loseReply: false };
    }
    fault.times -= 1;
    if (fault.times === 0) this.#armed = this.#armed.filter((other) => other !== fault);
    switch (fault.fault) {
      case "applied-but-reply-lost":
        return { loseReply: true };
      case "slow":
        await sleep(fault.seconds * SECOND_MS);
        return { loseReply: false };
      case "throttle":
        throw throttled(operation);
      case "unavailable":
        throw new AwsError("ServiceUnavailable", "The service is unavailable. Please try again later.", {
          status: 503,
        });
      case "transaction-conflict":
        throw conflict(operation, input);
    }
  }

  #parse(entry: unknown): Fault {
    const {
      operation,
      fault,
      times = 1,
      skip = 0,
      seconds = 1,
      ...others
    } = Object(entry) as Record<string, unknown>;
    if (Object.keys(others).length > 0) {
      const known = "operation, fault, times, seconds, skip";
      throw new Error(`unknown member ${Object.keys(others).join(", ")}; there are ${known}`);
    }
    if (!this.#operations.includes(operation as string)) {
      throw new Error(`unknown operation ${String(operation)}; there are ${this.#operations.join(", ")}`);
    }
    if (!faultNames.includes(fault as FaultName)) {
      throw new Error(`unknown fault ${String(fault)}; there are ${faultNames.join(", ")}`);
    }
    if (fault === "transaction-conflict" && !conflicting.includes(operation as string)) {
      throw new Error(
        `${String(operation)} cannot meet a transaction-conflict; ${conflicting.join(", ")} can`,
      );
    }
    if (!isCount(times) || times === 0 || !isCount(skip)) throw new Error("times and skip are whole numbers");
    if (typeof seconds !== "number" || !(seconds >= 0)) throw new Error("seconds is a number, 0 or more");
    return { operation: operation as string, fault: fault as FaultName, times, skip, seconds };
  }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function throttled(operation: string): AwsError {
  if (operation === "Publish") return new AwsError("Throttled", "Rate exceeded");
  if (operation.endsWith("Message"))
    return new AwsError("com.amazonaws.sqs#RequestThrottled", "Rate exceeded");
  if (operation.includes("Schedule"))
    return new AwsError("ThrottlingException", "Rate exceeded", { status: 429 });
  if (!/Items?$|^Query$|^Scan$/.test(operation)) return new AwsError("ThrottlingException", "Rate exceeded");
  return new AwsError(
    "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
    "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API.",
  );
}

function conflict(operation: string, input: Input): AwsError {
  const message = "Transaction is ongoing for the item";
  if (!operation.startsWith("Transact")) {
    return new AwsError("com.amazonaws.dynamodb.v20120810#TransactionConflictException", message);
  }
  const items = Array.isArray(input.TransactItems) ? input.TransactItems : [];
  return cancelled(
    items.map((_, at) => (at === 0 ? { Code: "TransactionConflict", Message: message } : { Code: "None" })),
  );
}
