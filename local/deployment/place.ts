/**
 * The owner's verbs on a deployment: the ledger is read and written here, and whatever needs Kraken is asked of the functions
 * through their queue. An answer is waited for in the table, as long as it is worth waiting for.
 */
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
} from "@aws-sdk/client-secrets-manager";
import type { KeyCheck } from "../../shared/app/ports.ts";
import { secretText } from "../../shared/aws/secrets.ts";
import { SECRETS_IN_TEMPLATE_MAX } from "../../shared/config/deployment.ts";
import { secretName } from "../../shared/config/names.ts";
import type { KeyUseKind } from "../../shared/domain/key-check.ts";
import { runIdOf } from "../../shared/domain/run.ts";
import { DeskError, DeskRefusal, DeskSilence, DeskUncertain } from "../desk/errors.ts";
import type { DeploymentView, WhyView } from "../desk/views.ts";
import type { GivenKey, Workplace } from "../desk/workplace.ts";
import { type Connected, explainAws, plansState } from "./connect.ts";
import { PATIENCE, type Patience, Requests } from "./requests.ts";

/** A secret may be read a moment late: the functions are asked again when they judged the key before. */
const ASKED_TIMES_MAX = 3;

export function deployedPlace(
  at: Connected,
  tell: (text: string) => void,
  patience: Patience = PATIENCE,
): Workplace {
  const { deps, outputs } = at;
  const requests = new Requests(at, patience, tell);
  const silence = silenceText(at);

  /** The verdict on this very version of the secret, given after now. */
  async function verdictOn(account: string, use: KeyUseKind, version: string): Promise<KeyCheck> {
    let known = await deps.books.keyCheck(account, use);
    let id = await requests.ask({ kind: "check-key", account, use });
    tell(`asked the functions to check the ${use} key of ${account}`);
    let asked = 1;
    const verdict = await requests.wait(`the verdict on the ${use} key`, patience.answerMs, async () => {
      const check = await deps.books.keyCheck(account, use);
      if (check === undefined || check.checkedAt === known?.checkedAt) {
        const unanswered = await requests.answer(account, id);
        if (unanswered !== undefined) throw new DeskSilence(unanswered.text);
        return undefined;
      }
      if (check.secretVersion === version) return check;
      known = check;
      if (asked < ASKED_TIMES_MAX) {
        asked++;
        id = await requests.ask({ kind: "check-key", account, use });
      }
      return undefined;
    });
    if (verdict !== undefined) return verdict;
    throw new DeskSilence(
      `no verdict on the ${use} key of ${account} came in ${patience.answerMs / 1000} s. The key stays stored, and nothing is ordered without a good verdict. ${silence}`,
    );
  }

  return {
    deps,
    exchange: `Kraken, from AWS ${outputs.region}`,
    deployment: deploymentView(at),

    async fire(firing, look) {
      needDeployedPlans(at);
      const run = runIdOf(firing);
      const id = await requests.send(firing.account, firing, `${run}#${deps.chance.id()}`);
      tell(`sent ${run} to the functions`);
      const until = deps.clock.now() + patience.runMs;
      let latest: WhyView | undefined;
      const over = await requests.wait(`the end of ${run}`, patience.runMs, async () => {
        latest = await look();
        if (latest === undefined) await requests.answer(firing.account, id);
        return latest !== undefined && isAtRest(latest, until) ? latest : undefined;
      });
      const view = over ?? latest;
      if (view !== undefined) return view;
      throw new DeskUncertain(
        `${run} was sent, and after ${patience.runMs / 1000} s the ledger shows nothing of it: it waits in the queue and may still be bought. ${silence}`,
      );
    },

    async cancel() {
      const asked: string[] = [];
      const notAsked: { account: string; why: string }[] = [];
      for (const { name: account } of deps.settings.accounts) {
        try {
          await requests.ask({ kind: "cancel", account });
          asked.push(account);
        } catch (error) {
          notAsked.push({ account, why: (explainAws(error, outputs) as Error).message });
        }
      }
      return { cancelled: [], remaining: [], foreign: [], asked, notAsked };
    },

    async resolve(account, run) {
      const id = await requests.ask({ kind: "resolve", account, run });
      tell(`asked the functions to look for the order of ${run}`);
      const answer = await requests.wait("the answer", patience.answerMs, () => requests.answer(account, id));
      if (answer === undefined) {
        throw new DeskSilence(
          `no answer about ${run} came in ${patience.answerMs / 1000} s; when it comes, it comes as a message. ${silence}`,
        );
      }
      const now = await deps.books.run(account, run);
      if (now?.intent?.state === "QUARANTINED") throw new DeskRefusal(answer.text);
      tell(answer.text);
    },

    async setKey(account, use, key) {
      const version = await storeKey(at, account, use, key);
      tell(`stored the ${use} key of ${account} in Secrets Manager`);
      return verdictOn(account, use, version);
    },

    async checkKey(account, use, ageMsMax) {
      const version = await keyVersion(at, account, use);
      if (version === undefined) return undefined;
      const known = await deps.books.keyCheck(account, use);
      const isGood =
        known !== undefined &&
        known.secretVersion === version &&
        known.problems.length === 0 &&
        deps.clock.now() - known.checkedAt < (ageMsMax ?? 0);
      return isGood ? known : verdictOn(account, use, version);
    },
  };
}

