/** The wire: which service and operation a request means, and how each protocol writes an answer or an error. */
import { randomUUID } from "node:crypto";
import { crc32 } from "node:zlib";
import { AwsError, serializationError, unknownOperation } from "./errors.ts";
import { isRestPath, parseRest } from "./rest.ts";
import type { Input, Output } from "./service.ts";

export type Request = {
  readonly method: string;
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
};
export type Reply = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};
export type ServiceName = "dynamodb" | "scheduler" | "secretsmanager" | "sns" | "sqs";
/** How answers are written: AWS's JSON 1.0 and 1.1, JSON over REST, or the older query protocol in XML. */
type Protocol = "json1.0" | "json1.1" | "rest" | "query";
export type Call = {
  readonly service: ServiceName;
  readonly protocol: Protocol;
  readonly operation: string;
  readonly input: Input;
};

const targets: Record<string, { service: ServiceName; protocol: Protocol }> = {
  DynamoDB_20120810: { service: "dynamodb", protocol: "json1.0" },
  AmazonSQS: { service: "sqs", protocol: "json1.0" },
  secretsmanager: { service: "secretsmanager", protocol: "json1.1" },
};
const SNS = "http://sns.amazonaws.com/doc/2010-03-31/";

export function protocolOf(request: Request): Protocol {
  if (request.headers["x-amz-target"] === undefined) {
    if (isForm(request)) return "query";
    if (isRestPath(request.path)) return "rest";
  }
  return request.headers["content-type"]?.startsWith("application/x-amz-json-1.1") ? "json1.1" : "json1.0";
}

/** Throws AWS's own error for a request that means nothing here. */
export function parseCall(request: Request): Call {
  refuseUnsigned(request);
  const target = request.headers["x-amz-target"];
  if (target === undefined && isForm(request)) return parseForm(request);
  if (target === undefined && isRestPath(request.path)) {
    return { service: "scheduler", protocol: "rest", ...parseRest(request, parseJson(request.body)) };
  }
  const [prefix = "", operation = ""] = (target ?? "").split(".");
  const known = Object.hasOwn(targets, prefix) ? targets[prefix] : undefined;
  if (known === undefined || request.method !== "POST") throw unknownOperation();
  return { ...known, operation, input: parseJson(request.body) };
}

export function replyTo(call: Call, output: Output): Reply {
  return call.protocol === "query" ? xmlReply(call.operation, output) : jsonReply(call.protocol, 200, output);
}

export function replyToError(protocol: Protocol, error: AwsError): Reply {
  if (protocol === "query") {
    const kind = error.status < 500 ? "Sender" : "Receiver";
    const inner = `<Type>${kind}</Type><Code>${escaped(nameOf(error))}</Code><Message>${escaped(error.message)}</Message>`;
    return xml(
      error.status,
      `<ErrorResponse xmlns="${SNS}"><Error>${inner}</Error>${requestId()}</ErrorResponse>`,
    );
  }
  if (protocol === "rest") {
    const type = { "x-amzn-errortype": nameOf(error) };
    return jsonReply(protocol, error.status, { Message: error.message, ...error.members }, type);
  }
  const { queryCode, ...members } = error.members;
  const body = {
    __type: error.type,
    ...(error.message === "" ? {} : { message: error.message }),
    ...members,
  };
  // SQS still tells the codes of its older protocol, and SDKs of that time look for them.
  const code = typeof queryCode === "string" ? { "x-amzn-query-error": `${queryCode};Sender` } : {};
  return jsonReply(protocol, error.status, body, code);
}

const nameOf = (error: AwsError) => error.type.slice(error.type.lastIndexOf("#") + 1);

function refuseUnsigned(request: Request): void {
  // The signature itself is not checked: this endpoint gives out no keys. Unsigned requests are none of an SDK's.
  if (request.headers.authorization?.startsWith("AWS4-")) return;
  throw new AwsError(
    "com.amazon.coral.service#MissingAuthenticationTokenException",
    "Missing Authentication Token",
    {
      status: 403,
    },
  );
}

const isForm = (request: Request) =>
  request.headers["content-type"]?.startsWith("application/x-www-form-urlencoded") ?? false;

function parseForm(request: Request): Call {
  const {
    Action: operation = "",
    Version: version = "",
    ...input
  } = Object.fromEntries(new URLSearchParams(request.body));
  if (version === "2010-03-31") return { service: "sns", protocol: "query", operation, input };
  throw new AwsError(
    "InvalidAction",
    `Could not find operation ${operation} for version ${version || "NO_VERSION_SPECIFIED"}`,
  );
}

function parseJson(body: string): Input {
  try {
    const value: unknown = body === "" ? {} : JSON.parse(body);
    if (value !== null && typeof value === "object" && !Array.isArray(value)) return value as Input;
  } catch {
    // Told below, as for any other body that is not an object
  }
  throw serializationError("Start of structure expected");
}

function jsonReply(protocol: Exclude<Protocol, "query">, status: number, output: Output, more = {}): Reply {
  const body = JSON.stringify(output);
  const headers = {
    "content-type":
      protocol === "rest" ? "application/json" : `application/x-amz-json-${protocol.slice("json".length)}`,
    "x-amzn-requestid": randomUUID(),
    "x-amz-crc32": String(crc32(body)),
    ...more,
  };
  return { status, headers, body };
}

function xmlReply(operation: string, output: Output): Reply {
  const result = `<${operation}Result>${xmlOf(output)}</${operation}Result>`;
  const metadata = `<ResponseMetadata>${requestId()}</ResponseMetadata>`;
  return xml(200, `<${operation}Response xmlns="${SNS}">${result}${metadata}</${operation}Response>`);
}

const xml = (status: number, body: string): Reply => ({
  status,
  headers: { "content-type": "text/xml" },
  body,
});

const requestId = () => `<RequestId>${randomUUID()}</RequestId>`;

function xmlOf(value: unknown): string {
  if (Array.isArray(value)) return value.map((member) => `<member>${xmlOf(member)}</member>`).join("");
  if (value === null || typeof value !== "object") return escaped(String(value));
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return members.map(([name, member]) => `<${name}>${xmlOf(member)}</${name}>`).join("");
}

const entities: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "\r": "&#13;",
};
const escaped = (text: string) => text.replace(/[&<>"\r]/g, (character) => entities[character] as string);
