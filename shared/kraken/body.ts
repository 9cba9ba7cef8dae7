/** Form bodies and query strings, written so that Kraken reads back exactly what was meant. */

export type FieldValue = string | number | bigint | boolean | readonly FieldValue[] | Fields | undefined;
/** `undefined` is left out. Numbers are counts, times and whole settings; money comes as text. */
export type Fields = { readonly [name: string]: FieldValue };

/**
 * `{ close: { ordertype: "limit" } }` becomes `close%5Bordertype%5D=limit`, lists count from `orders[0]`. A plus sign is
 * `%2B`: as it stands, a form reads it as a space, and `+5%` would be a price of 5.
 */
export function formOf(fields: Fields): string {
  const parts: string[] = [];
  for (const [name, value] of Object.entries(fields)) append(parts, name, value);
  return parts.join("&");
}

/** The body of a private call: nonce first, then the one-time password of keys that ask for it. */
export const privateBody = (nonce: string, fields: Fields, otp?: string): string =>
  formOf({ nonce, otp, ...fields });

function append(parts: string[], name: string, value: FieldValue): void {
  if (value === undefined) return;
  if (typeof value === "object") {
    for (const [key, inner] of Object.entries(value)) append(parts, `${name}[${key}]`, inner);
    return;
  }
  parts.push(`${encode(name)}=${encode(String(value))}`);
}

const encode = (text: string): string =>
  /^[\w.~-]*$/.test(text)
    ? text
    : encodeURIComponent(text.toWellFormed()).replace(
        /[!'()*]/g,
        (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
      );
