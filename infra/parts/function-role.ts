/**
 * What a function may do: what its code calls, on what it calls it, and nothing else. Every right is written out here or by
 * the part that gives it; `*` stands only where AWS knows no narrower name, with the reason beside it.
 */
import { Duration } from "aws-cdk-lib";
import { Effect, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { ILogGroup } from "aws-cdk-lib/aws-logs";
import type { Construct } from "constructs";
import { TABLE } from "../../shared/config/names.ts";

/** The State stack's own table, or one that was restored. */
export type LedgerTable = { readonly tableName: string; readonly tableArn: string };

/** Partitions of the table, by what their keys begin with; see docs/architecture.md. */
export type Partition = "A#*" | "ACCOUNTS" | "K#*" | "SYNC";

export class FunctionRole extends Role {
  constructor(scope: Construct, id: string, description: string) {
    super(scope, id, {
      assumedBy: new ServicePrincipal("lambda.amazonaws.com"),
      description,
      maxSessionDuration: Duration.hours(1),
    });
  }

  may(sid: string, actions: readonly string[], resources: readonly string[], conditions = {}): void {
    this.addToPolicy(
      new PolicyStatement({ sid, actions: [...actions], resources: [...resources], conditions }),
    );
  }

  writeLogs(logs: ILogGroup): void {
    this.may("WriteLogs", ["logs:CreateLogStream", "logs:PutLogEvents"], [logs.logGroupArn]);
  }

  /** For Lambda, which makes and takes away the function's network interfaces; the function's own code may not. */
  standInVpc(): void {
    const actions = [
      "ec2:CreateNetworkInterface",
      "ec2:DescribeNetworkInterfaces",
      "ec2:DescribeSubnets",
      "ec2:DeleteNetworkInterface",
      "ec2:AssignPrivateIpAddresses",
      "ec2:UnassignPrivateIpAddresses",
    ];
    // The interfaces have no names before they are there, and Describe… takes none
    // (docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html).
    this.may("StandInVpc", actions, ["*"]);
    this.addToPolicy(
      new PolicyStatement({
        sid: "NotByTheCodeItself",
        effect: Effect.DENY,
        actions,
        resources: ["*"],
        conditions: { Null: { "lambda:SourceFunctionArn": false } },
      }),
    );
  }

  /** Items of these partitions only. Nothing in the ledger is ever deleted, whoever asks. */
  useTable(table: LedgerTable, actions: readonly string[], partitions: readonly Partition[]): void {
    this.may("UseLedger", actions, [table.tableArn], {
      "ForAllValues:StringLike": { "dynamodb:LeadingKeys": [...partitions] },
      // Of a request that names no key at all, `ForAllValues` alone would be true.
      Null: { "dynamodb:LeadingKeys": false },
    });
    this.neverDelete(table);
  }

  /** The sparse index of open work: keys only. */
  useIndex(table: LedgerTable): void {
    this.may("FindOpenWork", ["dynamodb:Query"], [`${table.tableArn}/index/${TABLE.index}`], {
      "ForAllValues:StringLike": { "dynamodb:LeadingKeys": ["OPEN#*"] },
      Null: { "dynamodb:LeadingKeys": false },
    });
  }

  private neverDelete(table: LedgerTable): void {
    this.addToPolicy(
      new PolicyStatement({
        sid: "NeverDelete",
        effect: Effect.DENY,
        actions: ["dynamodb:DeleteItem", "dynamodb:DeleteTable"],
        resources: [table.tableArn],
      }),
    );
  }
}
