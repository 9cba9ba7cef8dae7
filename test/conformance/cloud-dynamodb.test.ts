/** What the program relies on in DynamoDB, asked of the embedded endpoint by the unmodified SDK. */
import { createHash } from "node:crypto";
import {
  type AttributeValue,
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DeleteItemCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  ExecuteStatementCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  UpdateItemCommand,
  UpdateTimeToLiveCommand,
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

describe.each(ways)("DynamoDB ($reach, $store)", (way) => {
  let house: House;
  beforeEach(async () => {
    house = await openHouse(way);
    await createTable(house.dynamodb);
  });
  afterEach(() => house.close());

  const put = (item: Record<string, AttributeValue>, more = {}) =>
    house.dynamodb.send(new PutItemCommand({ TableName: TABLE, Item: item, ...more }));
  const get = async (pk: string, sk?: string) =>
    (
      await house.dynamodb.send(
        new GetItemCommand({ TableName: TABLE, Key: key(pk, sk), ConsistentRead: true }),
      )
    ).Item;
  const add = (pk: string, amount: string) =>
    house.dynamodb.send(
      new UpdateItemCommand({
        TableName: TABLE,
        Key: key(pk),
        UpdateExpression: "ADD n :amount",
        ExpressionAttributeValues: { ":amount": { N: amount } },
        ReturnValues: "UPDATED_NEW",
      }),
    );

  test("a table is active as soon as it is made, and making it again is refused", async () => {
    const { Table } = await house.dynamodb.send(new DescribeTableCommand({ TableName: TABLE }));
    expect(Table?.TableStatus).toBe("ACTIVE");
    expect(Table?.GlobalSecondaryIndexes?.[0]?.IndexStatus).toBe("ACTIVE");
    expect(Table?.CreationDateTime?.getTime()).toBe(START);
    expect((await failure(createTable(house.dynamodb))).name).toBe("ResourceInUseException");
  });

  test("of fifty that put one item on condition that it is new, exactly one wins", async () => {
    const racers = times(50, (racer) =>
      put(
        { ...key("race"), racer: { N: String(racer) } },
        { ConditionExpression: "attribute_not_exists(pk)" },
      ),
    );
    const results = await Promise.allSettled(racers);
    const winners = results.flatMap(({ status }, racer) => (status === "fulfilled" ? [racer] : []));
    const losers = results.flatMap((result) => (result.status === "rejected" ? [result.reason.name] : []));
    expect(winners).toHaveLength(1);
    expect(new Set(losers)).toEqual(new Set(["ConditionalCheckFailedException"]));
    expect((await get("race"))?.racer).toEqual({ N: String(winners[0]) });
  });

  test("five hundred additions at the same time add five hundred", async () => {
    await Promise.all(times(500, () => add("counter", "1")));
    expect((await get("counter"))?.n).toEqual({ N: "500" });
  });

  test("a consistent read sees every write that was answered before it", async () => {
    for (let n = 1; n <= 40; n += 1) {
      await put({ ...key("written"), n: { N: String(n) } });
      expect((await get("written"))?.n).toEqual({ N: String(n) });
    }
  });

  test("a failed condition tells the item that stood in its way when asked for it", async () => {
    await put({ ...key("held"), owner: { S: "first" } });
    const condition = {
      ConditionExpression: "attribute_not_exists(pk)",
      ReturnValuesOnConditionCheckFailure: "ALL_OLD" as const,
    };
    const refused = await failure(put({ ...key("held"), owner: { S: "second" } }, condition));
    expect(refused.name).toBe("ConditionalCheckFailedException");
    expect(refused.Item).toEqual({ ...key("held"), owner: { S: "first" } });

    const updated = house.dynamodb.send(
      new UpdateItemCommand({
        TableName: TABLE,
        Key: key("held"),
        UpdateExpression: "SET x = :x",
        ExpressionAttributeValues: { ":x": { S: "x" } },
        ...condition,
      }),
    );
    expect((await failure(updated)).Item).toEqual({ ...key("held"), owner: { S: "first" } });
    const deleted = house.dynamodb.send(
      new DeleteItemCommand({
        TableName: TABLE,
        Key: key("held"),
        ConditionExpression: "attribute_exists(no)",
      }),
    );
    expect((await failure(deleted)).Item).toBeUndefined();
  });

  test("a condition that names a missing item tells none", async () => {
    const refused = await failure(
      house.dynamodb.send(
        new DeleteItemCommand({
          TableName: TABLE,
          Key: key("nobody"),
          ConditionExpression: "attribute_exists(pk)",
          ReturnValuesOnConditionCheckFailure: "ALL_OLD",
        }),
      ),
    );
    expect(refused.name).toBe("ConditionalCheckFailedException");
    expect(refused.Item).toBeUndefined();
  });

  test("numbers keep thirty-eight digits, and sums of them are exact", async () => {
    const digits = "12345678901234567890.123456789012345678";
    const nonce = "1234567890123456789";
    await put({ ...key("exact"), digits: { N: digits }, nonce: { N: nonce } });
    expect(await get("exact")).toMatchObject({ digits: { N: digits }, nonce: { N: nonce } });
    await add("sum", "9007199254740993"); // 2^53 + 1, which a double cannot hold
    expect((await add("sum", "0.00000001")).Attributes?.n).toEqual({ N: "9007199254740993.00000001" });
    const tooLong = await failure(put({ ...key("exact"), digits: { N: `${digits}9` } }));
    expect(tooLong.name).toBe("ValidationException");
  });

  test("conditions compare numbers as numbers, whatever their length", async () => {
    await put({ ...key("fence"), n: { N: "9999999999999999999" } });
    const raise = (to: string) =>
      house.dynamodb.send(
        new UpdateItemCommand({
          TableName: TABLE,
          Key: key("fence"),
          UpdateExpression: "SET n = :to",
          ConditionExpression: "n < :to",
          ExpressionAttributeValues: { ":to": { N: to } },
        }),
      );
    await raise("10000000000000000000");
    expect((await failure(raise("10000000000000000000"))).name).toBe("ConditionalCheckFailedException");
    expect((await failure(raise("9"))).name).toBe("ConditionalCheckFailedException");
  });

  test("bytes, lists, maps, sets and empty strings come back as they went in", async () => {
    const item = {
      ...key("shapes"),
      bytes: { B: Uint8Array.from(times(256, (byte) => byte)) },
      list: { L: [{ S: "" }, { BOOL: false }, { NULL: true }] },
      map: { M: { "a.b": { S: "ü€😀\n" }, n: { N: "-0.5" } } },
      set: { SS: ["a", "b"] },
    } satisfies Record<string, AttributeValue>;
    await put(item);
    const found = await get("shapes");
    expect({ ...found, bytes: { B: Uint8Array.from(found?.bytes?.B ?? []) } }).toEqual(item);
  });

  test("a sparse index holds the items that have its attributes, in their order", async () => {
    const due = (run: string, at: number) =>
      put({ ...key("runs", run), openShard: { S: "0" }, dueAt: { N: String(at) } });
    await Promise.all([due("c", 30), due("a", 5), due("b", 100), put(key("runs", "closed"))]);
    const dueBefore = async (at: number) => {
      const { Items = [] } = await house.dynamodb.send(
        new QueryCommand({
          TableName: TABLE,
          IndexName: "open",
          KeyConditionExpression: "openShard = :shard AND dueAt <= :at",
          ExpressionAttributeValues: { ":shard": { S: "0" }, ":at": { N: String(at) } },
        }),
      );
      return Items.map(({ sk }) => sk?.S);
    };
    expect(await dueBefore(99)).toEqual(["a", "c"]); // 5, 30; not "100" < "99"
    expect(await dueBefore(100)).toEqual(["a", "c", "b"]);
    await house.dynamodb.send(
      new UpdateItemCommand({
        TableName: TABLE,
        Key: key("runs", "a"),
        UpdateExpression: "REMOVE openShard, dueAt",
      }),
    );
    expect(await dueBefore(100)).toEqual(["c", "b"]);
  });

  test("items with equal index attributes are all found, page by page, each once", async () => {
    const names = times(25, (n) => `run-${String(n).padStart(2, "0")}`);
    await house.dynamodb.send(
      new BatchWriteItemCommand({
        RequestItems: {
          [TABLE]: names.map((name) => ({
            PutRequest: { Item: { ...key("many", name), openShard: { S: "1" }, dueAt: { N: "7" } } },
          })),
        },
      }),
    );
    const found: (string | undefined)[] = [];
    let from: Record<string, AttributeValue> | undefined;
    do {
      const page = await house.dynamodb.send(
        new QueryCommand({
          TableName: TABLE,
          IndexName: "open",
          Limit: 4,
          KeyConditionExpression: "openShard = :shard",
          ExpressionAttributeValues: { ":shard": { S: "1" } },
          ExclusiveStartKey: from,
        }),
      );
      found.push(...(page.Items ?? []).map(({ sk }) => sk?.S));
      from = page.LastEvaluatedKey;
    } while (from !== undefined);
    expect(found).toHaveLength(25);
    expect(new Set(found)).toEqual(new Set(names));
  });

  test("two items whose digests are alike do not hide each other in an index", async () => {
    // The engine tells index entries apart by 24 bits of a digest over the item's key.
    const digestOf = (run: string) =>
      createHash("md5").update(`Outlierstwins${run}`).digest("hex").slice(0, 6);
    const seen = new Map<string, string>();
    let twins: string[] = [];
    for (let n = 0; twins.length === 0; n += 1) {
      const other = seen.get(digestOf(String(n)));
      if (other !== undefined) twins = [other, String(n)];
      seen.set(digestOf(String(n)), String(n));
    }
    const due = { openShard: { S: "2" }, dueAt: { N: "7" } };
    for (const twin of twins) await put({ ...key("twins", twin), ...due });
    const open = async () => {
      const { Items = [] } = await house.dynamodb.send(
        new QueryCommand({
          TableName: TABLE,
          IndexName: "open",
          KeyConditionExpression: "openShard = :shard",
          ExpressionAttributeValues: { ":shard": { S: "2" } },
        }),
      );
      return Items.map(({ sk }) => sk?.S).sort();
    };
    expect(await open()).toEqual(twins.toSorted());
    await house.dynamodb.send(new DeleteItemCommand({ TableName: TABLE, Key: key("twins", twins[0]) }));
    expect(await open()).toEqual([twins[1]]);
  });

  test("a query reads one partition in order, forward and back, with a filter and a limit", async () => {
    await Promise.all(times(6, (n) => put({ ...key("p", `RUN#${n}`), odd: { BOOL: n % 2 === 1 } })));
    await put(key("p", "HEAD"));
    const query = async (more: object) => {
      const { Items = [] } = await house.dynamodb.send(
        new QueryCommand({
          TableName: TABLE,
          ConsistentRead: true,
          KeyConditionExpression: "pk = :pk AND begins_with(sk, :start)",
          ...more,
        }),
      );
      return Items.map(({ sk }) => sk?.S);
    };
    const values = { ":pk": { S: "p" }, ":start": { S: "RUN#" } };
    expect(await query({ ExpressionAttributeValues: values, Limit: 2 })).toEqual(["RUN#0", "RUN#1"]);
    expect(
      await query({
        ExpressionAttributeValues: { ...values, ":yes": { BOOL: true } },
        FilterExpression: "odd = :yes",
        ScanIndexForward: false,
      }),
    ).toEqual(["RUN#5", "RUN#3", "RUN#1"]);
  });

  test("a scan and a batch of reads find what a batch of writes left", async () => {
    const requests = [...times(10, (n) => ({ PutRequest: { Item: key("batch", String(n)) } }))];
    await house.dynamodb.send(new BatchWriteItemCommand({ RequestItems: { [TABLE]: requests } }));
    await house.dynamodb.send(
      new BatchWriteItemCommand({
        RequestItems: { [TABLE]: [{ DeleteRequest: { Key: key("batch", "3") } }] },
      }),
    );
    const { Count } = await house.dynamodb.send(new ScanCommand({ TableName: TABLE }));
    expect(Count).toBe(9);
    const { Responses } = await house.dynamodb.send(
      new BatchGetItemCommand({
        RequestItems: { [TABLE]: { Keys: [key("batch", "3"), key("batch", "4")] } },
      }),
    );
    expect(Responses?.[TABLE]).toEqual([key("batch", "4")]);
  });

  test("items leave when their time to live has passed by the clock, from the index too", async () => {
    const seconds = START / 1000;
    await put({ ...key("http", "before"), expires: { N: String(seconds + 60) } });
    await house.dynamodb.send(
      new UpdateTimeToLiveCommand({
        TableName: TABLE,
        TimeToLiveSpecification: { AttributeName: "expires", Enabled: true },
      }),
    );
    const index = { openShard: { S: "ttl" }, dueAt: { N: "1" } };
    await put({ ...key("http", "soon"), ...index, expires: { N: String(seconds + 60) } });
    await put({ ...key("http", "later"), ...index, expires: { N: String(seconds + 61) } });
    await put({ ...key("http", "ancient"), expires: { N: "60" } }); // Over five years past: AWS leaves it alone
    await put({ ...key("http", "text"), expires: { S: String(seconds) } });
    await put({ ...key("http", "prolonged"), expires: { N: String(seconds + 60) } });
    await put({ ...key("http", "prolonged"), expires: { N: String(seconds + 600) } });
    const names = async () => {
      const { Items = [] } = await house.dynamodb.send(
        new QueryCommand({
          TableName: TABLE,
          KeyConditionExpression: "pk = :pk",
          ExpressionAttributeValues: { ":pk": { S: "http" } },
        }),
      );
      return Items.map(({ sk }) => sk?.S);
    };
    house.clock.moveTo(START + 59_000);
    expect(await names()).toEqual(["ancient", "before", "later", "prolonged", "soon", "text"]);
    house.clock.moveTo(START + 60_000);
    expect(await names()).toEqual(["ancient", "later", "prolonged", "text"]);
    const { Items } = await house.dynamodb.send(
      new QueryCommand({
        TableName: TABLE,
        IndexName: "open",
        KeyConditionExpression: "openShard = :shard",
        ExpressionAttributeValues: { ":shard": { S: "ttl" } },
      }),
    );
    expect(Items?.map(({ sk }) => sk?.S)).toEqual(["later"]);
    const { TimeToLiveDescription } = await house.dynamodb.send(
      new DescribeTimeToLiveCommand({ TableName: TABLE }),
    );
    expect(TimeToLiveDescription).toEqual({ TimeToLiveStatus: "ENABLED", AttributeName: "expires" });
  });

  test("what it does not speak, and a table that is not there, is refused in AWS's words", async () => {
    const statement = house.dynamodb.send(new ExecuteStatementCommand({ Statement: "SELECT * FROM State" }));
    expect((await failure(statement)).name).toBe("UnknownOperationException");
    const nowhere = house.dynamodb.send(new GetItemCommand({ TableName: "Nowhere", Key: key("x") }));
    expect((await failure(nowhere)).name).toBe("ResourceNotFoundException");
    const badKey = house.dynamodb.send(new GetItemCommand({ TableName: TABLE, Key: { pk: { S: "x" } } }));
    expect((await failure(badKey)).message).toBe("The provided key element does not match the schema");
  });

  test("calls are counted by operation until they are taken", async () => {
    house.cloud.takeCounts();
    await put(key("a"));
    await get("a");
    await get("b");
    expect(house.cloud.takeCounts()).toEqual({ PutItem: 1, GetItem: 2 });
    expect(house.cloud.takeCounts()).toEqual({});
  });
});

test("requests that wait for nothing leave the endpoint idle, each counted at start and finish", async () => {
  const house = await openHouse({ reach: "in-process", store: "memory" });
  await createTable(house.dynamodb);
  const { changes } = house.cloud.activity;
  await house.dynamodb.send(new GetItemCommand({ TableName: TABLE, Key: key("a") }));
  expect(house.cloud.activity).toMatchObject({ inFlight: 0, changes: changes + 2 });
  await house.close();
});
