/** An order that the owner places by hand: with the account's key, and without Tidekeeper. */
import { acquireKey, KeyLease } from "../../shared/app/key-gate.ts";
import { price, volume } from "../../shared/domain/money.ts";
import { later } from "../../shared/domain/time.ts";
import type { House } from "./house.ts";

/** A buy far below the market, which rests, or with `limit` one that fills; answers Kraken's id. */
export async function placeByHand(house: House, limit = "1000.0"): Promise<string> {
  const { clock, chance, gates: store, settings, exchange, secrets } = house.deps;
  const credentials = (await secrets.credentials("main", "trade"))!;
  const work = async () => {
    const rules = await exchange.pairRules({ base: "BTC", quote: "EUR" });
    const lease = await acquireKey({ store, clock, chance }, credentials, settings.accounts[0]!.tier, 1);
    if (!(lease instanceof KeyLease)) throw new Error(lease.why);
    const now = await exchange.now();
    const { txid } = await exchange.as(lease).submit({
      rules,
      side: "buy",
      clientOrderId: "00000000-0000-4000-8000-000000000001",
      volume: volume("0.001"),
      limitPrice: price(limit),
      timeInForce: "GTD",
      expiresAt: later(now, 20 * 24 * 3_600_000),
      postOnly: false,
      deadline: later(now, 10_000),
    });
    await lease.release();
    return txid;
  };
  return house.inTime(work());
}
