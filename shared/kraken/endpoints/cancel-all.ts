import * as z from "zod";
import { privateWrite } from "./endpoint.ts";
import { count } from "./wire.ts";

/** Every open order of the account, also those the owner made by hand. Plans never call it. */
export const cancelAll = privateWrite<void, { readonly cancelled: number }>({
  name: "CancelAll",
  fields: () => ({}),
  answer: z.object({ count }).transform((wire) => ({ cancelled: wire.count })),
});
