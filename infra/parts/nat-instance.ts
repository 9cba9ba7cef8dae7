/**
 * One small machine as NAT, for a tenth of a gateway's price. It stands in a group of one: when it dies another takes its
 * place, and with it the same Elastic IP, because each sets itself up at its start: it boots on an address of the moment,
 * takes ours, forwards, and turns the routes of the functions over to itself.
 *
 * Until the first has done so the routes point at a parked network interface: they belong to CloudFormation, which can turn
 * them to a NAT gateway later and would trip over routes that a machine had made. A deployment never replaces a machine that
 * runs; ending it by hand does, with about a minute without a way to Kraken.
 */
import { Aws, Stack } from "aws-cdk-lib";
import { CfnAutoScalingGroup } from "aws-cdk-lib/aws-autoscaling";
import {
  BlockDeviceVolume,
  CfnNetworkInterface,
  type CfnRoute,
  EbsDeviceVolumeType,
  type IMachineImage,
  InstanceClass,
  InstanceSize,
  InstanceType,
  type IVpc,
  LaunchTemplate,
  LaunchTemplateHttpTokens,
  MachineImage,
  OperatingSystemType,
  Peer,
  Port,
  SecurityGroup,
  UserData,
} from "aws-cdk-lib/aws-ec2";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import { STACKS } from "../../shared/config/names.ts";
import { arnHere } from "./arn-here.ts";
import { natScript } from "./nat-script.ts";

export const NAT_GROUP_NAME = `${STACKS.network}-nat`;
export const NAT_IN_SERVICE = "GroupInServiceInstances";

/** Says which instances the role may change: those of this group. */
const TAG = { key: "tidekeeper:role", value: "nat" } as const;
/** Its name in the template, which the script must know before the group is made. */
const GROUP = "NatInstanceGroup";
/** Boot, packages, address and routes take about a minute and a half; after this the deployment fails. */
const READY_WITHIN = "PT10M";

export type NatInstanceProps = {
  readonly vpc: IVpc;
  /** CIDR of those it forwards for. */
  readonly inside: string;
  /** Of the Elastic IP. */
  readonly allocation: string;
  /** `ami-…` or the name of an SSM parameter. */
  readonly image: string;
  /** Of the functions' subnets. */
  readonly routeTables: readonly string[];
};

export class NatInstance extends Construct {
  /** Takes no traffic anywhere; see above. */
  readonly parkedInterface: string;
  readonly #group: CfnAutoScalingGroup;

  constructor(scope: Construct, id: string, props: NatInstanceProps) {
    super(scope, id);
    const { vpc } = props;
    const subnet = vpc.publicSubnets[0]!;
    const inside = new SecurityGroup(this, "Inside", {
      vpc,
      description: "NAT of Tidekeeper: HTTPS from the functions, HTTPS to anywhere, nothing in from outside",
      allowAllOutbound: false,
    });
    inside.addIngressRule(Peer.ipv4(props.inside), Port.tcp(443), "From the functions");
    inside.addEgressRule(Peer.anyIpv4(), Port.tcp(443), "Kraken, AWS, packages");
    this.parkedInterface = new CfnNetworkInterface(this, "Parked", {
      subnetId: subnet.subnetId,
      groupSet: [inside.securityGroupId],
      description: "Tidekeeper: where routes point until the NAT instance takes them",
    }).ref;

    const role = this.#role(props);
    const template = new LaunchTemplate(this, "Template", {
      instanceType: InstanceType.of(InstanceClass.T4G, InstanceSize.NANO),
      machineImage: imageOf(props.image),
      securityGroup: inside,
      // Of the moment: the way to its packages and to AWS until it has ours.
      associatePublicIpAddress: true,
      httpTokens: LaunchTemplateHttpTokens.REQUIRED,
      role,
      blockDevices: [
        {
          deviceName: "/dev/xvda",
          volume: BlockDeviceVolume.ebs(8, { encrypted: true, volumeType: EbsDeviceVolumeType.GP3 }),
        },
      ],
      userData: UserData.custom(
        natScript({
          region: Aws.REGION,
          stack: Aws.STACK_NAME,
          group: GROUP,
          allocation: props.allocation,
          inside: props.inside,
          routeTables: props.routeTables,
        }),
      ),
    });
    this.#group = new CfnAutoScalingGroup(this, "Group", {
      minSize: "1",
      maxSize: "1",
      desiredCapacity: "1",
      vpcZoneIdentifier: [subnet.subnetId],
      launchTemplate: {
        launchTemplateId: template.launchTemplateId!,
        version: template.latestVersionNumber,
      },
      // By name: an alarm of another stack watches it, and an export would hold it when the egress changes.
      autoScalingGroupName: NAT_GROUP_NAME,
      metricsCollection: [{ granularity: "1Minute", metrics: [NAT_IN_SERVICE] }],
      healthCheckType: "EC2",
      tags: [
        { ...TAG, propagateAtLaunch: true },
        { key: "Name", value: "tidekeeper nat", propagateAtLaunch: true },
      ],
    });
    this.#group.cfnOptions.creationPolicy = { resourceSignal: { count: 1, timeout: READY_WITHIN } };
    this.#group.overrideLogicalId(GROUP);
    // Its first start must find its rights.
    this.#group.node.addDependency(subnet.internetConnectivityEstablished, role);
  }

  /** The machine turns the route over to itself: it must be there before. */
  waitFor(route: CfnRoute): void {
    this.#group.node.addDependency(route);
  }

  #role({ vpc, allocation, routeTables }: NatInstanceProps): Role {
    const role = new Role(this, "Role", {
      assumedBy: new ServicePrincipal("ec2.amazonaws.com"),
      description: "Tidekeeper's NAT instance: takes its address and its routes, and nothing else",
    });
    const oneOfUs = { StringEquals: { [`aws:ResourceTag/${TAG.key}`]: TAG.value } };
    const may = (sid: string, actions: string[], resources: string[], conditions = {}) =>
      role.addToPolicy(new PolicyStatement({ sid, actions, resources, conditions }));
    may("ForwardForOthers", ["ec2:ModifyInstanceAttribute"], [arnHere("ec2", "instance/*")], oneOfUs);
    may("TakeOurAddress", ["ec2:AssociateAddress"], [arnHere("ec2", `elastic-ip/${allocation}`)]);
    may("GiveItToItself", ["ec2:AssociateAddress"], [arnHere("ec2", "instance/*")], oneOfUs);
    may("WhoseInterfaceItIs", ["ec2:AssociateAddress"], [arnHere("ec2", "network-interface/*")], {
      ArnEquals: { "ec2:Vpc": arnHere("ec2", `vpc/${vpc.vpcId}`) },
    });
    may(
      "TakeTheRoutes",
      ["ec2:ReplaceRoute"],
      routeTables.map((table) => arnHere("ec2", `route-table/${table}`)),
    );
    may("SayReady", ["cloudformation:SignalResource"], [Stack.of(this).stackId]);
    return role;
  }
}

function imageOf(image: string): IMachineImage {
  return image.startsWith("ami-")
    ? {
        getImage: () => ({
          imageId: image,
          osType: OperatingSystemType.LINUX,
          userData: UserData.forLinux(),
        }),
      }
    : MachineImage.resolveSsmParameterAtLaunch(image);
}
