/** A few processes that play cases side by side: each case is a world of its own. */
import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type { Case } from "./cases.ts";
import type { Played } from "./play.ts";

type Answer = { readonly played: Played } | { readonly error: string };

export class Crew {
  readonly #hands: ChildProcess[];

  constructor(size: number) {
    this.#hands = Array.from({ length: size }, () =>
      fork(join(import.meta.dirname, "worker.ts"), { stdio: ["ignore", "ignore", "ignore", "ipc"] }),
    );
  }

  /** In the order of the cases, whoever is done first. */
  async playAll(
    cases: readonly Case[],
    onPlayed: (one: Case, played: Played) => void,
  ): Promise<readonly Played[]> {
    const results = new Array<Played>(cases.length);
    let next = 0;
    const workOff = async (hand: ChildProcess) => {
      while (next < cases.length) {
        const index = next++;
        const one = cases[index]!;
        const played = await ask(hand, one);
        results[index] = played;
        onPlayed(one, played);
      }
    };
    await Promise.all(this.#hands.map(workOff));
    return results;
  }

  close(): void {
    for (const hand of this.#hands) hand.disconnect();
  }
}

function ask(hand: ChildProcess, { id, injections }: Case): Promise<Played> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null) => reject(new Error(`${id}: the process ended with ${code}`));
    hand.once("exit", onExit);
    hand.once("message", (answer: Answer) => {
      hand.off("exit", onExit);
      if ("played" in answer) resolve(answer.played);
      else reject(new Error(`${id}: ${answer.error}`));
    });
    hand.send(injections);
  });
}
