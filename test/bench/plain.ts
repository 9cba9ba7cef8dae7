/** The yardsticks of the cold start, bundled as far as they can be: plain-*.mjs, each beside the function it stands for. */
import { mkdirSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { build, type Plugin } from "esbuild";
import type { FunctionName } from "../../infra/bundle.ts";

const PEERS = join(import.meta.dirname, "../peers");

/** ccxt names it for exchanges that are not Kraken, and does not bring it: anything asked of it is nothing. */
const withoutProtobuf: Plugin = {
  name: "without-protobuf",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^protobufjs/ }, ({ path }) => ({ path, namespace: "nothing" }));
    onLoad({ filter: /./, namespace: "nothing" }, () => ({
      contents: `const nothing = new Proxy(function () {}, {
        get: (_, name) => (name === "__esModule" ? false : nothing),
        construct: () => nothing,
        apply: () => nothing,
      });
      module.exports = nothing;`,
    }));
  },
};

/** Loaded by ccxt only when a proxy is set. */
const ONLY_FOR_PROXIES = ["http-proxy-agent", "https-proxy-agent", "socks-proxy-agent"];

export type Plain = { readonly folder: string; readonly bytes: number };

/**
 * Undefined where ccxt is needed and not installed. `whole`: with the exchange's client loaded, needed or not, as in a program
 * that wires all of its functions in one place.
 */
export async function plainBundle(
  name: FunctionName,
  into: string,
  whole = name === "dca",
): Promise<Plain | undefined> {
  if (whole && !isInstalled("ccxt")) return undefined;
  const folder = join(into, `plain-${name}${whole ? "-whole" : ""}`);
  const own = join(import.meta.dirname, `plain-${name}.mjs`);
  mkdirSync(folder, { recursive: true });
  const outfile = join(folder, "index.js");
  await build({
    stdin: {
      contents:
        whole && name !== "dca"
          ? `import ccxt from "ccxt"; globalThis.exchange = new ccxt.kraken(); export * from ${JSON.stringify(own)};`
          : `export * from ${JSON.stringify(own)};`,
      resolveDir: import.meta.dirname,
    },
    outfile,
    nodePaths: [join(PEERS, "node_modules")],
    bundle: true,
    platform: "node",
    target: "node24",
    format: "cjs",
    mainFields: ["module", "main"],
    plugins: [withoutProtobuf],
    external: [...ONLY_FOR_PROXIES, "bufferutil", "utf-8-validate"],
    logLevel: "error",
  });
  return { folder, bytes: statSync(outfile).size };
}

function isInstalled(peer: string): boolean {
  try {
    createRequire(join(PEERS, "package.json")).resolve(peer);
    return true;
  } catch {
    return false;
  }
}
