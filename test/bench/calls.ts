/** What a whole private call costs this process: signed, sent over a kept connection, answered, read. One at a time. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { Pool } from "undici";
import { systemChance } from "../../functions/wire.ts";
import type { Clock } from "../../shared/app/clock.ts";
import type { KeyUse } from "../../shared/app/exchange.ts";
import { Secret } from "../../shared/app/secret.ts";
import { epochMs } from "../../shared/domain/time.ts";
import { balance } from "../../shared/kraken/endpoints/balance.ts";
import { undiciTransport } from "../../shared/kraken/http.ts";
import { createRest } from "../../shared/kraken/rest.ts";
import { SAMPLE_SECRET } from "../support/kraken-rest.ts";
import { inRounds, type Measure, median, ratioOf, round } from "./measure.ts";
import { ccxt } from "./peers.ts";

const CALLS_A_ROUND = 1_500;

const clock: Clock = {
  now: () => epochMs(Date.now()),
  monotonicMs: () => performance.now(),
  sleep: (ms) => new Promise((resolve) => void setTimeout(resolve, ms)),
  after(ms, action) {
    const timer = setTimeout(action, ms);
    return { cancel: () => clearTimeout(timer) };
  },
};

/** CPU µs of this process for each call. */
async function cost(way: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  for (let i = 0; i < CALLS_A_ROUND; i++) await way();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / CALLS_A_ROUND;
}

export async function calls(rounds: number): Promise<readonly Measure[]> {
  const server = fork(join(import.meta.dirname, "server.ts"), {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const [port] = (await once(server, "message")) as [number];
  const origin = `http://127.0.0.1:${port}`;
  const transport = undiciTransport({ origin });
  const pool = new Pool(origin, { connections: 1, pipelining: 1 });
  try {
    let nonce = BigInt(Date.now()) << 20n;
    const key: KeyUse = {
      credentials: { apiKey: "k".repeat(56), privateKey: new Secret(SAMPLE_SECRET), version: "1" },
      nextNonce: () => String(nonce++),
    };
    const rest = createRest({ transport, clock, chance: systemChance, userAgent: "tidekeeper/0.1" });
    const body = `nonce=${nonce}`;
    const headers = {
      "User-Agent": "tidekeeper/0.1",
      "Content-Type": "application/x-www-form-urlencoded",
      "API-Key": key.credentials.apiKey,
      "API-Sign": "a".repeat(88),
    };
    const path = "/0/private/Balance";
    const bare = async () => {
      const answer = await pool.request({ path, method: "POST", headers, body });
      return ((await answer.body.json()) as { result: object }).result;
    };
    const peer = await ccxt(key.credentials.apiKey, SAMPLE_SECRET, origin);
    const taken = await inRounds(
      {
        ours: () => rest.privateCall(balance, undefined, key),
        bare,
        ...(peer === undefined ? {} : { peer: () => peer.privatePostBalance() }),
      },
      rounds,
      cost,
    );
    const peerTaken = (taken as Partial<Record<"peer", readonly number[]>>).peer;
    const ratio = ratioOf(taken.ours, taken.bare);
    return [
      {
        name: "whole private call (Balance)",
        unit: "CPU µs",
        ours: round(median(taken.ours), 1),
        peer: peerTaken === undefined ? null : round(median(peerTaken), 1),
        peerName: "ccxt privatePostBalance()",
        limit: round(median(taken.bare), 1),
        limitName: "bare undici Pool, headers ready",
        ratio,
        ratioOf: "ours / limit",
        goal: "<= 1.5",
        isMet: ratio <= 1.5,
      },
    ];
  } finally {
    await transport.close();
    await pool.destroy();
    server.disconnect();
  }
}
