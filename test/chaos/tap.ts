/** Listens to every call that the program makes to Kraken and to AWS, and arms a fault right before a chosen one. */
import type { House } from "../support/house.ts";

/** One call: the how-manieth (from 1) of its name. AWS calls are named by what they do to the ledger. */
export type Place = { readonly service: Service; readonly call: string; readonly at: number };

export type Service = "kraken" | "dynamodb" | "secretsmanager" | "sns" | "sqs";

export type Injection = Place & {
  readonly fault: string;
  /** The fault's own parameter: how late, how long. */
  readonly seconds?: number;
  /** An outage: every call to this service meets the fault, from this one on, for so many virtual seconds. */
  readonly forSeconds?: number;
};

export type Heard = Place & {
  readonly operation: string;
  readonly atMs: number;
  /** Kraken's error texts. */
  readonly errors: string[];
  /** The fault that it met. */
  readonly met: Injection | undefined;
};

export const placeText = ({ call, at }: Place): string => `${call} ${at}`;

type Request = { readonly headers: Record<string, string>; readonly body?: unknown };

export class Tap {
  readonly heard: Heard[] = [];
  readonly met = new Set<Injection>();
  readonly #house: House;
  readonly #injections: readonly Injection[];
  readonly #counts = new Map<string, number>();
  #outages: { readonly injection: Injection; readonly until: number }[] = [];
  #isListening = false;

  constructor(house: House, injections: readonly Injection[]) {
    this.#house = house;
    this.#injections = injections;
    this.#tapKraken();
    this.#tapAws();
  }

  /** Listens while the program works; what the auditor asks in between is no part of it and meets no fault. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#isListening = true;
    try {
      return await work();
    } finally {
      this.#isListening = false;
    }
  }

  /** Counts the call, and says which faults it meets. */
  #hear(service: Service, call: string): { readonly place: Place; readonly faults: readonly Injection[] } {
    const now = this.#house.clock.now();
    const at = (this.#counts.get(call) ?? 0) + 1;
    this.#counts.set(call, at);
    const here = this.#injections.filter(
      (one) => one.service === service && one.call === call && one.at === at,
    );
    for (const injection of here) {
      this.met.add(injection);
      if (injection.forSeconds === undefined) continue;
      this.#outages.push({ injection, until: now + injection.forSeconds * 1000 });
    }
    this.#outages = this.#outages.filter(({ until }) => now < until);
    const lasting = this.#outages.map(({ injection }) => injection).filter((one) => one.service === service);
    return {
      place: { service, call, at },
      faults: [...here.filter((one) => one.forSeconds === undefined), ...lasting].slice(0, 1),
    };
  }

  #tapKraken(): void {
    const { sandbox, clock } = this.#house;
    const handle = sandbox.handle.bind(sandbox);
    sandbox.handle = async (request) => {
      const endpoint = /^\/0\/(?:public|private)\/(\w+)/.exec(request.path)?.[1];
      if (endpoint === undefined || !this.#isListening) return handle(request);
      const { place, faults } = this.#hear("kraken", endpoint);
      const heard: Heard = { ...place, operation: endpoint, atMs: clock.now(), errors: [], met: faults[0] };
      this.heard.push(heard);
      for (const { fault, seconds } of faults) {
        const armed = await handle({
          method: "POST",
          path: "/_control/faults",
          headers: { "content-type": "application/json" },
          body: Buffer.from(JSON.stringify([{ endpoint, fault, times: 1, ...(seconds && { seconds }) }])),
          remoteAddress: "127.0.0.1",
        });
        if (armed.is !== "reply" || armed.status !== 200)
          throw new Error(`cannot arm ${fault} on ${endpoint}`);
      }
      const reply = await handle(request);
      if (reply.is === "reply" && reply.status === 200) heard.errors.push(...errorsOf(reply.body));
      return reply;
    };
  }

  #tapAws(): void {
    const { cloud, clock } = this.#house;
    const handler = cloud.requestHandler;
    const handle = handler.handle.bind(handler);
    handler.handle = async (request, options) => {
      if (!this.#isListening) return handle(request, options);
      const { service, operation, call } = awsCallOf(request);
      const { place, faults } = this.#hear(service, call);
      this.heard.push({ ...place, operation, atMs: clock.now(), errors: [], met: faults[0] });
      for (const { fault, seconds } of faults) {
        const { response } = await handle({
          method: "POST",
          path: "/_control/faults",
          hostname: "embedded",
          headers: {},
          body: JSON.stringify([{ operation, fault, times: 1, ...(seconds && { seconds }) }]),
        });
        if (response.statusCode !== 200) throw new Error(`cannot arm ${fault} on ${operation}`);
      }
      return handle(request, options);
    };
  }
}

