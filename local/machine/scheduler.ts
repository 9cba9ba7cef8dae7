/**
 * Stands in for EventBridge Scheduler: at each slot of a plan it puts the firing into the queue. Its rules are Scheduler's:
 * a local time that does not exist is skipped, a repeated one fires once, and nothing fires at creation. Slots that pass
 * while it does not run are the sweep's.
 */
import type { Clock } from "../../shared/app/clock.ts";
import type { FiringQueue } from "../../shared/app/ports.ts";
import { firingAt } from "../../shared/config/firing.ts";
import { accountNameOf, type DcaPlan, type Settings } from "../../shared/domain/plan.ts";
import { nextSlot, slotText } from "../../shared/domain/schedule.ts";
import type { EpochMs } from "../../shared/domain/time.ts";

export class Scheduler {
  readonly #clock: Clock;
  readonly #settings: Settings;
  readonly #queue: FiringQueue;
  readonly #onFired: (sent: Promise<void>) => void;
  readonly #timers = new Map<string, { cancel(): void }>();

  constructor(options: {
    clock: Clock;
    settings: Settings;
    queue: FiringQueue;
    /** Called at each slot with the sending of its firing. */
    onFired: (sent: Promise<void>) => void;
  }) {
    this.#clock = options.clock;
    this.#settings = options.settings;
    this.#queue = options.queue;
    this.#onFired = options.onFired;
  }

  start(): void {
    for (const plan of this.#plans()) this.#arm(plan, this.#clock.now());
  }

  stop(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  /** The next slot of any plan. */
  next(after: EpochMs): { readonly plan: DcaPlan; readonly slot: EpochMs } | undefined {
    return this.#plans()
      .flatMap((plan) => {
        const slot = nextSlot(plan.schedule, plan.zone, after);
        return slot === undefined ? [] : [{ plan, slot }];
      })
      .sort((a, b) => a.slot - b.slot)[0];
  }

  #plans(): readonly DcaPlan[] {
    return this.#settings.plans.filter((plan) => plan.kind === "dca");
  }

  #arm(plan: DcaPlan, after: EpochMs): void {
    const slot = nextSlot(plan.schedule, plan.zone, after);
    if (slot === undefined) return;
    const timer = this.#clock.after(slot - this.#clock.now(), () => {
      const account = accountNameOf(plan, this.#settings.accounts);
      this.#onFired(
        this.#queue.send(account, firingAt("dca", account, plan.id, slot), `${plan.id}@${slotText(slot)}`),
      );
      this.#arm(plan, slot);
    });
    this.#timers.set(plan.id, timer);
  }
}
