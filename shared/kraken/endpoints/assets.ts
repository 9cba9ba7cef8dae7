import * as z from "zod";
import { publicRead } from "./endpoint.ts";
import { count, mapOf } from "./wire.ts";

export type AssetRecord = {
  readonly altname: string;
  readonly decimals: number;
  readonly status: string | undefined;
};

/** By asset id. Without `assets`: all of them. */
export const assets = publicRead<
  { readonly assets?: readonly string[]; readonly assetClass?: "currency" | "tokenized_asset" },
  ReadonlyMap<string, AssetRecord>
>({
  name: "Assets",
  fields: (args) => ({ asset: args.assets?.join(","), aclass: args.assetClass }),
  answer: mapOf(
    z
      .object({ altname: z.string(), decimals: count, status: z.string().optional() })
      .transform(({ altname, decimals, status }) => ({ altname, decimals, status })),
  ),
});
