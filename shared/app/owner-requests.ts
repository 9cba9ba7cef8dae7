/**
 * What the owner asks of the functions that may talk to Kraken. On AWS the owner's own machine never calls Kraken: its
 * address is on no allow-list. A request goes into the queue like a firing, and its answer into the table: a key's verdict as
 * its check, everything else as a message.
 *
 * May be delivered twice: asking again changes nothing that asking once does not.
 */
import { cancelledText, resolutionText, unansweredText } from "../domain/messages.ts";
import type { OwnerRequest } from "../domain/run.ts";
import { SECOND_MS } from "../domain/time.ts";
import { cancelOurs } from "./cancel-ours.ts";
import { checkKeyNow } from "./check-key.ts";
import { venueLabel } from "./label.ts";
import type { Deps } from "./ports.ts";
import { Postponed } from "./postponed.ts";
import { FiringRefused } from "./refuse-firing.ts";
import { type Resolution, resolveRun } from "./resolve-run.ts";

import { KeyUnavailable } from "./with-key.ts";

/** `id` names this delivery's message, so that its answer is told once. Throws FiringRefused for an unknown account. */
export async function answerOwner(request: OwnerRequest, id: string, deps: Deps): Promise<void> {
  const { account } = request;
  if (!deps.settings.accounts.some(({ name }) => name === account))
    throw new FiringRefused(`there is no account ${JSON.stringify(account)}`);
  try {
    await patiently(deps, () => answer(request, id, deps));
  } catch (error) {
    if (error instanceof FiringRefused || !(error instanceof Error)) throw error;
    // Asked again it may go well. Delivered again, it would hold up the account's firings for minutes.
    const { message } = error;
    await tell(deps, account, id, unansweredText(venueLabel(deps), request.kind, message));
  }
}

async function answer(request: OwnerRequest, id: string, deps: Deps): Promise<void> {
  const { account } = request;
  switch (request.kind) {
    case "check-key":
      if ((await checkKeyNow(deps, account, request.use)) !== undefined) return;
      throw new KeyUnavailable(`no ${request.use} key is set for account ${account}`);
    case "cancel":
      return tell(deps, account, id, cancelledText(venueLabel(deps), await cancelOurs(deps, account)));
    case "resolve": {
      const answer = await resolutionOf(account, request.run, deps);
      return tell(deps, account, id, resolutionText(venueLabel(deps), request.run, answer));
    }
  }
}

/** The owner waits for the answer: a key that rests is waited for, rather than the queue's two minutes. */
async function patiently(deps: Deps, work: () => Promise<void>): Promise<void> {
  const startedAt = deps.clock.monotonicMs();
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const isResting = error instanceof KeyUnavailable || error instanceof Postponed;
      const tookMs = deps.clock.monotonicMs() - startedAt;
      if (!isResting || tookMs + PAUSE_MS > PATIENCE_MS) throw error;
      await deps.clock.sleep(PAUSE_MS);
    }
  }
}

const PAUSE_MS = 5 * SECOND_MS;
/** Then at most 25 s for a key that another worker holds, and two looks at Kraken 15 s apart: together under a minute. */
const PATIENCE_MS = 15 * SECOND_MS;

async function resolutionOf(account: string, run: string, deps: Deps): Promise<string> {
  try {
    return answerText(await resolveRun(account, run, deps));
  } catch (error) {
    // A run that is over, or that never was: an answer, not a fault of the queue.
    if (error instanceof FiringRefused) return error.message;
    throw error;
  }
}

function answerText(outcome: Resolution): string {
  switch (outcome.is) {
    case "found":
      return `the order was found; the run ends as ${outcome.report.outcome}`;
    case "absent":
      return "two looks found no such order; its amount is free again";
    case "no-evidence":
      return `Kraken shows neither the order nor that there is none (${outcome.why}); nothing was changed`;
    case "not-quarantined":
      return `it is not in quarantine${outcome.state === undefined ? "" : `, its order is ${outcome.state}`}`;
  }
}

/** Into the outbox, which the sweep empties within a minute. */
async function tell(
  deps: Deps,
  account: string,
  id: string,
  text: { readonly subject: string; readonly text: string },
): Promise<void> {
  await deps.books.addMessage(account, { id: `asked#${id}`, at: deps.clock.now(), ...text });
}
