import * as z from "zod";
import { publicRead } from "./endpoint.ts";
import { seconds } from "./wire.ts";

/** Whole seconds: Kraken's clock was anywhere within the second that starts here. */
export const time = publicRead({
  name: "Time",
  fields: () => ({}),
  answer: z.object({ unixtime: seconds }).transform(({ unixtime }) => ({ secondAt: unixtime })),
});
