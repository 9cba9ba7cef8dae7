/** Accounts and keys of a sandbox: the default ones, the file that names others, and one for each account of tide.yaml. */
import { createHash } from "node:crypto";
import * as z from "zod";
import { decimal, format } from "../../shared/domain/decimal.ts";
import type { Tier } from "../../shared/domain/plan.ts";

export const PERMISSIONS = [
  "query-funds",
  "add-funds",
  "withdraw-funds",
  "earn-funds",
  "query-open-trades",
  "query-closed-trades",
  "modify-trades",
  "close-trades",
  "query-ledger",
  "export-data",
  "create-ws-token",
] as const;

const amount = z.string().refine(isAmount, 'an amount is a plain decimal number in quotes, as in "10000"');
const seconds = z.number().int().nonnegative();

const keySchema = z.strictObject({
  name: z.string().min(1),
  key: z.string().min(1),
  /** Base64, as Kraken shows it once. */
  secret: z.string().min(1),
  permissions: z.array(z.enum(PERMISSIONS)),
  nonceWindow: z.string().regex(/^\d+$/).default("0"),
  ipAllowlist: z.array(z.string()).default(["127.0.0.1"]),
  /** Unix seconds; 0 is without limit. */
  queryFrom: seconds.default(0),
  queryTo: seconds.default(0),
  validUntil: seconds.default(0),
});

const tierSchema = z.union([
  z.enum(["starter", "intermediate", "pro"]),
  /** Points, and points per second. */
  z.strictObject({ max: z.number().int().positive(), decay: z.number().positive() }),
]);

const accountSchema = z.strictObject({
  name: z.string().min(1),
  iban: z.string().default("AA88N84GAAAAAAAA"),
  tier: tierSchema.default("starter"),
  fees: z.enum(["2024-10", "entry-0.80"]).default("2024-10"),
  /** By Kraken's asset id: `ZEUR`, `XXBT`. */
  balances: z.record(z.string(), amount),
  keys: z.array(keySchema),
});

export const accountsSchema = z.array(accountSchema).min(1);

/** As written in the accounts file; what may be left out has its default. */
export type AccountsInput = z.input<typeof accountsSchema>;
export type AccountSetup = z.output<typeof accountSchema>;
export type KeySetup = z.output<typeof keySchema>;

function isAmount(text: string): boolean {
  try {
    return decimal(text).units >= 0n;
  } catch {
    return false;
  }
}

/** Throws one sentence that names the place and what was expected. */
export function readAccounts(input: unknown): AccountSetup[] {
  const read = accountsSchema.safeParse(input);
  if (!read.success) {
    const [issue] = read.error.issues;
    throw new Error(`accounts: ${issue?.path.join(".") || "the list"}: ${issue?.message ?? "not readable"}`);
  }
  return read.data;
}

/** The secret of Kraken's published signing example. It protects play money only. */
const SAMPLE_SECRET =
  "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg==";

const TRADE_PERMISSIONS: KeySetup["permissions"] = [
  "query-funds",
  "query-open-trades",
  "query-closed-trades",
  "modify-trades",
  "close-trades",
  "query-ledger",
];

export const DEFAULT_ACCOUNTS: AccountsInput = [
  {
    name: "main",
    balances: { ZUSD: "10000", ZEUR: "10000", XXBT: "0.5", XETH: "5" },
    keys: [
      {
        name: "tidekeeper-sandbox-trade",
        key: "tKsbT0rade1zQ8vWm4YkLrX2nHcUe7JpDs9AoFiGb5RtVwE3xK6MyNqB",
        secret: SAMPLE_SECRET,
        permissions: TRADE_PERMISSIONS,
      },
      {
        name: "tidekeeper-sandbox-read",
        key: "tKsbR0ead2uP5hZc8XjNwQ7mGbTy3LvKe6SoIaDf9WrUqJ4xC1MzHnBt",
        secret: SAMPLE_SECRET,
        permissions: [
          "query-funds",
          "query-open-trades",
          "query-closed-trades",
          "query-ledger",
          "create-ws-token",
        ],
      },
      {
        name: "tidekeeper-sandbox-withdraw",
        key: "tKsbW0ithdraw3kF6sJd9YxRtL2vNqPb7ZgHcM4oEiAu8WwTnX5KyQjU",
        secret: SAMPLE_SECRET,
        permissions: [...TRADE_PERMISSIONS, "withdraw-funds"],
      },
    ],
  },
];

type Wanted = { readonly name: string; readonly tier: Tier };
const DEFAULT_NAME = "main";

/** An account alone in tide.yaml has the default one, whatever it is called. */
const isDefault = ({ name }: { name: string }, all: readonly unknown[]): boolean =>
  name === DEFAULT_NAME || all.length === 1;

/** The default account, and one of its own, with all that the default one has, for each other account of tide.yaml. */
export function accountsFor(wanted: readonly Wanted[]): AccountsInput {
  const [main] = DEFAULT_ACCOUNTS as [AccountsInput[number]];
  const others = wanted.filter((account) => !isDefault(account, wanted));
  return [
    main,
    ...others.map(({ name, tier }) => ({
      ...main,
      name,
      iban: `AA88N84G${digest(name).slice(0, 8).toUpperCase()}`,
      tier: { max: tier.max, decay: Number(format(tier.decayPerSecond)) },
      keys: main.keys.map((key) => ({
        ...key,
        name: `${key.name}-${name}`,
        key: digest(`${name} ${key.name}`).slice(0, 56),
      })),
    })),
  ];
}

/** What the key for this use is called, of the account that `accountsFor` makes. */
export const sandboxKeyName = (
  use: "trade" | "read",
  account: { readonly name: string },
  all: readonly unknown[],
): string => `tidekeeper-sandbox-${use}${isDefault(account, all) ? "" : `-${account.name}`}`;

/** The same at each start: a state folder keeps its keys. They protect play money only. */
const digest = (text: string): string => createHash("sha256").update(`tk1|sandbox|${text}`).digest("hex");
