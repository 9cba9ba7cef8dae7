/** Names of resources in this very account and region. */
import { Aws } from "aws-cdk-lib";

export const arnHere = (service: string, resource: string): string =>
  `arn:${Aws.PARTITION}:${service}:${Aws.REGION}:${Aws.ACCOUNT_ID}:${resource}`;
