/** What was answered is on the disk, whole; and a folder that cannot be used is refused in one sentence. */
import { spawn } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import {
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
  UpdateTimeToLiveCommand,
} from "@aws-sdk/client-dynamodb";
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
} from "@aws-sdk/client-secrets-manager";
import { CreateTopicCommand, PublishCommand } from "@aws-sdk/client-sns";
import {
  CreateQueueCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
} from "@aws-sdk/client-sqs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { VirtualClock } from "../../local/clock.ts";
import { CloudError, openCloud } from "../../local/cloud/cloud.ts";
import { createTable, failure, type House, openHouse, START, TABLE, times } from "../support/cloud-house.ts";
import { ITEMS, LANES } from "../support/cloud-writer.ts";

const onDisk = { reach: "in-process", store: "disk" } as const;
const key = (pk: string) => ({ pk: { S: pk }, sk: { S: "-" } });

describe("opened again", () => {
  let house: House;
  beforeEach(async () => {
    house = await openHouse(onDisk);
  });
  afterEach(() => house.close());

  test("tables, items, index, request tokens and times to live go on", async () => {
    await createTable(house.dynamodb);
    const seconds = START / 1000;
    const ttl = { AttributeName: "expires", Enabled: true };
    await house.dynamodb.send(
      new UpdateTimeToLiveCommand({ TableName: TABLE, TimeToLiveSpecification: ttl }),
    );
    const open = { ...key("open"), openShard: { S: "0" }, dueAt: { N: "5" } };
    await house.dynamodb.send(new PutItemCommand({ TableName: TABLE, Item: open }));
    const expiring = { ...key("expiring"), expires: { N: String(seconds + 60) } };
    await house.dynamodb.send(new PutItemCommand({ TableName: TABLE, Item: expiring }));
    const values = { ExpressionAttributeValues: { ":one": { N: "1" } } };
    const update = { TableName: TABLE, Key: key("count"), UpdateExpression: "ADD n :one", ...values };
    const transaction = { TransactItems: [{ Update: update }], ClientRequestToken: "token-1" };
    await house.dynamodb.send(new TransactWriteItemsCommand(transaction));

    house = await house.reopened();
    const get = async (pk: string) =>
      (await house.dynamodb.send(new GetItemCommand({ TableName: TABLE, Key: key(pk) }))).Item;
    await house.dynamodb.send(new TransactWriteItemsCommand(transaction));
    expect((await get("count"))?.n).toEqual({ N: "1" });
    expect(await indexed(house, "0")).toEqual([open]);
    expect(await get("expiring")).toEqual(expiring);
    house.clock.moveTo(START + 60_000);
    expect(await get("expiring")).toBeUndefined();
  });

  test("secrets and their versions go on, in a file of their owner's alone", async () => {
    await house.secrets.send(new CreateSecretCommand({ Name: "empty" }));
    await house.secrets.send(new CreateSecretCommand({ Name: "key", SecretString: "one" }));
    await house.secrets.send(new PutSecretValueCommand({ SecretId: "key", SecretString: "two" }));
    house = await house.reopened();
    const get = (SecretId: string, VersionStage = "AWSCURRENT") =>
      house.secrets.send(new GetSecretValueCommand({ SecretId, VersionStage }));
    expect((await get("key")).SecretString).toBe("two");
    expect((await get("key", "AWSPREVIOUS")).SecretString).toBe("one");
    expect((await failure(get("empty"))).message).toMatch(/secret value for staging label/);
  });

  test("messages in flight stay in flight, counted, and what was sent lately is not taken again", async () => {
    const made = await house.sqs.send(
      new CreateQueueCommand({
        QueueName: "dca.fifo",
        Attributes: { FifoQueue: "true", VisibilityTimeout: "60" },
      }),
    );
    const queue = { QueueUrl: made.QueueUrl };
    const send = (body: string) => {
      const ids = { MessageGroupId: "a", MessageDeduplicationId: body };
      return house.sqs.send(new SendMessageCommand({ ...queue, MessageBody: body, ...ids }));
    };
    const receive = async () => {
      const names = { MessageSystemAttributeNames: ["ApproximateReceiveCount" as const] };
      const { Messages = [] } = await house.sqs.send(new ReceiveMessageCommand({ ...queue, ...names }));
      return Messages.map(({ Body, Attributes }) => [Body, Attributes?.ApproximateReceiveCount]);
    };
    const first = await send("first");
    await send("second");
    expect(await receive()).toEqual([["first", "1"]]);
    house = await house.reopened(); // On another port: the old URL still names the queue
    queue.QueueUrl = `${house.endpoint}/000000000000/dca.fifo`;
    expect(await receive()).toEqual([]);
    expect((await send("first")).SequenceNumber).toBe(first.SequenceNumber);
    house.clock.moveTo(START + 60_000);
    expect(await receive()).toEqual([["first", "2"]]);
  });

  test("a queue emptied before goes on with its numbers", async () => {
    const attributes = { FifoQueue: "true", ContentBasedDeduplication: "true" };
    const made = await house.sqs.send(
      new CreateQueueCommand({ QueueName: "q.fifo", Attributes: attributes }),
    );
    const send = async (QueueUrl: string, body: string) => {
      const message = { QueueUrl, MessageBody: body, MessageGroupId: "a" };
      return BigInt((await house.sqs.send(new SendMessageCommand(message))).SequenceNumber as string);
    };
    const before = await send(made.QueueUrl as string, "one");
    await house.sqs.send(new PurgeQueueCommand({ QueueUrl: made.QueueUrl }));
    house = await house.reopened();
    expect(await send(`${house.endpoint}/000000000000/q.fifo`, "two")).toBeGreaterThan(before);
  });

  test("published messages go on in order", async () => {
    const { TopicArn } = await house.sns.send(new CreateTopicCommand({ Name: "owner" }));
    for (const Message of times(12, String)) await house.sns.send(new PublishCommand({ TopicArn, Message }));
    const before = house.cloud.published();
    house = await house.reopened();
    expect(house.cloud.published()).toEqual(before);
    await house.sns.send(new PublishCommand({ TopicArn, Message: "next", Subject: "s" }));
    expect(house.cloud.published().map(({ message }) => message)).toEqual([...times(12, String), "next"]);
  });

  test("all of it is its owner's alone", async () => {
    await createTable(house.dynamodb);
    await house.secrets.send(new CreateSecretCommand({ Name: "key", SecretString: "one" }));
    const large = { S: "x".repeat(390_000) }; // More than 4 MB in all: LevelDB starts new files
    for (const n of times(12, String)) {
      await house.dynamodb.send(new PutItemCommand({ TableName: TABLE, Item: { ...key(n), large } }));
    }
    await house.cloud.close(); // LevelDB takes files away in the background
    const dir = house.dir as string;
    const names = (await readdir(dir, { recursive: true })).sort((a, b) => a.localeCompare(b));
    expect(names).toEqual(expect.arrayContaining(["secrets.json", "store", "version.json"]));
    const modes = await Promise.all(
      ["", ...names].map(async (name) => [name, (await stat(join(dir, name))).mode & 0o777] as const),
    );
    for (const [name, mode] of modes)
      expect([name, mode]).toEqual([name, ["", "store"].includes(name) ? 0o700 : 0o600]);
  });
});

