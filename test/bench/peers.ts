/** Other people's clients, from a package of their own. They need not be there. */
import { createRequire } from "node:module";
import { join } from "node:path";

const FOLDER = join(import.meta.dirname, "../peers");

/** Of ccxt, what is measured. */
export type Ccxt = {
  sign(path: string, api: "private", method: "POST", params: object): { headers: Record<string, string> };
  privatePostBalance(): Promise<{ result: Record<string, string> }>;
  nonce: () => string;
  urls: { api: Record<string, string> };
};

type CcxtModule = { kraken: new (options: object) => Ccxt };

export async function ccxt(apiKey: string, secret: string, origin?: string): Promise<Ccxt | undefined> {
  let module: { default: CcxtModule };
  try {
    const path = createRequire(join(FOLDER, "package.json")).resolve("ccxt");
    module = (await import(path)) as { default: CcxtModule };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "MODULE_NOT_FOUND" && code !== "ERR_MODULE_NOT_FOUND") throw error;
    return undefined;
  }
  const made = new module.default.kraken({ apiKey, secret, enableRateLimit: false });
  if (origin !== undefined) for (const access of ["public", "private"]) made.urls.api[access] = origin;
  return made;
}
