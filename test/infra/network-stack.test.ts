/** The way to Kraken in each egress mode. */
import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { natScript } from "../../infra/parts/nat-script.ts";
import { EGRESSES, example, withEgress } from "../support/examples.ts";
import { type StackTemplate, synthesized } from "../support/synthesized.ts";

const saver = example("saver.yaml");
const modes = Object.fromEntries(
  EGRESSES.map((egress) => [egress, synthesized(withEgress(saver, egress))]),
) as Record<(typeof EGRESSES)[number], ReturnType<typeof synthesized>>;
const toInternet = ({ network }: { network: StackTemplate }) =>
  network.ofType("AWS::EC2::Route").filter(({ id }) => id.startsWith("ToInternet"));
const importsOf = (value: unknown) =>
  [...JSON.stringify(value).matchAll(/"Fn::ImportValue":"([^"]+)"/g)].map(([, name]) => name!);

describe("in every mode", () => {
  test("the subnets are the same, so that no function moves when the egress changes", () => {
    const subnets = (mode: (typeof EGRESSES)[number]) =>
      modes[mode].network.ofType("AWS::EC2::Subnet").map(({ id, Properties }) => ({ id, Properties }));
    expect(subnets("nat-instance")).toHaveLength(4);
    for (const egress of EGRESSES) expect(subnets(egress)).toEqual(subnets("nat-instance"));
  });

  test("the ledger is reached without the NAT, by AWS's free endpoints", () => {
    for (const egress of EGRESSES)
      expect(
        modes[egress].network
          .ofType("AWS::EC2::VPCEndpoint")
          .map(({ Properties }) => Properties.VpcEndpointType),
      ).toEqual(["Gateway", "Gateway"]);
  });

  test("no export that another stack holds comes or goes with the egress: a change deploys in one go", () => {
    const exported = (mode: (typeof EGRESSES)[number]) =>
      Object.values(modes[mode].network.outputs).flatMap(({ Export }) =>
        Export === undefined ? [] : [JSON.stringify(Export.Name)],
      );
    for (const egress of EGRESSES) expect(exported(egress).sort()).toEqual(exported("none").sort());
    for (const egress of EGRESSES) {
      const held = importsOf(modes[egress].automation.resources).filter((name) =>
        name.startsWith("TidekeeperNetwork"),
      );
      for (const name of held) expect(exported("none")).toContain(JSON.stringify(name));
    }
  });

  test("functions may go out to HTTPS and take nothing in", () => {
    for (const egress of EGRESSES) {
      const group = modes[egress].network.resources.find(({ id }) => id.startsWith("Functions"))!;
      expect(group.Properties.SecurityGroupIngress).toBeUndefined();
      expect(group.Properties.SecurityGroupEgress).toEqual([
        expect.objectContaining({ IpProtocol: "tcp", FromPort: 443, ToPort: 443, CidrIp: "0.0.0.0/0" }),
      ]);
    }
  });

  test("what is not deployed costs nothing", () => {
    expect(modes.none.network.ofType("AWS::EC2::NatGateway")).toEqual([]);
    expect(modes.none.network.ofType("AWS::AutoScaling::AutoScalingGroup")).toEqual([]);
    expect(toInternet(modes.none)).toEqual([]);
    expect(modes["nat-instance"].network.ofType("AWS::EC2::NatGateway")).toEqual([]);
    expect(modes["nat-gateway"].network.ofType("AWS::EC2::LaunchTemplate")).toEqual([]);
  });
});

test("the first step of a change lets go of the address: nothing holds it, and the subnets stay", () => {
  const off = synthesized(withEgress(saver, "nat-gateway"), { choices: { egressOff: true } }).network;
  expect(off.ofType("AWS::EC2::NatGateway")).toEqual([]);
  expect(off.resources.map(({ id }) => id)).toEqual(modes.none.network.resources.map(({ id }) => id));
  expect(off.outputs.Egress!.Value).toBe("nat-gateway");
});

describe("NAT gateways", () => {
  test("one has the address that Kraken knows, and both zones go through it", () => {
    const { network } = modes["nat-gateway"];
    const [gateway, ...others] = network.ofType("AWS::EC2::NatGateway");
    expect(others).toEqual([]);
    expect(importsOf(gateway!.Properties.AllocationId)).toEqual([
      expect.stringContaining("Address0AllocationId"),
    ]);
    expect(toInternet(modes["nat-gateway"]).map(({ Properties }) => Properties.NatGatewayId)).toEqual([
      { Ref: gateway!.id },
      { Ref: gateway!.id },
    ]);
  });

  test("two zones have one each, with an address each", () => {
    const two = synthesized(withEgress(saver, "nat-gateway"), { choices: { natZones: 2 } });
    const gateways = two.network.ofType("AWS::EC2::NatGateway");
    expect(
      gateways.map(({ Properties }) => importsOf(Properties.AllocationId)[0]!.match(/Address\d/)![0]),
    ).toEqual(["Address0", "Address1"]);
    expect(toInternet(two).map(({ Properties }) => Properties.NatGatewayId)).toEqual(
      gateways.map(({ id }) => ({ Ref: id })),
    );
  });
});

