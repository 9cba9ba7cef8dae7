import * as z from "zod";
import type { KeyInfo } from "../../app/exchange.ts";
import { privateRead } from "./endpoint.ts";
import { secondsOrNone } from "./wire.ts";

/** Recorded answers write `api_key_name`, a page of the docs `apiKeyName`. */
const snakeCase = (wire: unknown): unknown =>
  typeof wire === "object" && wire !== null
    ? Object.fromEntries(
        Object.entries(wire).map(([name, value]) => [
          name.replace("AllowList", "Allowlist").replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
          value,
        ]),
      )
    : wire;

/**
 * Works with any key. Nothing here has a default that would make a key look safer than it is: a missing date limit or
 * nonce window is a wrong answer, a missing allow-list is an empty one.
 */
export const getApiKeyInfo = privateRead<void, KeyInfo>({
  name: "GetApiKeyInfo",
  fields: () => ({}),
  answer: z.preprocess(
    snakeCase,
    z
      .object({
        api_key_name: z.string(),
        permissions: z.array(z.string()),
        nonce_window: z.string().regex(/^\d+$/),
        ip_allowlist: z.array(z.string()).nullish(),
        valid_until: secondsOrNone,
        query_from: secondsOrNone,
        query_to: secondsOrNone,
        iban: z.string(),
      })
      .transform((wire) => ({
        name: wire.api_key_name,
        permissions: wire.permissions,
        nonceWindow: BigInt(wire.nonce_window),
        ipAllowList: (wire.ip_allowlist ?? []).filter((address) => address !== ""),
        validUntil: wire.valid_until,
        queryFrom: wire.query_from,
        queryTo: wire.query_to,
        iban: wire.iban,
      })),
  ),
});
