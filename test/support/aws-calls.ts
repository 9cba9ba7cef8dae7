/** What an SDK client really asked of AWS, action by action as IAM counts them, and on which resource. */

export type AwsCall = {
  /** `dynamodb:PutItem`. */
  readonly action: string;
  /** As its caller named it: a table, an index, a queue's address, a topic, a secret. */
  readonly resource: string;
  /** Of DynamoDB: the partition key of the item, or of the index. */
  readonly leadingKey?: string;
};

type Request = {
  readonly method: string;
  readonly path: string;
  readonly query?: Record<string, unknown>;
  readonly headers: Record<string, string>;
  readonly body?: unknown;
};
type Handler = { handle(request: Request, options?: unknown): Promise<unknown> };
type Key = { readonly pk?: { readonly S: string } };
type Item = {
  readonly TableName: string;
  readonly Key?: Key;
  readonly Item?: Key;
};

/** A handler that notes each call, and passes it on to the given one. */
export function recording<H>(inner: H, calls: AwsCall[]): H {
  const handler = inner as unknown as Handler;
  const wrapped = Object.create(handler) as Handler;
  wrapped.handle = (request, options) => {
    calls.push(...callsOf(request));
    return handler.handle(request, options);
  };
  return wrapped as unknown as H;
}

function callsOf(request: Request): readonly AwsCall[] {
  const { headers, body, path } = request;
  if (path.startsWith("/schedules")) return [schedulerCall(request)];
  const text = typeof body === "string" ? body : new TextDecoder().decode(body as Uint8Array);
  const target = headers["x-amz-target"] ?? headers["X-Amz-Target"];
  if (target === undefined) {
    const form = new URLSearchParams(text);
    return [{ action: `sns:${form.get("Action")}`, resource: form.get("TopicArn") ?? "" }];
  }
  const [service, operation] = target.split(".") as [string, string];
  const input = JSON.parse(text) as Record<string, unknown>;
  if (service.startsWith("DynamoDB")) return dynamoCalls(operation, input);
  if (service === "AmazonSQS") return [{ action: `sqs:${operation}`, resource: String(input.QueueUrl) }];
  if (service === "secretsmanager") {
    return [{ action: `secretsmanager:${operation}`, resource: String(input.SecretId) }];
  }
  throw new Error(`a call to ${service} that this record does not know: ${operation}`);
}

const SCHEDULER: Readonly<Record<string, string>> = {
  POST: "CreateSchedule",
  PUT: "UpdateSchedule",
  DELETE: "DeleteSchedule",
  GET: "GetSchedule",
};

/** EventBridge Scheduler names its operation by method and path. */
function schedulerCall({ method, path }: Request): AwsCall {
  const name = path.replace(/^\/schedules\/?/, "");
  return name === ""
    ? { action: "scheduler:ListSchedules", resource: "*" }
    : { action: `scheduler:${SCHEDULER[method]}`, resource: decodeURIComponent(name) };
}

/** A transaction needs the right to each of its actions, not one of its own (DynamoDB guide, "Transactions and IAM"). */
const IN_TRANSACTION: Readonly<Record<string, string>> = {
  Put: "dynamodb:PutItem",
  Update: "dynamodb:UpdateItem",
  Delete: "dynamodb:DeleteItem",
  ConditionCheck: "dynamodb:ConditionCheckItem",
};

function dynamoCalls(operation: string, input: Record<string, unknown>): readonly AwsCall[] {
  if (operation === "TransactWriteItems") {
    return (input.TransactItems as Record<string, Item>[]).flatMap((entry) =>
      Object.entries(entry).map(([kind, item]) => ({
        action: IN_TRANSACTION[kind]!,
        resource: item.TableName,
        leadingKey: keyOf(item),
      })),
    );
  }
  if (operation === "BatchGetItem") {
    return Object.entries(input.RequestItems as Record<string, { readonly Keys: Key[] }>).flatMap(
      ([resource, { Keys }]) =>
        Keys.map((key) => ({ action: "dynamodb:BatchGetItem", resource, leadingKey: key.pk!.S })),
    );
  }
  const action = `dynamodb:${operation}`;
  if (operation === "Query") {
    const values = input.ExpressionAttributeValues as Record<string, { readonly S: string }>;
    const index = input.IndexName === undefined ? "" : `/index/${String(input.IndexName)}`;
    const leadingKey = (values[":pk"] ?? values[":shard"])!.S;
    return [{ action, resource: `${String(input.TableName)}${index}`, leadingKey }];
  }
  const item = input as unknown as Item;
  return [{ action, resource: item.TableName, leadingKey: keyOf(item) }];
}

function keyOf({ Key, Item }: Item): string {
  const key = (Key ?? Item)?.pk?.S;
  if (key === undefined) throw new Error("a call to DynamoDB without a partition key");
  return key;
}
