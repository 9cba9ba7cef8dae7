/** Of a deployment: whether it can be reached, whether it does its work, and what keeps it from buying. */
import { ListSubscriptionsByTopicCommand } from "@aws-sdk/client-sns";
import { GetQueueAttributesCommand } from "@aws-sdk/client-sqs";
import { armingHash } from "../../shared/app/ids.ts";
import type { Head, PlanState } from "../../shared/app/ports.ts";
import { accountNameOf } from "../../shared/domain/plan.ts";
import { slotsBetween } from "../../shared/domain/schedule.ts";
import { DAY_MS, type EpochMs, HOUR_MS, isoOf, later, MINUTE_MS } from "../../shared/domain/time.ts";
import { dayWindow, localText } from "../../shared/domain/zone.ts";
import { type Connected, explainAws } from "../deployment/connect.ts";
import { otherPlansText } from "../deployment/place.ts";
import type { OwnersDesk } from "../desk/owners-desk.ts";
import { bad, type Check, good, note, tried } from "./check.ts";
import { keyCheck, killCheck, modeCheck } from "./machine.ts";
import { dcaPlans } from "./plans.ts";

/** Told within a minute when all is well; the alarm rings after ten. */
const UNTOLD_MS_MAX = 10 * MINUTE_MS;
/** With `ifMissed: skip` a slot may be on its way for ten minutes; the sweep comes each minute. */
const LATE_MS = 10 * MINUTE_MS;
const SWEEP_MS = 3 * MINUTE_MS;

export async function checkDeployment(at: Connected, desk: OwnersDesk): Promise<readonly Check[]> {
  const { outputs, plans, deps } = at;
  const explained = (what: string, work: () => Promise<readonly Check[]>) =>
    tried(what, () =>
      work().catch((error: unknown) => {
        throw explainAws(error, outputs);
      }),
    );
  const other = otherPlansText(at);
  const checks: Check[] = [
    good("outputs", `deployment ${outputs.deployment} in ${outputs.region}`),
    other === undefined ? good("plans", "what is deployed is this plans file") : bad("plans", other),
    addressCheck(at),
  ];
  const table = await explained("table", async () => {
    await deps.books.head(plans.accounts[0]!);
    return [good("table", `${outputs.table} answers`)];
  });
  checks.push(...table, ...(await explained("queue", () => queueChecks(at))));
  // What else there is lies in the table: once is enough to say that it is not reached.
  if (table.some(({ state }) => state === "bad")) return checks;
  for (const account of plans.accounts) {
    checks.push(...(await explained("ledger", () => accountChecks(at, account))));
    checks.push(
      ...(await explained("trade key", async () => [
        keyCheck(await desk.checkKey(account, "trade", HOUR_MS), "tide keys set --aws takes one"),
      ])),
    );
  }
  checks.push(...(await explained("messages", () => messageChecks(at))));
  checks.push(...(await explained("mailboxes", () => mailChecks(at))));
  return checks;
}

function addressCheck({ outputs, plans }: Connected): Check {
  if (plans.egress === "none")
    return note("addresses", "egress none: no fixed address, so the API keys work from any");
  return outputs.addresses.length === 0
    ? bad("addresses", "the outputs name none; run npm run deploy")
    : good(
        "addresses",
        `${outputs.addresses.join(", ")}: these, and no others, belong to the API keys at Kraken`,
      );
}

async function queueChecks({ sqs, outputs }: Connected): Promise<readonly Check[]> {
  const countOf = async (QueueUrl: string) => {
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({
        QueueUrl,
        AttributeNames: ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
      }),
      { abortSignal: AbortSignal.timeout(10_000) },
    );
    return {
      waiting: Number(Attributes?.ApproximateNumberOfMessages ?? 0),
      inWork: Number(Attributes?.ApproximateNumberOfMessagesNotVisible ?? 0),
    };
  };
  const { waiting, inWork } = await countOf(outputs.dcaQueue);
  const asides = [outputs.dcaDeadLetters, outputs.lostFirings].filter((url) => url !== undefined);
  const counts = await Promise.all(asides.map(countOf));
  const count = counts.reduce((sum, dead) => sum + dead.waiting + dead.inWork, 0);
  return [
    good("queue", `answers; ${waiting} waiting, ${inWork} in work`),
    count === 0
      ? good("dead letters", "none")
      : bad(
          "dead letters",
          `${count} ${count === 1 ? "message was" : "messages were"} put aside; docs/runbook.md, "A firing was refused and put aside", says what to do`,
        ),
  ];
}

