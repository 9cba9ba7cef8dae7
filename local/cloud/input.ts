/** Reads members of a request; what has the wrong type is refused as AWS's parser does. */
import { serializationError } from "./errors.ts";
import type { Input } from "./service.ts";

export function textIn(input: Input, name: string): string | undefined {
  const value = input[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string") return value;
  throw serializationError(`${name} must be a string`);
}

export function wholeIn(input: Input, name: string): number | undefined {
  const value = input[name];
  if (value === undefined || value === null) return undefined;
  if (Number.isSafeInteger(value)) return value as number;
  throw serializationError(`${name} must be a whole number`);
}

export function textsIn(input: Input, name: string): string[] {
  const value = input[name] ?? [];
  if (Array.isArray(value) && value.every((member) => typeof member === "string")) return value;
  throw serializationError(`${name} must be a list of strings`);
}

export function textMapIn(input: Input, name: string): Record<string, string> {
  const value = input[name] ?? {};
  const isMap = typeof value === "object" && !Array.isArray(value);
  if (isMap && Object.values(value).every((member) => typeof member === "string")) {
    return value as Record<string, string>;
  }
  throw serializationError(`${name} must be a map of strings`);
}