/** Over, or put off for longer than it is waited for here, or up to a person. */
function isAtRest({ closedAt, dueAt, orders: [order] }: WhyView, until: number): boolean {
  if (closedAt !== null || order?.state === "QUARANTINED") return true;
  return order === undefined && dueAt !== null && Date.parse(dueAt) > until;
}

/** Throws DeskRefusal: what would be spent is not what was read here. */
export function needDeployedPlans(at: Pick<Connected, "outputs" | "plans" | "plansFile">): void {
  const text = otherPlansText(at);
  if (text !== undefined) throw new DeskRefusal(text);
}

/** Undefined when the functions carry the plans that were read here. */
export function otherPlansText(at: Pick<Connected, "outputs" | "plans" | "plansFile">): string | undefined {
  switch (plansState(at)) {
    case "deployed":
      return undefined;
    case "other":
      return `${at.plansFile} is not what was deployed: the functions work with other plans or caps; npm run deploy brings them up to it`;
    case "not known":
      return `whether ${at.plansFile} is what was deployed is not known: the outputs have no hash of it; npm run deploy writes it`;
  }
}

const deploymentView = (at: Connected): DeploymentView => ({
  name: at.outputs.deployment,
  region: at.outputs.region,
  addresses: at.plans.egress === "none" ? [] : at.outputs.addresses,
  keyName: at.outputs.keyName,
  egress: at.plans.egress,
  dashboard: at.outputs.dashboard ?? null,
  plans: plansState(at),
});

/** What to look at when the functions do not answer. */
function silenceText({ outputs, plans }: Connected): string {
  const nat =
    plans.egress === "none" ? "" : `the ${plans.egress === "nat-gateway" ? "NAT gateway" : "NAT instance"}, `;
  const where = outputs.dashboard === undefined ? "" : ` (${outputs.dashboard})`;
  const articles = `"A function fails"${nat === "" ? "" : ', "The NAT is down"'}`;
  return `Look at the alarms of the dca function, ${nat}and its dead-letter queue${where}; tide doctor --aws says what is wrong, docs/runbook.md what to do (${articles})`;
}

/** The version that the functions would use now; undefined when there is none. The value itself is never read here. */
export async function keyVersion(
  { secrets }: Pick<Connected, "secrets">,
  account: string,
  use: KeyUseKind,
): Promise<string | undefined> {
  try {
    const { VersionIdsToStages } = await secrets.send(
      new DescribeSecretCommand({ SecretId: secretName(account, use) }),
    );
    const staged = Object.entries(VersionIdsToStages ?? {});
    return staged.find(([, stages]) => stages.includes("AWSCURRENT"))?.[0];
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
}

/** Answers the version that was made of it. */
async function storeKey(at: Connected, account: string, use: KeyUseKind, key: GivenKey): Promise<string> {
  const name = secretName(account, use);
  const SecretString = secretText(key.apiKey, key.privateKey);
  try {
    const { VersionId } = await at.secrets.send(new PutSecretValueCommand({ SecretId: name, SecretString }));
    return VersionId!;
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
  }
  // With that many accounts the State stack makes no secrets.
  if (at.plans.accounts.length > SECRETS_IN_TEMPLATE_MAX) {
    const { VersionId } = await at.secrets.send(new CreateSecretCommand({ Name: name, SecretString }));
    return VersionId!;
  }
  throw new DeskError(
    `the secret ${name} is not there: account ${account} was not deployed; run npm run deploy, then tide keys set --aws again`,
  );
}
