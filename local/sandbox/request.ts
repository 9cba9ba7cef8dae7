/** What a private request says: fields of a form or of JSON, read without losing a digit. */

export type Fields = Readonly<Record<string, string>>;

export type PrivateRequest = {
  readonly endpoint: string;
  readonly apiKey: string;
  readonly sign: string;
  /** The exact text that was signed. */
  readonly body: string;
  readonly contentType: string;
  readonly remoteAddress: string;
};

/** `undefined`: not readable. Nested JSON becomes bracketed names, as in forms: `close[price]`. */
export function fieldsOf(body: string, contentType: string): Fields | undefined {
  const isJson =
    contentType === "" ? body.startsWith("{") : contentType.includes("json") || body.startsWith("{");
  if (!isJson) return Object.fromEntries(new URLSearchParams(body));
  try {
    // The reviver's `source` is the number as it was written: 37500.10 stays that.
    const read: unknown = JSON.parse(body, (_name, value, context?: { source?: string }) =>
      typeof value === "number" ? (context?.source ?? String(value)) : value,
    );
    if (typeof read !== "object" || read === null || Array.isArray(read)) return undefined;
    const fields: Record<string, string> = {};
    flatten(read, "", fields);
    return fields;
  } catch {
    return undefined;
  }
}

function flatten(value: object, prefix: string, fields: Record<string, string>): void {
  for (const [name, inner] of Object.entries(value)) {
    const path = prefix === "" ? name : `${prefix}[${name}]`;
    if (inner === null || inner === undefined) continue;
    if (Array.isArray(inner) && inner.every((item) => typeof item === "string"))
      fields[path] = inner.join(",");
    else if (typeof inner === "object") flatten(inner as object, path, fields);
    else fields[path] = String(inner);
  }
}

/** `true`, `True`, `1`; `undefined` when it is neither yes nor no. */
export function flagOf(text: string | undefined): boolean | undefined {
  if (text === undefined || text === "") return false;
  const lower = text.toLowerCase();
  if (lower === "true" || lower === "1") return true;
  return lower === "false" || lower === "0" ? false : undefined;
}
