/** Freezes the program between any two of its steps and lets it go on much later, as a suspended container does. */
import type { Deps } from "../../shared/app/ports.ts";

export type FreezePlan = {
  /** Which call, counted from 1. */
  readonly at: number;
  /** Before the call is made, or after it was made and before its answer is seen. */
  readonly when: "before" | "after";
};

export type Freezing = {
  readonly around: (deps: Deps) => Deps;
  readonly calls: string[];
  /** Resolves when the program stands still, with the place. */
  readonly frozen: Promise<string>;
  readonly thaw: () => void;
};

const PORTS = ["exchange", "secrets", "gates", "ledger", "books", "notifier"] as const;

export function freezing(plan: FreezePlan | undefined): Freezing {
  const calls: string[] = [];
  let thaw: () => void = () => {};
  let tell: (where: string) => void = () => {};
  const thawed = new Promise<void>((resolve) => {
    thaw = resolve;
  });
  const frozen = new Promise<string>((resolve) => {
    tell = resolve;
  });
  let isOver = false;

  const call = async (where: string, make: () => Promise<unknown>): Promise<unknown> => {
    calls.push(where);
    const isHere = !isOver && plan?.at === calls.length;
    const stand = async () => {
      isOver = true;
      tell(`${plan!.when} ${where}`);
      await thawed;
    };
    if (isHere && plan.when === "before") await stand();
    const [made] = await Promise.allSettled([make()]);
    if (isHere && plan.when === "after") await stand();
    if (made.status === "rejected") throw made.reason;
    return made.value;
  };

  const wrap = <T extends object>(port: T, name: string): T =>
    new Proxy(port, {
      get(target, key, receiver) {
        const member: unknown = Reflect.get(target, key, receiver);
        if (typeof member !== "function") return member;
        return (...args: unknown[]) => {
          if (key === "as") return wrap(member.apply(target, args) as object, "account");
          return call(`${name}.${String(key)}`, () => member.apply(target, args) as Promise<unknown>);
        };
      },
    });

  return {
    calls,
    frozen,
    thaw: () => thaw(),
    around: (deps) => ({
      ...deps,
      ...Object.fromEntries(PORTS.map((name) => [name, wrap(deps[name], name)])),
    }),
  };
}
