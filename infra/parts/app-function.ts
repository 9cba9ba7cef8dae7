/** A function of ours: its bundle, its logs, its traces, its role. Every one is made here, so that none is made differently. */
import { Duration, RemovalPolicy, Size } from "aws-cdk-lib";
import type { ISecurityGroup, ISubnet, IVpc } from "aws-cdk-lib/aws-ec2";
import {
  Architecture,
  Code,
  Function as Lambda,
  LoggingFormat,
  Runtime,
  Tracing,
} from "aws-cdk-lib/aws-lambda";
import { LogGroup, type RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { ENVIRONMENT } from "../../shared/config/names.ts";
import { SETTINGS_FILE } from "../../shared/config/settings-file.ts";
import { FunctionRole } from "./function-role.ts";

export type AppFunctionProps = {
  readonly description: string;
  /** Folder of the bundle. */
  readonly bundle: string;
  readonly memoryMb: number;
  readonly timeoutSeconds: number;
  readonly logsKept: RetentionDays;
  readonly environment: Readonly<Record<string, string>>;
  /** Also while it does not: Lambda takes old network interfaces away with the function's rights, after the change. */
  readonly mayStandInVpc?: boolean;
  /** Only of those that must come from our own address. */
  readonly network?: {
    readonly vpc: IVpc;
    readonly subnets: readonly ISubnet[];
    readonly securityGroup: ISecurityGroup;
  };
};

export class AppFunction extends Construct {
  readonly lambda: Lambda;
  readonly role: FunctionRole;

  constructor(scope: Construct, id: string, props: AppFunctionProps) {
    super(scope, id);
    const logs = new LogGroup(this, "Logs", {
      retention: props.logsKept,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    this.role = new FunctionRole(this, "Role", `${props.description}: what its code calls`);
    this.role.writeLogs(logs);
    if (props.mayStandInVpc || props.network !== undefined) this.role.standInVpc();
    this.lambda = new Lambda(this, "Function", {
      description: props.description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code: Code.fromAsset(props.bundle),
      handler: "index.handler",
      memorySize: props.memoryMb,
      timeout: Duration.seconds(props.timeoutSeconds),
      ephemeralStorageSize: Size.mebibytes(512),
      // Gives the role its right to send traces, on `*`: X-Ray knows no resources.
      tracing: Tracing.ACTIVE,
      loggingFormat: LoggingFormat.JSON,
      logGroup: logs,
      role: this.role,
      environment: {
        ...props.environment,
        [ENVIRONMENT.plans]: `/var/task/${SETTINGS_FILE}`,
        NODE_OPTIONS: "--enable-source-maps",
      },
      ...(props.network === undefined
        ? {}
        : {
            vpc: props.network.vpc,
            vpcSubnets: { subnets: [...props.network.subnets] },
            securityGroups: [props.network.securityGroup],
          }),
    });
    // Its first start must find its rights: a function that may not write its log is silent.
    this.lambda.node.addDependency(this.role);
  }
}
