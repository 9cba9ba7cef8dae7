/** AWS's own NAT: one gateway for each address of ours. A zone without one of its own goes through the first. */
import { CfnNatGateway, type IVpc } from "aws-cdk-lib/aws-ec2";
import { Construct } from "constructs";

export class NatGateways extends Construct {
  readonly #ids: readonly string[];

  constructor(
    scope: Construct,
    id: string,
    { vpc, allocations }: { readonly vpc: IVpc; readonly allocations: readonly string[] },
  ) {
    super(scope, id);
    this.#ids = allocations.map((allocationId, index) => {
      const subnet = vpc.publicSubnets[index]!;
      const gateway = new CfnNatGateway(this, `Gateway${index}`, {
        subnetId: subnet.subnetId,
        allocationId,
        tags: [{ key: "Name", value: `tidekeeper ${index + 1}` }],
      });
      gateway.node.addDependency(subnet.internetConnectivityEstablished);
      return gateway.ref;
    });
  }

  idFor(zone: number): string {
    return this.#ids[zone] ?? this.#ids[0]!;
  }
}
