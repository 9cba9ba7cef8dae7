/** What survives its stack and every change of it; but a first deployment that fails leaves nothing behind that costs money. */
import { RemovalPolicy } from "aws-cdk-lib";

export const KEEP = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE;
