/** What it costs to sign an AddOrder, beside ccxt and beside the way Kraken's docs show. */
import { createHash, createHmac, hash } from "node:crypto";
import { Secret } from "../../shared/app/secret.ts";
import { privateBody } from "../../shared/kraken/body.ts";
import { signerOf } from "../../shared/kraken/sign.ts";
import { SAMPLE_SECRET } from "../support/kraken-rest.ts";
import { inRounds, type Measure, median, ratioOf, round } from "./measure.ts";
import { ccxt } from "./peers.ts";

const PATH = "/0/private/AddOrder";
const ORDER = {
  ordertype: "limit",
  pair: "XBTEUR",
  type: "buy",
  price: "37500.1",
  volume: "0.00125000",
  oflags: "fciq",
  timeinforce: "IOC",
  cl_ord_id: "6d1b345e-2821-40e2-ad83-4ecb18a06876",
};
const ROUND_MS = 200;
const BATCH = 64;

/** Operations for each second of this process's CPU: who else the machine works for does not count. */
async function speed(way: () => unknown): Promise<number> {
  const start = process.cpuUsage();
  for (let count = BATCH; ; count += BATCH) {
    for (let i = 0; i < BATCH; i++) way();
    const { user, system } = process.cpuUsage(start);
    if (user + system >= ROUND_MS * 1000) return (count * 1_000_000) / (user + system);
  }
}

export async function signing(rounds: number): Promise<readonly Measure[]> {
  let last = Date.now() * 1000;
  const nonce = () => String(++last);
  const signer = signerOf(new Secret(SAMPLE_SECRET));
  const key = Buffer.from(SAMPLE_SECRET, "base64");
  const tail = `&${privateBody("0", ORDER).split("&").slice(1).join("&")}`;
  const documented = (n: string, body: string) => {
    const digest = createHash("sha256")
      .update(n + body)
      .digest();
    return createHmac("sha512", key).update(PATH).update(digest).digest("base64");
  };
  const [inner, outer] = [Buffer.alloc(128 + PATH.length + 32), Buffer.alloc(128 + 64)];
  const peer = await ccxt("key", SAMPLE_SECRET);

  // Speed of a wrong signature is worth nothing.
  const [n, wanted] = ["1616492376594", documented("1616492376594", `nonce=1616492376594${tail}`)];
  const made: Record<string, string | undefined> = { ours: signer.sign(PATH, n, privateBody(n, ORDER)) };
  if (peer !== undefined) {
    const own = peer.nonce;
    peer.nonce = () => n;
    made.ccxt = peer.sign("AddOrder", "private", "POST", ORDER).headers["API-Sign"];
    peer.nonce = own;
  }
  for (const [name, sign] of Object.entries(made)) {
    if (sign !== wanted) throw new Error(`the signature of ${name} is not the documented one`);
  }

  const taken = await inRounds(
    {
      ours: () => {
        const each = nonce();
        return signer.sign(PATH, each, privateBody(each, ORDER));
      },
      oursReady: () => {
        const each = nonce();
        return signer.sign(PATH, each, `nonce=${each}${tail}`);
      },
      documented: () => {
        const each = nonce();
        return documented(each, `nonce=${each}${tail}`);
      },
      hashes: () => {
        const each = nonce();
        hash("sha256", `${each}nonce=${each}${tail}`, "binary");
        hash("sha512", inner, "binary");
        return hash("sha512", outer, "base64");
      },
      ...(peer === undefined ? {} : { peer: () => peer.sign("AddOrder", "private", "POST", ORDER) }),
    },
    rounds,
    speed,
  );
  const ops = (values: readonly number[]): number => Math.round(median(values));
  const limit = { limit: ops(taken.hashes), limitName: "three one-shot hashes, nothing else" };
  const peerTaken = (taken as Partial<Record<"peer", readonly number[]>>).peer;
  const vsPeer = peerTaken === undefined ? null : ratioOf(taken.ours, peerTaken);
  const vsDocumented = ratioOf(taken.oursReady, taken.documented);
  return [
    {
      name: "sign AddOrder, body included",
      unit: "op per CPU s",
      ours: ops(taken.ours),
      peer: peerTaken === undefined ? null : ops(peerTaken),
      peerName: "ccxt sign()",
      ...limit,
      ratio: vsPeer,
      ratioOf: "ours / peer",
      goal: ">= 4",
      isMet: vsPeer === null ? null : vsPeer >= 4,
    },
    {
      name: "sign AddOrder, body ready",
      unit: "op per CPU s",
      ours: ops(taken.oursReady),
      peer: ops(taken.documented),
      peerName: "createHmac, as in Kraken's docs",
      ...limit,
      ratio: round(vsDocumented, 2),
      ratioOf: "ours / peer",
      goal: ">= 4",
      isMet: vsDocumented >= 4,
    },
  ];
}