function errorsOf(body: Buffer): readonly string[] {
  // A whole catalogue or a 6 MB answer holds no error text worth a parse.
  if (body.length > 10_000) return [];
  try {
    const { error } = JSON.parse(body.toString()) as { error?: readonly string[] };
    return error ?? [];
  } catch {
    return [];
  }
}

/** The operation, and what it is for: the state that the intent gets, or the item that is touched. */
function awsCallOf({ headers, body }: Request): { service: Service; operation: string; call: string } {
  const text =
    typeof body === "string" ? body : body === undefined ? "" : new TextDecoder().decode(body as Uint8Array);
  const target = Object.entries(headers).find(([name]) => name.toLowerCase() === "x-amz-target")?.[1] ?? "";
  const operation = target.split(".").at(-1) || (new URLSearchParams(text).get("Action") ?? "unknown");
  const service = SERVICES.find(([start]) => target.startsWith(start))?.[1] ?? "sns";
  if (service !== "dynamodb") return { service, operation, call: operation };
  return { service, operation, call: `${operation} ${purposeOf(operation, JSON.parse(text) as Input)}` };
}

const SERVICES: readonly (readonly [string, Service])[] = [
  ["DynamoDB", "dynamodb"],
  ["secretsmanager", "secretsmanager"],
  ["AmazonSQS", "sqs"],
];

type Value = { readonly S?: string };
type Item = Readonly<Record<string, Value>>;
type Action = { readonly Put?: { readonly Item: Item }; readonly Update?: { readonly Key: Item } };
type Input = {
  readonly Item?: Item;
  readonly Key?: Item;
  readonly IndexName?: string;
  readonly TransactItems?: readonly Action[];
  readonly ExpressionAttributeValues?: Item;
  readonly RequestItems?: Readonly<Record<string, unknown>>;
};

function purposeOf(operation: string, input: Input): string {
  const inTransaction = (input.TransactItems ?? []).map(({ Put, Update }) => Put?.Item ?? Update?.Key);
  const items = [...inTransaction, input.Item, input.Key].filter((item): item is Item => item !== undefined);
  const isTransaction = inTransaction.length > 0;
  const intent = items.find((item) => item.sk?.S?.startsWith("INTENT#") && item.state !== undefined);
  if (intent !== undefined)
    return (isTransaction ? STEP_OF : CHANGE_OF)[intent.state!.S!] ?? intent.state!.S!;
  if (input.IndexName !== undefined) return "what is due";
  if (operation === "BatchGetItem")
    return JSON.stringify(input.RequestItems).includes("RUN#") ? "run" : "messages";
  if (operation === "Query") return `all ${kindOf(input.ExpressionAttributeValues?.[":prefix"])}`;
  const gate = items.find((item) => item.sk?.S === "GATE");
  if (gate !== undefined) return gateChange(operation, gate);
  if (items.some((item) => item.sk?.S?.startsWith("RUN#")) && operation !== "GetItem")
    return "run without order";
  return [...new Set(items.map(({ sk }) => kindOf(sk)))].join("+");
}

const STEP_OF: Readonly<Record<string, string>> = {
  PLANNED: "reserve",
  SUBMITTING: "claim",
  DONE: "settle",
  SKIPPED: "settle",
  REFUSED: "settle",
};
const CHANGE_OF: Readonly<Record<string, string>> = {
  PLANNED: "again",
  SUBMITTING: "doubt",
  ACKED: "ack",
};

function gateChange(operation: string, gate: Item): string {
  if (operation !== "PutItem") return "gate";
  if (gate.stopped !== undefined) return "stop key";
  return gate.holder === undefined ? "release key" : "take key";
}

const kindOf = (sk: Value | undefined): string => (sk?.S ?? "item").split("#", 1)[0]!.toLowerCase();
