/**
 * The way to Kraken. The subnets are the same whatever the egress is, so that changing it moves no function; the routes to
 * the internet keep their names, so that CloudFormation turns them over in place and never meets its own old ones.
 */
import { CfnOutput, RemovalPolicy, Stack, type StackProps } from "aws-cdk-lib";
import {
  CfnRoute,
  FlowLogDestination,
  FlowLogTrafficType,
  GatewayVpcEndpointAwsService,
  IpAddresses,
  type IVpc,
  Peer,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
} from "aws-cdk-lib/aws-ec2";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import type { Construct } from "constructs";
import type { Deployment } from "../shared/config/deployment.ts";
import { OUTPUTS } from "../shared/config/names.ts";
import { NatGateways } from "./parts/nat-gateways.ts";
import { NatInstance } from "./parts/nat-instance.ts";
import type { Choices } from "./settings.ts";
import type { StateStack } from "./state-stack.ts";

export type NetworkProps = StackProps & {
  readonly deployment: Deployment;
  readonly choices: Choices;
  readonly state: StateStack;
};

const APP = "app";
/** Two zones in every mode: what stands in one of them may fail without the other. */
const ZONES = 2;
const ANYWHERE = "0.0.0.0/0";
const INSIDE = "10.42.0.0/20";

export class NetworkStack extends Stack {
  readonly vpc: IVpc;
  /** Of the functions: out to HTTPS, nothing in. */
  readonly functions: SecurityGroup;

  constructor(scope: Construct, id: string, { deployment, choices, state, ...props }: NetworkProps) {
    super(scope, id, props);
    this.vpc = this.#vpc();
    this.functions = new SecurityGroup(this, "Functions", {
      vpc: this.vpc,
      description: "Functions of Tidekeeper: out to HTTPS, nothing in",
      allowAllOutbound: false,
    });
    this.functions.addEgressRule(Peer.anyIpv4(), Port.tcp(443), "Kraken and AWS");
    this.#egress(choices.egressOff ? "none" : deployment.egress, choices, state);
    new CfnOutput(this, OUTPUTS.egress, {
      key: OUTPUTS.egress,
      value: deployment.egress,
      description: "How the functions reach Kraken",
    });
    // For good, as in the State stack: the Automation stack uses them in some modes only.
    for (const { subnetId } of this.appSubnets) this.exportValue(subnetId);
    this.exportValue(this.functions.securityGroupId);
    this.exportValue(this.vpc.vpcId);
  }

  get appSubnets() {
    return this.vpc.selectSubnets({ subnetGroupName: APP }).subnets;
  }

  #vpc(): IVpc {
    const logs = new LogGroup(this, "RefusedTraffic", {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const vpc = new Vpc(this, "Vpc", {
      ipAddresses: IpAddresses.cidr(INSIDE),
      maxAzs: ZONES,
      natGateways: 0,
      restrictDefaultSecurityGroup: false, // Would bring a function of CDK's own; nothing of ours uses that group
      subnetConfiguration: [
        { name: "public", subnetType: SubnetType.PUBLIC, cidrMask: 26, mapPublicIpOnLaunch: false },
        // Their routes to the internet are ours to write, by the egress.
        { name: APP, subnetType: SubnetType.PRIVATE_ISOLATED, cidrMask: 24 },
      ],
      gatewayEndpoints: {
        // Free, and keep the ledger reachable when the NAT is not.
        DynamoDb: { service: GatewayVpcEndpointAwsService.DYNAMODB },
        S3: { service: GatewayVpcEndpointAwsService.S3 },
      },
      flowLogs: {
        Refused: {
          trafficType: FlowLogTrafficType.REJECT,
          destination: FlowLogDestination.toCloudWatchLogs(logs),
        },
      },
    });
    return vpc as IVpc;
  }

  #egress(egress: Deployment["egress"], choices: Choices, state: StateStack): void {
    const route = (index: number, target: { natGatewayId: string } | { networkInterfaceId: string }) => {
      const subnet = this.appSubnets[index]!;
      return new CfnRoute(this, `ToInternet${index}`, {
        routeTableId: subnet.routeTable.routeTableId,
        destinationCidrBlock: ANYWHERE,
        ...target,
      });
    };
    const allocations = state.addresses.map(({ attrAllocationId }) => attrAllocationId);
    switch (egress) {
      case "nat-gateway": {
        const gateways = new NatGateways(this, "NatGateways", { vpc: this.vpc, allocations });
        for (let index = 0; index < ZONES; index++) route(index, { natGatewayId: gateways.idFor(index) });
        return;
      }
      case "nat-instance": {
        const instance = new NatInstance(this, "NatInstance", {
          vpc: this.vpc,
          inside: INSIDE,
          allocation: allocations[0]!,
          image: choices.natInstanceImage,
          routeTables: this.appSubnets.map(({ routeTable }) => routeTable.routeTableId),
        });
        for (let index = 0; index < ZONES; index++)
          instance.waitFor(route(index, { networkInterfaceId: instance.parkedInterface }));
        return;
      }
      case "none":
        return;
    }
  }
}