async function accountChecks({ deps, plans }: Connected, account: string): Promise<readonly Check[]> {
  const { settings } = plans;
  const [head, states] = await Promise.all([deps.books.head(account), deps.books.plans(account)]);
  const now = deps.clock.now();
  const armed =
    head.armed === undefined ? "no" : head.armed === armingHash({ settings }) ? "yes" : "other plans or caps";
  const of = plans.accounts.length === 1 ? "" : `${account}: `;
  const checks = [
    modeCheck({ mode: settings.mode, armed }, " --aws"),
    killCheck(head.killed, "tide resume --aws turns it off"),
    sweepCheck(head, states, now, settings.zone),
    ...dcaPlans(settings)
      .filter((plan) => accountNameOf(plan, settings.accounts) === account)
      .flatMap((plan) => {
        const state = states.find(({ id }) => id === plan.id);
        if (state === undefined)
          return [
            bad(
              "plan",
              `${plan.id} is not in the ledger: the sweep has not seen it; wait a minute after the deploy, then look at the sweep's alarm`,
            ),
          ];
        const withinMs = plan.ifMissed.is === "catch-up" ? plan.ifMissed.withinMs : LATE_MS;
        const until = later(now, -withinMs - SWEEP_MS);
        const [silent] = slotsBetween(plan.schedule, plan.zone, state.accountedTo, until, 1);
        return [
          ...(state.blocked === undefined
            ? []
            : [
                bad(
                  "plan",
                  `${plan.id} is on hold: ${state.blocked}; tide resume ${plan.id} --aws lets it go on`,
                ),
              ]),
          ...(state.paused
            ? [note("plan", `${plan.id} is paused; tide resume ${plan.id} --aws lets it go on`)]
            : []),
          silent === undefined
            ? good("slots", `${plan.id}: every slot is accounted for`)
            : bad(
                "slots",
                `${plan.id}: nothing is known of its slot ${localText(silent, plan.zone)}; look at the sweep's alarm`,
              ),
        ];
      }),
  ];
  return checks.map((check) => ({ ...check, text: `${of}${check.text}` }));
}

/** Three hours after midnight the sweep writes that it told of the day before: a sign of life for each day. */
function sweepCheck({ dailyTo }: Head, states: readonly PlanState[], now: EpochMs, zone: string): Check {
  const due = dayWindow(later(now, -3 * HOUR_MS - SWEEP_MS - DAY_MS), zone);
  if (dailyTo !== undefined && dailyTo >= due) return good("sweep", `has told of every day up to ${dailyTo}`);
  const since = Math.min(now, ...states.map(({ activeFrom }) => activeFrom)) as EpochMs;
  const mend = "look at the sweep's alarm on the dashboard";
  if (dailyTo !== undefined) return bad("sweep", `has told of no day after ${dailyTo}; ${mend}`);
  return now - since < SWEEP_MS
    ? note("sweep", "has not run yet: it runs each minute after the deploy")
    : bad("sweep", `has left no sign of life since ${isoOf(since)}; ${mend}`);
}

/** A topic publishes happily to nobody: only here does it show that a mail was never confirmed, or ended by a link in it. */
async function mailChecks({ sns, outputs, plans }: Connected): Promise<readonly Check[]> {
  if (plans.emails.length === 0)
    return [note("mailboxes", "notify names nobody: messages and alarms go to topics that nobody reads")];
  const missing: string[] = [];
  for (const TopicArn of outputs.topics) {
    const { Subscriptions = [] } = await sns.send(new ListSubscriptionsByTopicCommand({ TopicArn }));
    const confirmed = new Set(
      Subscriptions.filter(({ SubscriptionArn = "" }) => SubscriptionArn.startsWith("arn:")).map(
        ({ Endpoint }) => Endpoint,
      ),
    );
    for (const email of plans.emails)
      if (!confirmed.has(email)) missing.push(`${email} on ${TopicArn.split(":").at(-1)}`);
  }
  return [
    missing.length === 0
      ? good("mailboxes", `${plans.emails.join(", ")} hear messages and alarms`)
      : bad(
          "mailboxes",
          `not confirmed: ${missing.join("; ")}; each has an e-mail of AWS with a link, docs/runbook.md, "Messages cannot be delivered", says what to do without it`,
        ),
  ];
}

async function messageChecks({ deps }: Connected): Promise<readonly Check[]> {
  const now = deps.clock.now();
  const untold = (await deps.books.unsentMessages(now)).filter(
    ({ message }) => now - message.at > UNTOLD_MS_MAX,
  );
  const { intents } = await deps.books.openWork(now);
  const doubtful = intents.filter(({ intent }) => intent.state === "SUBMITTING");
  return [
    untold.length === 0
      ? good("messages", "all are told")
      : bad(
          "messages",
          `${untold.length} are older than ten minutes and not told; look at the sweep's alarm and at the topic's subscriptions`,
        ),
    ...doubtful.map(({ intent }) =>
      note("orders", `${intent.run}: an order is in doubt and looked for; tide why ${intent.run} --aws`),
    ),
  ];
}
