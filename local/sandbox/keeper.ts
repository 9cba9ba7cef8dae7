/** The state machine with its memory: a command is on disk before it runs. */
import { bringTo } from "./engine/advance.ts";
import { apply, type Command, type Outcome } from "./exchange.ts";
import { Journal, type WriteAt } from "./journal.ts";
import { newState, type State } from "./state.ts";

/** A command that fails on a fault of our own has an answer too, the same one when it is replayed. */
function run(state: State, command: Command, at: number): Outcome {
  try {
    return apply(state, command, at);
  } catch {
    return { is: "answer", reply: { error: "EGeneral:Internal error" } };
  }
}

export class Keeper {
  #state: State;
  readonly #journal: Journal | undefined;
  readonly #fresh: (at: number) => State;

  private constructor(state: State, journal: Journal | undefined, fresh: (at: number) => State) {
    this.#state = state;
    this.#journal = journal;
    this.#fresh = fresh;
  }

  static open(options: {
    dir: string | undefined;
    at: number;
    setup: Omit<Parameters<typeof newState>[0], "at">;
    write?: WriteAt | undefined;
  }): Keeper {
    const fresh = (at: number) => newState({ ...options.setup, at });
    if (options.dir === undefined) return new Keeper(fresh(options.at), undefined, fresh);
    const { journal, state, lines } = Journal.open(options.dir, options.write);
    const kept = state ?? fresh(options.at);
    for (const { at, command } of lines) run(kept, command, at);
    const keeper = new Keeper(kept, journal, fresh);
    if (state === undefined) journal.save(kept);
    // A state of before keeps its accounts as they are; those that it has not are opened now.
    for (const account of options.setup.accounts)
      if (!kept.accounts.has(account.name)) keeper.apply({ do: "open-account", account }, options.at);
    return keeper;
  }

  get state(): State {
    return this.#state;
  }

  /** Throws when the command could not be recorded; then it did not run. */
  apply(command: Command, at: number): Outcome {
    const instant = Math.max(at, this.#state.at);
    this.#journal?.append(instant, command);
    const outcome = run(this.#state, command, instant);
    if (this.#journal?.isLong) this.#trySave();
    return outcome;
  }

  /** The state as it is at an instant. What happens by itself needs no record: it follows from what has one. */
  stateAt(at: number): State {
    bringTo(this.#state, at);
    return this.#state;
  }

  /** Throws when it could not be recorded; then everything is as it was. */
  reset(at: number): void {
    const fresh = this.#fresh(at);
    this.#journal?.save(fresh);
    this.#state = fresh;
  }

  close(): void {
    if (this.#journal === undefined) return;
    this.#trySave();
    this.#journal.close();
  }

  /** The journal holds everything; a snapshot only makes the next start quicker. */
  #trySave(): void {
    try {
      this.#journal?.save(this.#state);
    } catch {}
  }
}
