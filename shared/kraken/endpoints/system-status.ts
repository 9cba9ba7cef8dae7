import * as z from "zod";
import type { SystemStatus } from "../../domain/market.ts";
import { publicRead } from "./endpoint.ts";

/** `maintenance` takes nothing, not even a cancel. */
export const systemStatus = publicRead<void, { readonly status: SystemStatus }>({
  name: "SystemStatus",
  fields: () => ({}),
  answer: z.object({ status: z.enum(["online", "maintenance", "cancel_only", "post_only"]) }),
});
