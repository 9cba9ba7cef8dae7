/** Crashes the program between any two of its steps: every call of a port is a place where the process can die. */
import type { Deps } from "../../shared/app/ports.ts";

export class Crash extends Error {
  constructor(where: string) {
    super(`crashed ${where}`);
    this.name = "Crash";
  }
}

export type CrashPlan = {
  /** Which call, counted from 1. */
  readonly at: number;
  /** Before the call is made, or after it was made and before its answer is known. */
  readonly when: "before" | "after";
};

export type CrashReport = { calls: string[]; crashedAt: string | undefined };

const PORTS = [
  "exchange",
  "secrets",
  "gates",
  "ledger",
  "books",
  "notifier",
  "queue",
  "deadLetters",
] as const;

/** `deps` that die as planned; from then on no call of theirs does anything. */
export function crashing(plan: CrashPlan | undefined): { around: (deps: Deps) => Deps; report: CrashReport } {
  const report: CrashReport = { calls: [], crashedAt: undefined };

  const wrap = <T extends object>(port: T, name: string): T =>
    new Proxy(port, {
      get(target, key, receiver) {
        const member: unknown = Reflect.get(target, key, receiver);
        if (typeof member !== "function") return member;
        return (...args: unknown[]) => {
          const where = `${name}.${String(key)}`;
          // `as` only binds a key; what it gives makes the calls.
          if (key === "as") return wrap(member.apply(target, args) as object, "account");
          return call(where, () => member.apply(target, args) as Promise<unknown>);
        };
      },
    });

  const call = async (where: string, make: () => Promise<unknown>): Promise<unknown> => {
    if (report.crashedAt !== undefined) throw new Crash(report.crashedAt);
    report.calls.push(where);
    const isHere = plan?.at === report.calls.length;
    if (isHere && plan.when === "before") {
      report.crashedAt = `before ${where}`;
      throw new Crash(report.crashedAt);
    }
    const made = await Promise.allSettled([make()]);
    // Answer or error: it came too late for this process.
    if (isHere) report.crashedAt = `after ${where}`;
    if (report.crashedAt !== undefined) throw new Crash(report.crashedAt);
    if (made[0].status === "rejected") throw made[0].reason;
    return made[0].value;
  };

  return {
    report,
    around: (deps) => ({
      ...deps,
      ...Object.fromEntries(PORTS.map((name) => [name, wrap(deps[name], name)])),
    }),
  };
}
