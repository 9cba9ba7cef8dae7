/** The synthesis as its owner meets it: every example in every mode, no finding, and mistakes before anything is made. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App, CfnResource } from "aws-cdk-lib";
import { Peer, Port } from "aws-cdk-lib/aws-ec2";
import { afterAll, describe, expect, test } from "vitest";
import { ACKNOWLEDGED } from "../../infra/acknowledged.ts";
import { readChoices, readPlans, SettingsError } from "../../infra/settings.ts";
import { epochMs, later } from "../../shared/domain/time.ts";
import { EGRESSES, EXAMPLES, example, withAccounts, withEgress, withPlans } from "../support/examples.ts";
import { policyLength, synthesized } from "../support/synthesized.ts";

const saver = example("saver.yaml");

describe("the rules", () => {
  test.each(EXAMPLES.flatMap((name) => EGRESSES.map((egress) => [name, egress] as const)))(
    "%s with egress %s: each property is one that CloudFormation knows, and no rule finds what is not acknowledged",
    (name, egress) => {
      expect(synthesized(withEgress(example(name), egress)).findings).toEqual([]);
    },
  );

  test("a property that no resource has is found", () => {
    const { findings } = synthesized(saver, {
      spoil: ({ state }) =>
        new CfnResource(state, "Wrong", { type: "AWS::SQS::Queue", properties: { FifoQueues: true } }),
    });
    expect(findings).toEqual([expect.stringContaining("TidekeeperState/Wrong")]);
  });

  test("a port that is opened to the world is found", () => {
    const { findings } = synthesized(saver, {
      spoil: ({ network }) => network.functions.addIngressRule(Peer.anyIpv4(), Port.tcp(22)),
    });
    expect(findings.join()).toContain("AwsSolutions-EC23");
  });

  test("each acknowledgement is still needed, and has a reason", () => {
    const many = withAccounts(withPlans(saver, 301), 13);
    const { findings } = synthesized(many, { acknowledgeNothing: true });
    for (const { rule, path, reason } of ACKNOWLEDGED) {
      const needed = findings.some(
        (finding) => finding.startsWith(`${rule} at`) && path.test(/ at ([^:]+):/.exec(finding)?.[1] ?? ""),
      );
      expect(needed, rule).toBe(true);
      expect(reason.length).toBeGreaterThan(30);
    }
  });
});

describe("many accounts and plans", () => {
  test.each([
    [1, 300],
    [12, 3],
    [13, 3],
    [50, 3],
    [51, 300],
  ])("%i accounts with %i plans: no finding, and each policy is one that AWS takes", (accounts, plans) => {
    const { automation, network, findings } = synthesized(
      withAccounts(withPlans(saver, plans - 3), accounts),
    );
    expect(findings).toEqual([]);
    for (const template of [automation, network]) {
      const inline = new Map<string, number>();
      for (const { Properties } of template.ofType("AWS::IAM::Policy"))
        for (const role of Properties.Roles as unknown[])
          inline.set(
            JSON.stringify(role),
            (inline.get(JSON.stringify(role)) ?? 0) + policyLength(Properties.PolicyDocument),
          );
      for (const [role, length] of inline) expect(length, role).toBeLessThanOrEqual(10_240);
      for (const { id, Properties } of template.ofType("AWS::IAM::ManagedPolicy"))
        expect(policyLength(Properties.PolicyDocument), id).toBeLessThanOrEqual(6_144);
    }
  });
});

describe("infra/app.ts", () => {
  const folder = mkdtempSync(join(tmpdir(), "tidekeeper-app-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "tide.yaml");
  const nodeOf = (context: Record<string, unknown>) => new App({ autoSynth: false, context }).node;
  const run = (plans: string, context: Record<string, unknown> = {}) => {
    const outdir = join(folder, "out");
    rmSync(outdir, { recursive: true, force: true });
    writeFileSync(file, plans);
    const { status, stderr } = spawnSync(process.execPath, ["infra/app.ts"], {
      cwd: join(import.meta.dirname, "../.."),
      env: {
        ...process.env,
        CDK_OUTDIR: outdir,
        CDK_CONTEXT_JSON: JSON.stringify({ plans: file, ...context }),
      },
      encoding: "utf8",
    });
    return { status, stderr, isMade: existsSync(join(outdir, "manifest.json")) };
  };

  test("a mistake is told in its own words, with exit code 2, and nothing is made", () => {
    const { status, stderr, isMade } = run(saver.replace("egress: nat-instance", "egress: vpn"));
    expect({ status, isMade }).toEqual({ status: 2, isMade: false });
    expect(stderr).toMatch(/tide\.yaml:\d+:\d+ {2}egress: .*"vpn".*nat-gateway/);
    expect(stderr).not.toContain("    at ");
  });

  test("a plan whose firings are all over is a mistake, unless the stacks are taken away", () => {
    const past = saver.replace("every: monday 08:00", "every: cron(0 8 ? * MON 2020)");
    const { status, stderr, isMade } = run(past);
    expect({ status, isMade }).toEqual({ status: 2, isMade: false });
    expect(stderr).toMatch(/tide\.yaml:\d+:\d+ {2}plans\[0\]\.every: .*all firings of btc-weekly are over/);
    const before = epochMs(Date.UTC(2020, 11, 28, 6, 59)); // The last Monday of that year, 07:59 in Berlin
    const node = nodeOf({ plans: file });
    expect(readPlans(node, before).schedules).toHaveLength(3);
    expect(() => readPlans(node, later(before, 60_000))).toThrow(/btc-weekly are over/);
    const takenAway = nodeOf({ plans: file, "tidekeeper:takenAway": "true" });
    expect(readPlans(takenAway, later(before, 60_000)).schedules).toHaveLength(3);
  });

  test.each([
    [
      "a schedule that can never fire",
      saver.replace("every: monday 08:00", "every: cron(0 8 30 2 ? *)"),
      /no calendar has this day/,
    ],
    ["two plans of one id", saver.replace("id: eth-payday", "id: btc-weekly"), /another id/],
    [
      "no egress, and no word that it is wanted",
      saver.replace("egress: nat-instance", "egress: none"),
      /acceptOpenAllowList: true/,
    ],
    [
      "a plan of an account that there is not",
      saver.replace("- id: btc-weekly", "- id: btc-weekly\n    account: mine"),
      /one of the accounts main/,
    ],
  ])("%s is told with its line", (_, plans, said) => {
    writeFileSync(file, plans);
    expect(() => readPlans(nodeOf({ plans: file }))).toThrow(SettingsError);
    expect(() => readPlans(nodeOf({ plans: file }))).toThrow(said);
    expect(() => readPlans(nodeOf({ plans: file }))).toThrow(/tide\.yaml:\d+:\d+/);
  });

  test.each([
    [{ "tidekeeper:natZones": 3 }, /natZones was 3, expected 1 or 2/],
    [{ "tidekeeper:natInstanceImage": "my-image" }, /natInstanceImage was "my-image", expected an ami-/],
    [{ "tidekeeper:budgetUsd": "a lot" }, /budgetUsd was "a lot", expected whole dollars/],
    [{ "tidekeeper:table": "no table" }, /table was "no table", expected the name of a table/],
    [{ "tidekeeper:runbook": "" }, /runbook was "", expected the address/],
  ])("a context of %o is told", (context, said) => {
    expect(() => readChoices(nodeOf(context))).toThrow(said);
  });

  test("a plans file that is not there is told", () => {
    expect(() => readPlans(nodeOf({ plans: "/nowhere/tide.yaml" }))).toThrow(
      /plans file \/nowhere\/tide\.yaml cannot be read/,
    );
  });

  test("a zone with a firing in the skipped hour is warned about, and made all the same", () => {
    const { status, stderr, isMade } = run(saver.replace("every: monday 08:00", "every: sunday 02:30"));
    expect({ status, isMade }).toEqual({ status: 0, isMade: true });
    expect(stderr).toMatch(/tide\.yaml:\d+:\d+: sunday 02:30 does not exist in Europe\/Berlin/);
  });
});
