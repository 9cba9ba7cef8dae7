import * as z from "zod";
import type { EpochMs } from "../../domain/time.ts";
import { privateWrite } from "./endpoint.ts";
import { isoTime } from "./wire.ts";

const off = z.union([z.literal("0"), z.literal("")]).transform(() => undefined);

/** One timer per account; it hits the owner's own orders too. `timeoutSeconds` 0 switches it off. Plans never call it. */
export const cancelAllOrdersAfter = privateWrite<
  { readonly timeoutSeconds: number },
  { readonly now: EpochMs; readonly cancelsAt: EpochMs | undefined }
>({
  name: "CancelAllOrdersAfter",
  fields: (args) => ({ timeout: args.timeoutSeconds }),
  answer: z
    .object({ currentTime: isoTime, triggerTime: z.union([off, isoTime]) })
    .transform((wire) => ({ now: wire.currentTime, cancelsAt: wire.triggerTime })),
});
