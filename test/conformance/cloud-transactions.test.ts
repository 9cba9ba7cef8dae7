/** Transactions as the order protocol needs them: all or nothing, alone, told apart, and safe to send again. */
import {
  type AttributeValue,
  GetItemCommand,
  PutItemCommand,
  TransactGetItemsCommand,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  createTable,
  failure,
  type House,
  openHouse,
  START,
  TABLE,
  times,
  ways,
} from "../support/cloud-house.ts";

const key = (pk: string, sk = "-") => ({ pk: { S: pk }, sk: { S: sk } });
const putOf = (pk: string, more: Record<string, AttributeValue> = {}): TransactWriteItem => ({
  Put: { TableName: TABLE, Item: { ...key(pk), ...more } },
});
const newPutOf = (pk: string, more: Record<string, AttributeValue> = {}): TransactWriteItem => ({
  Put: {
    TableName: TABLE,
    Item: { ...key(pk), ...more },
    ConditionExpression: "attribute_not_exists(pk)",
    ReturnValuesOnConditionCheckFailure: "ALL_OLD",
  },
});
const addOf = (pk: string): TransactWriteItem => ({
  Update: {
    TableName: TABLE,
    Key: key(pk),
    UpdateExpression: "ADD n :one",
    ExpressionAttributeValues: { ":one": { N: "1" } },
  },
});
const checkOf = (pk: string, condition: string): TransactWriteItem => ({
  ConditionCheck: {
    TableName: TABLE,
    Key: key(pk),
    ConditionExpression: condition,
    ReturnValuesOnConditionCheckFailure: "ALL_OLD",
  },
});

