/** Text for values that JSON does not know: big whole numbers, maps and sets. The same value is always the same text. */

export function encode(value: unknown): string {
  return JSON.stringify(value, (_name, inner: unknown) => {
    if (typeof inner === "bigint") return { $n: inner.toString() };
    if (inner instanceof Map) return { $map: [...inner] };
    if (inner instanceof Set) return { $set: [...inner] };
    return inner;
  });
}

/** Throws when the text is not JSON. */
export function decode(text: string): unknown {
  return JSON.parse(text, (_name, inner: unknown) => {
    if (typeof inner !== "object" || inner === null) return inner;
    if ("$n" in inner) return BigInt(inner.$n as string);
    if ("$map" in inner) return new Map(inner.$map as [unknown, unknown][]);
    if ("$set" in inner) return new Set(inner.$set as unknown[]);
    return inner;
  });
}
