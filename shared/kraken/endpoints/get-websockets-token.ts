import * as z from "zod";
import { Secret } from "../../app/secret.ts";
import { privateRead } from "./endpoint.ts";
import { count } from "./wire.ts";

/** To be used within `expiresInMs`; once a private subscription is open, the token lives as long as that. */
export const getWebSocketsToken = privateRead<void, { readonly token: Secret; readonly expiresInMs: number }>(
  {
    name: "GetWebSocketsToken",
    fields: () => ({}),
    answer: z
      .object({ token: z.string().min(1), expires: count })
      .transform((wire) => ({ token: new Secret(wire.token), expiresInMs: wire.expires * 1000 })),
  },
);
