/** Do two names mean the same file, or the same address of an exchange? */
import { realpathSync } from "node:fs";
import { resolve } from "node:path";

export const samePlace = (a: string, b: string): boolean => a === b || real(a) === real(b);

function real(name: string): string {
  if (/^https?:/.test(name)) return name.replace(/\/$/, "");
  try {
    return realpathSync(resolve(name));
  } catch {
    return resolve(name);
  }
}