describe("the NAT instance", () => {
  const { network } = modes["nat-instance"];
  const group = network.ofType("AWS::AutoScaling::AutoScalingGroup")[0]!;
  const template = network.ofType("AWS::EC2::LaunchTemplate")[0]!;
  const script = JSON.stringify(template.Properties);

  test("stands in a group of one, which makes another when it dies, and which no deployment replaces", () => {
    expect(group.Properties).toMatchObject({ MinSize: "1", MaxSize: "1", DesiredCapacity: "1" });
    expect(group.Properties.VPCZoneIdentifier).toHaveLength(1);
    expect(group).not.toHaveProperty("UpdatePolicy");
    expect(group).toHaveProperty("CreationPolicy", { ResourceSignal: { Count: 1, Timeout: "PT10M" } });
  });

  test("the routes keep the names they have with gateways, so that CloudFormation turns them over in place", () => {
    expect(toInternet(modes["nat-instance"]).map(({ id }) => id)).toEqual(
      toInternet(modes["nat-gateway"]).map(({ id }) => id),
    );
    for (const { Properties } of toInternet(modes["nat-instance"]))
      expect(Properties.NetworkInterfaceId).toEqual({ Ref: expect.stringContaining("Parked") });
    // It takes the routes when it starts: they must be there before.
    for (const { id } of toInternet(modes["nat-instance"])) expect(group.DependsOn).toContain(id);
  });

  test("takes the address, forwards, takes the routes, and says so, in that order", () => {
    const steps = [
      "swapon /swap",
      "dnf -q -y install iptables-nft",
      "net.ipv4.ip_forward=1",
      "-j MASQUERADE",
      "--no-source-dest-check",
      "aws ec2 associate-address --allocation-id ",
      "aws ec2 replace-route --route-table-id ",
      "signal SUCCESS",
    ];
    const places = steps.map((step) => script.indexOf(step));
    expect(places).not.toContain(-1);
    expect([...places].sort((a, b) => a - b)).toEqual(places);
    expect(script).toContain("--logical-resource-id NatInstanceGroup");
    expect(group.id).toBe("NatInstanceGroup");
  });

  test("its script is one that bash can read, with every value filled in", () => {
    const text = natScript({
      region: "eu-central-1",
      stack: "TidekeeperNetwork",
      group: "NatInstanceGroup",
      allocation: "eipalloc-1",
      inside: "10.42.0.0/20",
      routeTables: ["rtb-1", "rtb-2"],
    });
    const { status, stderr } = spawnSync("bash", ["-n"], { input: text, encoding: "utf8" });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(text).not.toMatch(/undefined|\$\{props/);
    expect(text).toContain("for table in rtb-1 rtb-2; do");
  });

  test("asks for its metadata with a token, has an encrypted disk, and opens no port to the world", () => {
    expect(template.Properties).toMatchObject({
      LaunchTemplateData: {
        MetadataOptions: { HttpTokens: "required" },
        InstanceType: "t4g.nano",
        BlockDeviceMappings: [{ Ebs: { Encrypted: true, VolumeSize: 8, VolumeType: "gp3" } }],
        NetworkInterfaces: [{ AssociatePublicIpAddress: true, DeviceIndex: 0 }],
      },
    });
    const inside = network.resources.find(({ id }) => id.startsWith("NatInstanceInside"))!;
    expect(inside.Properties.SecurityGroupIngress).toEqual([
      expect.objectContaining({ CidrIp: "10.42.0.0/20", FromPort: 443, ToPort: 443, IpProtocol: "tcp" }),
    ]);
  });

  test("its image is fixed by the settings: an AMI as it is, an SSM name looked up only when a machine starts", () => {
    expect(script).toContain(
      "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
    );
    const fixed = synthesized(saver, { choices: { natInstanceImage: "ami-0123456789abcdef0" } });
    expect(fixed.network.ofType("AWS::EC2::LaunchTemplate")[0]!.Properties).toMatchObject({
      LaunchTemplateData: { ImageId: "ami-0123456789abcdef0" },
    });
    // No parameter that CloudFormation would look up anew at every deployment.
    expect(JSON.stringify(network)).not.toContain("AWS::SSM::Parameter::Value");
  });

  test("may take this address, these routes, and change machines of its own group, and nothing else", () => {
    const policy = network.resources.find(({ id }) => id.startsWith("NatInstanceRoleDefaultPolicy"))!;
    const { Statement } = policy.Properties.PolicyDocument as {
      Statement: { Sid: string; Action: string; Resource: unknown; Condition?: unknown }[];
    };
    const ours = { StringEquals: { "aws:ResourceTag/tidekeeper:role": "nat" } };
    expect(Statement.map(({ Sid, Action, Condition }) => [Sid, Action, Condition])).toEqual([
      ["ForwardForOthers", "ec2:ModifyInstanceAttribute", ours],
      ["TakeOurAddress", "ec2:AssociateAddress", undefined],
      ["GiveItToItself", "ec2:AssociateAddress", ours],
      [
        "WhoseInterfaceItIs",
        "ec2:AssociateAddress",
        expect.objectContaining({ ArnEquals: expect.anything() }),
      ],
      ["TakeTheRoutes", "ec2:ReplaceRoute", undefined],
      ["SayReady", "cloudformation:SignalResource", undefined],
    ]);
    expect(JSON.stringify(Statement[4]!.Resource)).toContain("route-table/");
    expect(group.Properties.Tags).toContainEqual({
      Key: "tidekeeper:role",
      Value: "nat",
      PropagateAtLaunch: true,
    });
  });
});
