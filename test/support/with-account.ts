/** Deps whose calls under a key are changed: what Kraken says, or whether it says anything. */
import type { ExchangeAccount } from "../../shared/app/exchange.ts";
import type { Deps } from "../../shared/app/ports.ts";

export const withAccount =
  (change: (account: ExchangeAccount) => ExchangeAccount) =>
  (deps: Deps): Deps => ({
    ...deps,
    exchange: { ...deps.exchange, as: (key) => change(deps.exchange.as(key)) },
  });
