/** What a deploy warns about before it begins, and what it names when it is over. */
import { expect, test } from "vitest";
import type { CdkChoices } from "../../local/deployment/cdk.ts";
import { deployedText } from "../../local/deployment/deploy-text.ts";
import { deployView } from "../../local/deployment/deploy-view.ts";
import type { Outputs } from "../../local/deployment/outputs.ts";
import { CHOICES_DEFAULT } from "../../shared/config/deployment.ts";
import { epochMs } from "../../shared/domain/time.ts";
import { example, withEgress } from "../support/examples.ts";
import { settingsIn } from "../support/house.ts";

const throughGateway = settingsIn(withEgress(example("saver.yaml"), "nat-gateway"));
const warningsOf = (choices: Partial<CdkChoices> = {}, table?: string, settings = throughGateway) =>
  deployView({
    plansFile: "tide.yaml",
    settings,
    warnings: [],
    outputs: table === undefined ? undefined : ({ table, region: "us-east-1" } as Outputs),
    notKnown: undefined,
    env: { AWS_REGION: "us-east-1" },
    choices: { ...CHOICES_DEFAULT, ...choices },
    now: epochMs(Date.UTC(2026, 10, 26)),
  }).warnings;

test("a bill above the budget, with what to write", () => {
  expect(warningsOf().join()).not.toContain("budget");
  const [told] = warningsOf({ natZones: 2 }).filter((text) => text.includes("budget"));
  const [, least] = /than the budget of 60 USD .*"tidekeeper:budgetUsd" with at least (\d+) /.exec(told!)!;
  expect(warningsOf({ natZones: 2, budgetUsd: Number(least) }).join()).not.toContain("budget");
  expect(warningsOf({ natZones: 2, budgetUsd: Number(least) - 1 }).join()).toContain("budget");
  expect(warningsOf({ natZones: 2, budgetUsd: 0 }).join()).not.toContain("budget");
});

test("another table as the ledger, on the way to a restored one and back", () => {
  const own = "TidekeeperState-LedgerB7379752-1ABCDEFGHIJKL";
  const told = (table: string | undefined, restored: string) =>
    warningsOf({ table: restored }, table).find((text) => text.includes("ledger"));
  expect(told(own, "ledger-2")).toContain(`is the table ${own} and becomes ledger-2, with`);
  expect(told("ledger-2", "")).toContain("is the table ledger-2 and becomes the stack's own, with");
  for (const [table, restored] of [
    [own, ""],
    ["ledger-2", "ledger-2"],
    [undefined, ""],
  ] as const)
    expect(told(table, restored)).toBeUndefined();
});

test("an image of the NAT instance that is another one tomorrow, with the command that gives today's", () => {
  const throughInstance = settingsIn(withEgress(example("saver.yaml"), "nat-instance"));
  const told = (natInstanceImage: string, settings = throughInstance) =>
    warningsOf({ natInstanceImage }, undefined, settings).find((text) => text.includes("NAT instance"));
  expect(told(CHOICES_DEFAULT.natInstanceImage)).toMatch(
    /"tidekeeper:natInstanceImage" .*: aws ssm get-parameter --name \/aws\/service\/ami-amazon-linux-latest\/\S+ --query Parameter\.Value --output text --region us-east-1$/,
  );
  expect(told("ami-0123456789abcdef0")).toBeUndefined();
  expect(told(CHOICES_DEFAULT.natInstanceImage, throughGateway)).toBeUndefined();
});

test("after a deploy each next step is named in its order, with all that belongs to the key", () => {
  const deployed = {
    name: "ab12",
    region: "eu-west-1",
    dashboard: undefined,
    keyName: "tidekeeper-ab12-trade",
    addresses: ["203.0.113.7"],
    emails: ["o@example.org"],
    withoutKey: ["main", "savings"],
    plan: "btc-nightly",
    isLive: false,
  };
  const text = deployedText(deployed);
  const steps = [...text.matchAll(/^\d\. (.*)$/gm)].map(([, step]) => step);
  expect(steps).toEqual([
    "Confirm all three e-mails that AWS sent to o@example.org: one for messages, two for alarms. What is not confirmed does not arrive.",
    "Make an API key for main, savings.",
    "npm run tide -- keys set --aws --account NAME",
    "npm run tide -- doctor --aws",
    "npm run tide -- buy btc-nightly --aws",
    "When you want it to buy: mode: live in the plans file, npm run deploy, npm run tide -- arm --aws",
  ]);
  expect(text).toMatch(/Key name +tidekeeper-ab12-trade\n/);
  expect(text).toMatch(/IP address restriction +on: 203\.0\.113\.7\n/);
  expect(deployedText({ ...deployed, addresses: [] })).toContain("cannot be used: with egress none");
});
