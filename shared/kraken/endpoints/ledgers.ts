import * as z from "zod";
import type { Decimal } from "../../domain/decimal.ts";
import type { EpochMs } from "../../domain/time.ts";
import { privateRead } from "./endpoint.ts";
import { anyAmount, count, mapOf, seconds } from "./wire.ts";

export type LedgerEntry = {
  readonly ledgerId: string;
  /** Both entries of a trade carry the trade's id. */
  readonly refid: string;
  readonly at: EpochMs;
  readonly type: string;
  readonly assetId: string;
  /** Negative for what left the account. */
  readonly amount: Decimal;
  readonly fee: Decimal;
  readonly balance: Decimal;
};

const entry = z.object({
  refid: z.string(),
  time: seconds,
  type: z.string(),
  asset: z.string(),
  amount: anyAmount,
  fee: anyAmount,
  balance: anyAmount,
});

/** Newest first, 50 a page. */
export const ledgers = privateRead<
  {
    readonly assets?: readonly string[];
    readonly type?: string;
    readonly after?: EpochMs;
    readonly until?: EpochMs;
    readonly offset?: number;
  },
  { readonly entries: readonly LedgerEntry[]; readonly count: number | undefined }
>({
  name: "Ledgers",
  fields: (args) => ({
    asset: args.assets?.join(","),
    type: args.type,
    start: args.after === undefined ? undefined : Math.floor(args.after / 1000),
    end: args.until === undefined ? undefined : Math.floor(args.until / 1000),
    ofs: args.offset,
  }),
  answer: z.object({ ledger: mapOf(entry), count: count.optional() }).transform((wire) => ({
    count: wire.count,
    entries: [...wire.ledger].map(([ledgerId, { time, asset, ...rest }]) => ({
      ledgerId,
      at: time,
      assetId: asset,
      ...rest,
    })),
  })),
});
