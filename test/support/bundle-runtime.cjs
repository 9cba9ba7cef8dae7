/**
 * Stands for Lambda's runtime: loads index.js of the bundle's folder as CommonJS, hands it one event, and writes its answer
 * as JSON into the file descriptor 3, so that its standard output is the function's alone.
 *
 * node bundle-runtime.cjs FOLDER EVENT
 */
const { writeSync } = require("node:fs");
const { join } = require("node:path");

const [folder, event] = process.argv.slice(2);
const endsAt = Date.now() + 60_000;
const context = {
  functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
  functionVersion: "$LATEST",
  invokedFunctionArn: "arn:aws:lambda:us-east-1:123456789012:function:tidekeeper",
  memoryLimitInMB: "1024",
  awsRequestId: "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
  logGroupName: "/aws/lambda/tidekeeper",
  logStreamName: "2026/11/23/[$LATEST]58419525dade4d17a495dceeeed44708",
  callbackWaitsForEmptyEventLoop: true,
  getRemainingTimeInMillis: () => endsAt - Date.now(),
};

/** The error as Lambda tells it: `errorType` and `errorMessage`. */
const failed = (error) => ({ errorType: error?.name, errorMessage: error?.message });

async function answer() {
  try {
    const { handler } = require(join(folder, "index.js"));
    return { answer: await handler(JSON.parse(event), context) };
  } catch (error) {
    return failed(error);
  }
}

void answer().then((told) => {
  writeSync(3, JSON.stringify(told));
  // A container is frozen as soon as it has answered; its open connections do not keep it.
  process.exit(0);
});
