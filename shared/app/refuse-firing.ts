/** What happens to a firing that must not start a run: it is put aside, the owner hears of it, and others go on. */
import type { Deps } from "./ports.ts";

/** A firing that must not start a run: unknown plan or account, or no slot of it. It is never retried. */
export class FiringRefused extends Error {
  constructor(message: string) {
    super(message);
    this.name = "FiringRefused";
  }
}

/** A firing that means nothing, and is expected: the schedule of its plan is finer than its slots. */
export class BetweenSlots extends Error {
  constructor(message: string) {
    super(message);
    this.name = "BetweenSlots";
  }
}

/** Dead-letters the message at once, instead of letting five deliveries hold up its group. May be called twice. */
export async function refuseFiring(
  deps: Deps,
  group: string,
  messageId: string,
  body: string,
  why: string,
): Promise<void> {
  const account =
    deps.settings.accounts.find(({ name }) => name === group)?.name ?? deps.settings.accounts[0]!.name;
  await deps.deadLetters.send(group || "unknown", { refused: why, body: body.slice(0, 4096) }, messageId);
  const shown = body.length > 200 ? `${body.slice(0, 200)}…` : body;
  await deps.books.addMessage(account, {
    id: `refused#${messageId}`,
    at: deps.clock.now(),
    subject: "A firing was refused and put aside",
    text: `A message in the queue started nothing: ${why}. Nothing was bought. It is in the dead-letter queue. It said: ${shown}`,
  });
}
