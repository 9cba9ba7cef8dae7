/** How a figure is taken: all ways in turn within each round, and the median of the rounds. Ratios are of one round. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** One line of the answer. `ratio` is `ours` against what `ratioOf` names, within the same run. */
export type Measure = {
  readonly name: string;
  readonly unit: string;
  readonly ours: number;
  /** Null: the peer is not installed, or there is none to compare with. */
  readonly peer: number | null;
  readonly peerName: string | null;
  /** What cannot be beaten, or must not be passed. */
  readonly limit: number;
  readonly limitName: string;
  readonly ratio: number | null;
  readonly ratioOf: "ours / peer" | "ours / limit";
  readonly goal: string;
  readonly isMet: boolean | null;
};

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Takes `measure` of each way in each round, the first to go rotating. The first round only warms up. */
export async function inRounds<Name extends string>(
  ways: Readonly<Partial<Record<Name, () => unknown>>>,
  rounds: number,
  measure: (way: () => unknown) => Promise<number>,
): Promise<Readonly<Record<Name, readonly number[]>>> {
  const names = Object.keys(ways) as Name[];
  const taken = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = -1; round < rounds; round++) {
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(turn + round + names.length) % names.length]!;
      collectGarbage();
      const value = await measure(ways[name]!);
      if (round >= 0) taken[name].push(value);
    }
  }
  return taken;
}

export const ratioOf = (a: readonly number[], b: readonly number[]): number =>
  round(median(a.map((value, index) => value / b[index]!)), 2);

export const round = (value: number, digits: number): number => Number(value.toFixed(digits));
