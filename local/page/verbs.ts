/** The owner's verbs by name, for callers in another process: arguments are checked here, answers are plain JSON. */
import * as z from "zod";
import type { Desk } from "../desk/desk.ts";
import { DeskError } from "../desk/errors.ts";
import type { OwnersDesk } from "../desk/owners-desk.ts";
import type { KeyView } from "../desk/views.ts";
import type { Machine } from "../machine/machine.ts";

export type Working = { readonly machine: Machine; readonly desk: Desk };
/** All that the verbs need. */
export type AtDesk = { readonly desk: OwnersDesk };

/** Every answer says whose money it speaks of, and in which zone its owner lives. */
export type Answer = { readonly label: string; readonly zone: string; readonly result: unknown };

type Act = (at: AtDesk, args: unknown) => Promise<unknown>;

const text = z.string().min(1);

/** Binds a verb to the arguments it takes. */
const verb =
  <S extends z.ZodType>(schema: S, act: (at: AtDesk, args: z.output<S>) => Promise<unknown>): Act =>
  async (at, args) => {
    const read = schema.safeParse(args ?? {});
    if (read.success) return act(at, read.data);
    const [issue] = read.error.issues;
    throw new DeskError(`${issue?.path.join(".") || "the arguments"}: ${issue?.message ?? "not readable"}`);
  };

const KEY_USES = ["trade", "read"] as const;
const keyUse = z.enum(KEY_USES);
const accountNames = ({ desk }: AtDesk): readonly string[] => desk.settings.accounts.map(({ name }) => name);

/** Which key is replaced is not guessed. */
function onlyAccount(at: AtDesk): string {
  const [name, ...more] = accountNames(at);
  if (more.length === 0) return name!;
  throw new DeskError(`there are the accounts ${accountNames(at).join(", ")}: say which, with --account`);
}

const VERBS: Readonly<Record<string, Act>> = {
  next: verb(z.strictObject({ count: z.int().min(1).max(200).default(5) }), ({ desk }, { count }) =>
    desk.next(count),
  ),
  buy: verb(z.strictObject({ plan: text, key: z.string() }), ({ desk }, { plan, key }) =>
    desk.buy(plan, key),
  ),
  status: verb(z.strictObject({}), ({ desk }) => desk.status()),
  markets: verb(z.strictObject({}), ({ desk }) => desk.markets()),
  why: verb(z.strictObject({ run: text }), ({ desk }, { run }) => desk.why(run)),
  history: verb(z.strictObject({}), ({ desk }) => desk.history()),
  pause: verb(z.strictObject({ plan: text }), async ({ desk }, { plan }) => {
    await desk.pause(plan);
    return { plan, paused: true };
  }),
  resume: verb(z.strictObject({ plan: text.optional() }), async ({ desk }, { plan }) => {
    await desk.resume(plan);
    return plan === undefined ? { killed: false } : { plan, paused: false };
  }),
  kill: verb(z.strictObject({}), async ({ desk }) => ({ killed: true, ...(await desk.kill()) })),
  arming: verb(z.strictObject({}), ({ desk }) => desk.arming()),
  arm: verb(z.strictObject({ typed: z.string() }), ({ desk }, { typed }) => desk.arm(typed)),
  disarm: verb(z.strictObject({}), ({ desk }) => desk.disarm()),
  resolve: verb(z.strictObject({ run: text }), ({ desk }, { run }) => desk.resolve(run)),
  "keys-set": verb(
    z.strictObject({ account: text.optional(), use: keyUse, apiKey: text, privateKey: text }),
    (at, { account, use, apiKey, privateKey }) =>
      at.desk.setKey(account ?? onlyAccount(at), use, { apiKey, privateKey }),
  ),
  "keys-check": verb(z.strictObject({ account: text.optional() }), async (at, { account }) => {
    const checked: KeyView[] = [];
    for (const name of account === undefined ? accountNames(at) : [account])
      for (const use of KEY_USES) checked.push(await at.desk.checkKey(name, use));
    return checked;
  }),
};

export async function perform(at: AtDesk, name: string, args: unknown): Promise<Answer> {
  const act = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined;
  if (act === undefined) {
    throw new DeskError(
      `there is no verb ${JSON.stringify(name)}; there are ${Object.keys(VERBS).join(", ")}`,
    );
  }
  const result = await act(at, args);
  return { label: at.desk.label, zone: at.desk.settings.zone, result };
}
