/**
 * Where the owner's verbs work: on a machine, which may talk to Kraken itself, or on a deployment, whose functions must be
 * asked to. The ledger is read and written in the same way on both.
 */
import type { KeyCheck, SweepDeps } from "../../shared/app/ports.ts";
import type { KeyUseKind } from "../../shared/domain/key-check.ts";
import type { Pair, PairRules, Quote } from "../../shared/domain/market.ts";
import type { Firing } from "../../shared/domain/run.ts";
import type { DeploymentView, KillView, WhyView } from "./views.ts";

export type WorkplaceDeps = Pick<SweepDeps, "settings" | "venue" | "clock" | "chance" | "books">;

export type GivenKey = { readonly apiKey: string; readonly privateKey: string };

export interface Workplace {
  readonly deps: WorkplaceDeps;
  /** `Kraken`, or which sandbox. */
  readonly exchange: string;
  /** Only of a machine: its plans file was edited since it was started. */
  arePlansEdited?(): Promise<boolean>;
  /** What the status says besides; only of a deployment. */
  readonly deployment?: DeploymentView;
  /** What the exchange says of a pair. Not of a deployment: from the owner's own address Kraken is never asked. */
  market?(pair: Pair): Promise<{ readonly rules: PairRules; readonly quote: Quote }>;

  /**
   * Sends the firing, and comes back when its run is over, or waits for more than is worth waiting for here. `look` answers
   * the run as the ledger has it now.
   */
  fire(firing: Firing, look: () => Promise<WhyView | undefined>): Promise<WhyView>;

  /** Cancels what of ours still rests at Kraken. The kill switch is on already. */
  cancel(): Promise<KillView>;

  /** Asks Kraken again about an order in doubt. Throws DeskRefusal when Kraken shows neither the order nor that there is none. */
  resolve(account: string, run: string): Promise<void>;

  /** Stores the key and has it judged. */
  setKey(account: string, use: KeyUseKind, key: GivenKey): Promise<KeyCheck | undefined>;

  /** What Kraken says of the key, at most `ageMsMax` ago. Undefined: no key is set. */
  checkKey(account: string, use: KeyUseKind, ageMsMax?: number): Promise<KeyCheck | undefined>;
}