describe.each(ways)("transactions ($reach, $store)", (way) => {
  let house: House;
  beforeEach(async () => {
    house = await openHouse(way);
    await createTable(house.dynamodb);
  });
  afterEach(() => house.close());

  const write = (items: TransactWriteItem[], token?: string) =>
    house.dynamodb.send(new TransactWriteItemsCommand({ TransactItems: items, ClientRequestToken: token }));
  const get = async (pk: string) =>
    (await house.dynamodb.send(new GetItemCommand({ TableName: TABLE, Key: key(pk), ConsistentRead: true })))
      .Item;
  const put = (pk: string, more: Record<string, AttributeValue> = {}) =>
    house.dynamodb.send(new PutItemCommand({ TableName: TABLE, Item: { ...key(pk), ...more } }));

  test("puts, updates, deletes and checks are done together", async () => {
    await put("old");
    await put("head", { kill: { BOOL: false } });
    const check = checkOf("head", "kill = :no");
    Object.assign(check.ConditionCheck as object, { ExpressionAttributeValues: { ":no": { BOOL: false } } });
    await write([putOf("new"), addOf("count"), { Delete: { TableName: TABLE, Key: key("old") } }, check]);
    expect(await get("new")).toEqual(key("new"));
    expect((await get("count"))?.n).toEqual({ N: "1" });
    expect(await get("old")).toBeUndefined();
    expect(await get("head")).toEqual({ ...key("head"), kill: { BOOL: false } });
  });

  test("a failed one changes nothing and tells its reasons in order, with the items in the way", async () => {
    await put("taken", { owner: { S: "first" } });
    const refused = await failure(
      write([
        putOf("a"),
        newPutOf("taken", { owner: { S: "second" } }),
        addOf("b"),
        checkOf("none", "attribute_exists(pk)"),
      ]),
    );
    expect(refused.name).toBe("TransactionCanceledException");
    expect(refused.message).toContain("[None, ConditionalCheckFailed, None, ConditionalCheckFailed]");
    expect(refused.CancellationReasons).toEqual([
      { Code: "None" },
      {
        Code: "ConditionalCheckFailed",
        Message: "The conditional request failed",
        Item: { ...key("taken"), owner: { S: "first" } },
      },
      { Code: "None" },
      { Code: "ConditionalCheckFailed", Message: "The conditional request failed" },
    ]);
    expect([await get("a"), await get("b")]).toEqual([undefined, undefined]);
    expect((await get("taken"))?.owner).toEqual({ S: "first" });
  });

  test("an update that cannot be applied to its item cancels the whole", async () => {
    await put("text", { n: { S: "not a number" } });
    const refused = await failure(write([putOf("a"), addOf("text")]));
    expect(refused.name).toBe("TransactionCanceledException");
    expect(refused.CancellationReasons).toMatchObject([{ Code: "None" }, { Code: "ValidationError" }]);
    expect(await get("a")).toBeUndefined();
  });

  test("of fifty that race on one condition, exactly one wins and only its writes are there", async () => {
    const racers = times(50, (racer) => write([newPutOf("race"), putOf(`by-${racer}`), addOf("wins")]));
    const results = await Promise.allSettled(racers);
    const winners = results.flatMap(({ status }, racer) => (status === "fulfilled" ? [racer] : []));
    expect(winners).toHaveLength(1);
    expect((await get("wins"))?.n).toEqual({ N: "1" });
    const written = await Promise.all(times(50, (racer) => get(`by-${racer}`)));
    expect(written.flatMap((item, racer) => (item === undefined ? [] : [racer]))).toEqual(winners);
  });

  test("single writes and transactions on one item never lose each other's work", async () => {
    const single = () =>
      house.dynamodb.send(
        new UpdateItemCommand({
          TableName: TABLE,
          Key: key("count"),
          UpdateExpression: "ADD n :one",
          ExpressionAttributeValues: { ":one": { N: "1" } },
        }),
      );
    await Promise.all(
      times(60, (n) => (n % 2 === 0 ? single() : write([addOf("count"), addOf(`other-${n}`)]))),
    );
    expect((await get("count"))?.n).toEqual({ N: "60" });
  });

  test("a hundred actions are taken, one more is refused, and so is one item named twice", async () => {
    await write(times(100, (n) => putOf(`many-${n}`)));
    expect(await get("many-99")).toEqual(key("many-99"));
    const tooMany = await failure(write(times(101, (n) => putOf(`more-${n}`))));
    expect(tooMany.name).toBe("ValidationException");
    const twice = await failure(write([putOf("x"), checkOf("x", "attribute_not_exists(pk)")]));
    expect(twice.name).toBe("ValidationException");
    expect(twice.message).toBe("Transaction request cannot include multiple operations on one item");
  });

  test("the same token and request succeeds again without being done again, for ten minutes", async () => {
    await write([addOf("count")], "token-1");
    await write([addOf("count")], "token-1");
    expect((await get("count"))?.n).toEqual({ N: "1" });
    house.clock.moveTo(START + 10 * 60_000 - 1);
    await write([addOf("count")], "token-1");
    expect((await get("count"))?.n).toEqual({ N: "1" });
    house.clock.moveTo(START + 10 * 60_000);
    await write([addOf("count")], "token-1");
    expect((await get("count"))?.n).toEqual({ N: "2" });
  });

  test("the same token with another request is refused, and a cancelled one leaves its token free", async () => {
    await write([addOf("count")], "token-1");
    const other = await failure(write([addOf("count"), addOf("more")], "token-1"));
    expect(other.name).toBe("IdempotentParameterMismatchException");
    await put("wall");
    await failure(write([newPutOf("wall")], "token-2"));
    await write([newPutOf("no-wall")], "token-2");
    expect(await get("no-wall")).toEqual(key("no-wall"));
  });

  test("a lost reply is sent again by the SDK, and the transaction is there once", async () => {
    await house.arm({ operation: "TransactWriteItems", fault: "applied-but-reply-lost" });
    house.cloud.takeCounts();
    await write([addOf("count"), newPutOf("intent")]);
    expect(house.cloud.takeCounts()).toEqual({ TransactWriteItems: 2 });
    expect((await get("count"))?.n).toEqual({ N: "1" });
  });

  test("a reading transaction sees the items of one moment, in order, with gaps", async () => {
    await put("left", { n: { N: "0" } });
    await put("right", { n: { N: "0" } });
    const read = async () => {
      const { Responses = [] } = await house.dynamodb.send(
        new TransactGetItemsCommand({
          TransactItems: ["left", "missing", "right"].map((pk) => ({
            Get: { TableName: TABLE, Key: key(pk) },
          })),
        }),
      );
      return Responses.map(({ Item }) => Item?.n?.N);
    };
    const writes = times(20, () => write([addOf("left"), addOf("right")]));
    const reads = await Promise.all(times(20, read));
    for (const [left, missing, right] of reads) expect([missing, right]).toEqual([undefined, left]);
    await Promise.all(writes);
    expect(await read()).toEqual(["20", undefined, "20"]);
  });
});