const indexed = async (house: House, shard: string) => {
  const { Items = [] } = await house.dynamodb.send(
    new QueryCommand({
      TableName: TABLE,
      IndexName: "open",
      KeyConditionExpression: "openShard = :shard",
      ExpressionAttributeValues: { ":shard": { S: shard } },
    }),
  );
  return Items;
};

test("killed in the middle of transactions, each is there whole or not at all, and none that was answered is lost", async () => {
  const first = await openHouse(onDisk);
  await createTable(first.dynamodb);
  const dir = first.dir as string;
  await first.cloud.close();
  try {
    for (const round of [1, 2, 3]) {
      const answered = await killedAfter(dir, round * 1_000_000, 7 * round);
      const house = await openHouse(onDisk, { dir, clock: new VirtualClock({ startAt: START, rate: 0 }) });
      for (const lane of times(LANES, (n) => n)) {
        const { Items = [] } = await house.dynamodb.send(
          new QueryCommand({
            TableName: TABLE,
            ConsistentRead: true,
            KeyConditionExpression: "pk = :pk",
            ExpressionAttributeValues: { ":pk": { S: `lane-${lane}` } },
          }),
        );
        const generations = new Set(Items.map(({ dueAt }) => Number(dueAt?.N)));
        expect([Items.length, generations.size]).toEqual([ITEMS, 1]);
        expect([...generations][0]).toBeGreaterThanOrEqual(answered[lane] as number);
        expect(await indexed(house, `lane-${lane}`)).toEqual(expect.arrayContaining(Items));
        expect(await indexed(house, `lane-${lane}`)).toHaveLength(ITEMS);
      }
      await house.cloud.close();
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});

/**
 * Runs the writer until each lane has told three answers, and kills it `delayMs` later: at once it would always be
 * found between the same two steps. Returns each lane's last answer.
 */
async function killedAfter(dir: string, generation: number, delayMs: number): Promise<number[]> {
  const script = join(import.meta.dirname, "../support/cloud-writer.ts");
  const child = spawn(process.execPath, [script, dir, String(generation)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise((resolve) => child.once("close", resolve));
  const answered = times(LANES, () => 0);
  let isKilling = false;
  for await (const line of createInterface({ input: child.stdout })) {
    const [lane, last] = line.split(" ").map(Number) as [number, number];
    answered[lane] = last;
    if (isKilling || answered.some((each) => each < generation + 2)) continue;
    isKilling = true;
    setTimeout(() => child.kill("SIGKILL"), delayMs);
  }
  await ended;
  expect(child.signalCode).toBe("SIGKILL");
  return answered;
}

describe("a folder that cannot be used is refused in one sentence, and left as it is", () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "tide-cloud-"));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  const clock = new VirtualClock({ startAt: START, rate: 0 });
  const refusal = async (folder = dir) => {
    const error = await failure(openCloud({ clock, dir: folder }));
    expect(error).toBeInstanceOf(CloudError);
    expect(error.message).not.toContain("\n");
    return error.message;
  };

  test("one that another is using", async () => {
    const cloud = await openCloud({ clock, dir });
    expect(await refusal()).toBe(`${dir} is in use by another process; stop that one first`);
    await cloud.close();
    await (await openCloud({ clock, dir })).close();
  });

  test("one of another version", async () => {
    await (await openCloud({ clock, dir })).close();
    await writeFile(join(dir, "version.json"), '{"cloud":99}');
    const before = await readdir(dir, { recursive: true });
    expect(await refusal()).toBe(
      `${dir} holds state of version 99, this program reads version 1; nothing was changed`,
    );
    expect(await readdir(dir, { recursive: true })).toEqual(before);
  });

  test("one that holds something else", async () => {
    await writeFile(join(dir, "thesis.txt"), "dear");
    await chmod(dir, 0o755);
    expect(await refusal()).toMatch(/holds other files/);
    expect(await readdir(dir)).toEqual(["thesis.txt"]);
    expect((await stat(dir)).mode & 0o777).toBe(0o755);
  });

  test("one that is a file, and one that cannot be made", async () => {
    await writeFile(join(dir, "file"), "");
    expect(await refusal(join(dir, "file"))).toBe(`${join(dir, "file")} is not a folder`);
    expect(await refusal(join(dir, "file", "below"))).toMatch(/is not a folder/);
  });

  test("one whose secrets cannot be read, which stay as they are", async () => {
    await (await openCloud({ clock, dir })).close();
    await writeFile(join(dir, "secrets.json"), "{ half");
    expect(await refusal()).toMatch(/secrets\.json cannot be read/);
    expect(await readFile(join(dir, "secrets.json"), "utf8")).toBe("{ half");
    await mkdir(join(dir, "elsewhere"));
    await rm(join(dir, "secrets.json"));
    await (await openCloud({ clock, dir })).close(); // The lock was given back
  });
});

test("a port that is taken is named", async () => {
  const one = await openHouse({ reach: "socket", store: "memory" });
  const two = await openCloud({ clock: one.clock });
  const port = Number(new URL(one.endpoint).port);
  expect((await failure(two.listen(port))).message).toBe(`cannot listen on port ${port}: it is in use`);
  await two.close();
  await one.close();
});

test("closing lets a request end that is under way, and sends home a receiver that waits", async () => {
  const house = await openHouse({ reach: "socket", store: "memory" });
  await createTable(house.dynamodb);
  const { QueueUrl } = await house.sqs.send(new CreateQueueCommand({ QueueName: "q" }));
  const receiving = house.sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }));
  while (house.clock.nextDue() === undefined) await new Promise((resolve) => setImmediate(resolve));
  await house.cloud.close();
  expect((await receiving).Messages).toBeUndefined();
  await house.close();
});
