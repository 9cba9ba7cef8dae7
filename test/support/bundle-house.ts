/** The built bundles against the embedded AWS and Kraken over loopback HTTP, in real time: as near to AWS as a desk gets. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ListSchedulesCommand } from "@aws-sdk/client-scheduler";
import { ReceiveMessageCommand } from "@aws-sdk/client-sqs";
import type { SQSEvent } from "aws-lambda";
import { systemChance, systemClock } from "../../functions/wire.ts";
import type { FunctionName } from "../../infra/bundle.ts";
import { storeKey } from "../../local/machine/provision.ts";
import { ledgerBooks } from "../../shared/aws/ledger-books.ts";
import { DEFAULT_NAMES, ENVIRONMENT } from "../../shared/config/names.ts";
import { SETTINGS_FILE } from "../../shared/config/settings-file.ts";
import type { Settings } from "../../shared/domain/plan.ts";
import { type EpochMs, epochMs } from "../../shared/domain/time.ts";
import type { Variables } from "./bundle-environment.ts";
import { type Invoked, invoke } from "./bundle-process.ts";
import { openEndpoints } from "./embedded-aws.ts";
import { controlOf } from "./machine-process.ts";

const FIXTURES = join(import.meta.dirname, "../fixtures/aws");
/** See test/fixtures/aws/README.md for where their shapes come from. */
export const RECORDED: SQSEvent = JSON.parse(readFileSync(join(FIXTURES, "sqs-fifo-firing.json"), "utf8"));
export const SCHEDULER_CALL: unknown = JSON.parse(
  readFileSync(join(FIXTURES, "scheduler-call.json"), "utf8"),
);

/** The recorded firing with another body; `delivery` counts from 1, as SQS does. */
export function delivered(body: unknown, delivery = 1): SQSEvent {
  const [record] = RECORDED.Records;
  const attributes = { ...record!.attributes, ApproximateReceiveCount: String(delivery) };
  return {
    Records: [{ ...record!, body: typeof body === "string" ? body : JSON.stringify(body), attributes }],
  };
}

export type BundleHouse = Awaited<ReturnType<typeof openBundleHouse>>;

export type Built = {
  readonly settings: Settings;
  folderOf(name: FunctionName): string;
  variablesOf(name: FunctionName): Variables | undefined;
};

export async function openBundleHouse({ settings, folderOf, variablesOf }: Built) {
  const endpoints = await openEndpoints();
  const { cloud, sandbox, control, made, dynamo, sqs, scheduler, secrets, places } = endpoints;
  const books = ledgerBooks({
    client: dynamo,
    table: DEFAULT_NAMES.table,
    clock: systemClock,
    chance: systemChance,
  });
  const key = sandbox.keys.find(({ name }) => name === "tidekeeper-sandbox-trade")!;
  /** Everything that any function printed. */
  let said = "";

  const values: Readonly<Record<string, string>> = {
    ...endpoints.values,
    [ENVIRONMENT.deployment]: "4f1c2d3e",
    [ENVIRONMENT.addresses]: "127.0.0.1",
  };

  const environmentOf = (name: FunctionName): Record<string, string> => {
    const env: Record<string, string> = {};
    for (const [variable, value] of Object.entries(variablesOf(name) ?? {})) {
      const given = value ?? values[variable];
      if (given === undefined)
        throw new Error(`the template gives ${name} ${variable}, nothing is known for it here`);
      env[variable] = given;
    }
    return { ...env, [ENVIRONMENT.plans]: join(folderOf(name), SETTINGS_FILE), ...places };
  };

  return {
    key,
    books,
    cloud,
    said: () => said,
    /** In a new container. */
    async invoke(name: FunctionName, event: unknown, killAfter?: RegExp): Promise<Invoked> {
      const invoked = await invoke(folderOf(name), environmentOf(name), event, killAfter);
      said += invoked.stdout + invoked.stderr;
      return invoked;
    },
    storeKey: (used: { readonly key: string; readonly secret: string } = key) =>
      storeKey(secrets, "main", "trade", { apiKey: used.key, privateKey: used.secret }),
    orders: () => sandbox.orders(),
    arm: (faults: readonly object[]) => controlOf(control, "POST", "/faults", faults),
    run: (id: string) => books.run("main", id),
    /** As if the sweep had first seen the plan then. */
    async registerPlan(id: string, since: EpochMs) {
      const { schedule, zone } = settings.plans.find((plan) => plan.id === id)!;
      await books.registerPlan("main", id, { schedule: schedule!, zone }, epochMs(since));
    },
    async inQueue(which: "firings" | "dead letters"): Promise<readonly unknown[]> {
      const QueueUrl = which === "firings" ? made.queueUrl : made.deadUrl;
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }),
      );
      return Messages.map(({ Body }) => JSON.parse(Body!) as unknown);
    },
    async schedules(): Promise<readonly string[]> {
      const GroupName = DEFAULT_NAMES.scheduleGroup;
      const { Schedules = [] } = await scheduler.send(new ListSchedulesCommand({ GroupName }));
      return Schedules.map(({ Name }) => Name!);
    },
    close: () => endpoints.close(),
  };
}
