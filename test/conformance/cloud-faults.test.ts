/** Faults on order: each does what it says, as often as it says, and then is used up. */
import { GetItemCommand, PutItemCommand, TransactWriteItemsCommand } from "@aws-sdk/client-dynamodb";
import { PublishCommand } from "@aws-sdk/client-sns";
import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createTable, failure, type House, openHouse, START, TABLE, ways } from "../support/cloud-house.ts";

const item = { pk: { S: "a" }, sk: { S: "-" } };

describe.each(ways.filter(({ store }) => store === "memory"))("faults ($reach)", (way) => {
  let house: House;
  beforeEach(async () => {
    house = await openHouse(way);
    await createTable(house.dynamodb);
    house.cloud.takeCounts();
  });
  afterEach(() => house.close());

  const put = () => house.dynamodb.send(new PutItemCommand({ TableName: TABLE, Item: item }));
  const putOnce = () => house.once.dynamodb.send(new PutItemCommand({ TableName: TABLE, Item: item }));
  const get = () =>
    house.dynamodb.send(new GetItemCommand({ TableName: TABLE, Key: item, ConsistentRead: true }));

  test("a throttled or unavailable call is tried again by the SDK and then done", async () => {
    await house.arm(
      { operation: "PutItem", fault: "throttle" },
      { operation: "PutItem", fault: "unavailable" },
    );
    await put();
    expect(house.cloud.takeCounts()).toEqual({ PutItem: 3 });
  });

  test("a throttled call hears DynamoDB's own error", async () => {
    await house.arm({ operation: "PutItem", fault: "throttle" });
    expect((await failure(putOnce())).name).toBe("ProvisionedThroughputExceededException");
  });

  test("a lost reply was carried out, and the caller hears only that the connection broke", async () => {
    await house.arm({ operation: "PutItem", fault: "applied-but-reply-lost" });
    const lost = await failure(putOnce());
    expect(lost).toMatchObject({ name: "TimeoutError", code: "ECONNRESET" });
    expect((await get()).Item).toEqual(item);
  });

  test("a conflict cancels a transaction with its reason, and a single write with its own error", async () => {
    await house.arm({ operation: "TransactWriteItems", fault: "transaction-conflict" });
    const items = ["a", "b"].map((pk) => ({ Put: { TableName: TABLE, Item: { ...item, pk: { S: pk } } } }));
    const cancelled = await failure(
      house.dynamodb.send(new TransactWriteItemsCommand({ TransactItems: items })),
    );
    expect(cancelled.CancellationReasons).toEqual([
      { Code: "TransactionConflict", Message: "Transaction is ongoing for the item" },
      { Code: "None" },
    ]);
    await house.arm({ operation: "PutItem", fault: "transaction-conflict" });
    expect((await failure(putOnce())).name).toBe("TransactionConflictException");
  });

  test("a slow call waits for the clock, and the endpoint counts as idle meanwhile", async () => {
    await house.arm({ operation: "PutItem", fault: "slow", seconds: 30 });
    const putting = put();
    let isDone = false;
    putting.then(
      () => {
        isDone = true;
      },
      () => undefined,
    );
    while (house.clock.nextDue() === undefined) await new Promise((resolve) => setImmediate(resolve));
    expect(house.cloud.activity.inFlight).toBe(0);
    house.clock.moveTo(START + 29_999);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(isDone).toBe(false);
    house.clock.moveTo(START + 30_000);
    await putting;
  });

  test("a fault may pass some calls by first, and the empty list clears all", async () => {
    expect(await house.arm({ operation: "PutItem", fault: "unavailable", skip: 2, times: 20 })).toEqual({
      armed: 1,
    });
    await put();
    await put();
    await failure(putOnce());
    expect(await house.arm()).toEqual({ armed: 0 });
    await put();
  });

  test("publishing and sending can be troubled as well", async () => {
    await house.arm(
      { operation: "Publish", fault: "throttle" },
      { operation: "SendMessage", fault: "throttle" },
    );
    const published = house.once.sns.send(new PublishCommand({ TopicArn: "arn:x", Message: "m" }));
    expect((await failure(published)).name).toBe("ThrottledException");
    const sent = house.once.sqs.send(
      new SendMessageCommand({ QueueUrl: `${house.endpoint}/0/q`, MessageBody: "m" }),
    );
    expect((await failure(sent)).name).toBe("RequestThrottled");
  });

  test("a mistake in the list is named with what there is, and arms nothing", async () => {
    const wrong = [
      [{ operation: "PutItems", fault: "slow" }, /unknown operation PutItems; there are .*PutItem/],
      [
        { operation: "PutItem", fault: "lost" },
        /unknown fault lost; there are throttle, applied-but-reply-lost/,
      ],
      [{ operation: "Publish", fault: "transaction-conflict" }, /TransactWriteItems/],
      [{ operation: "PutItem", fault: "slow", time: 2 }, /unknown member time/],
      [{ operation: "PutItem", fault: "slow", times: 0 }, /whole numbers/],
    ] as const;
    for (const [fault, message] of wrong) {
      const body = JSON.stringify([{ operation: "PutItem", fault: "throttle" }, fault]);
      const response = await fetch(`${house.endpoint}/_control/faults`, { method: "POST", body });
      expect(response.status).toBe(400);
      expect(((await response.json()) as { error: string }).error).toMatch(message);
    }
    await put();
    expect(house.cloud.takeCounts()).toEqual({ PutItem: 1 });
  });

  test("a web page cannot arm faults, and an unsigned request reaches no service", async () => {
    const origin = { origin: "https://example.org" };
    const page = await fetch(`${house.endpoint}/_control/faults`, {
      method: "POST",
      body: "[]",
      headers: origin,
    });
    expect(page.status).toBe(403);
    const unsigned = await fetch(house.endpoint, {
      method: "POST",
      headers: {
        "x-amz-target": "DynamoDB_20120810.ListTables",
        "content-type": "application/x-amz-json-1.0",
      },
      body: "{}",
    });
    expect(unsigned.status).toBe(403);
    expect(await unsigned.text()).toContain("MissingAuthenticationToken");
  });
});
