/** One thing that must be right. */

export type Check = {
  readonly what: string;
  /** `note`: fine, and worth knowing. */
  readonly state: "good" | "note" | "bad";
  /** Of a bad one: what to do about it, too. */
  readonly text: string;
};

export const good = (what: string, text: string): Check => ({ what, state: "good", text });
export const note = (what: string, text: string): Check => ({ what, state: "note", text });
export const bad = (what: string, text: string): Check => ({ what, state: "bad", text });

/** What cannot be asked is bad: nobody knows whether it is right. */
export async function tried(what: string, work: () => Promise<readonly Check[]>): Promise<readonly Check[]> {
  try {
    return await work();
  } catch (error) {
    const { name, message } = error as Error;
    return [bad(what, message || name)];
  }
}

export const isFine = (checks: readonly Check[]): boolean => checks.every(({ state }) => state !== "bad");
