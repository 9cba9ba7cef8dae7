/** When the power is cut: what was answered is there, transactions are whole, and files are the old ones or the new ones. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import {
  BatchWriteItemCommand,
  DeleteItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  UpdateTimeToLiveCommand,
} from "@aws-sdk/client-dynamodb";
import { CreateTopicCommand, PublishCommand } from "@aws-sdk/client-sns";
import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
} from "@aws-sdk/client-sqs";
import { afterEach, describe, expect, test } from "vitest";
import { plainFile } from "../../local/cloud/secrets.ts";
import { makeFolder } from "../../local/cloud/whole-file.ts";
import { openKeptKeys } from "../../local/keys/kept-keys.ts";
import { StateDir } from "../../local/machine/state-dir.ts";
import { seededChance } from "../support/chance.ts";
import { createTable, TABLE, times } from "../support/cloud-house.ts";
import { itemOf } from "../support/cloud-writer.ts";
import { WatchedFiles } from "../support/durability-files.ts";
import {
  afterTheCut,
  CuttableDisk,
  newFolder,
  openOn,
  type PowerHouse,
} from "../support/durability-store.ts";

const LANES = 3;
const ITEMS = 12;
const key = (pk: string) => ({ pk: { S: pk }, sk: { S: "-" } });

const folders: string[] = [];
const folder = () => {
  const made = newFolder();
  folders.push(made);
  return made;
};
afterEach(() => {
  for (const made of folders.splice(0)) rmSync(made, { recursive: true, force: true });
});

async function queueIn({ sqs }: PowerHouse): Promise<string> {
  const { QueueUrl } = await sqs.send(
    new CreateQueueCommand({
      QueueName: "q.fifo",
      Attributes: { FifoQueue: "true", VisibilityTimeout: "60" },
    }),
  );
  return QueueUrl!;
}
const messageOf = (QueueUrl: string, text: string) =>
  new SendMessageCommand({ QueueUrl, MessageBody: text, MessageGroupId: text, MessageDeduplicationId: text });

test("every write of every service waits for the disk before it is answered", async () => {
  const disk = new CuttableDisk();
  const house = await openOn(disk, folder());
  const { dynamodb, sqs, sns } = house;
  const waits = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    const before = disk.synced;
    const answer = await work();
    expect([what, disk.synced - before]).toEqual([what, 1]);
    return answer;
  };
  const TableName = TABLE;
  const Put = (pk: string) => ({ TableName, Item: key(pk) });
  await waits("CreateTable", () => createTable(dynamodb));
  const ttl = { AttributeName: "expires", Enabled: true };
  await waits("UpdateTimeToLive", () =>
    dynamodb.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification: ttl })),
  );
  await waits("PutItem", () => dynamodb.send(new PutItemCommand(Put("a"))));
  const add = { UpdateExpression: "ADD n :one", ExpressionAttributeValues: { ":one": { N: "1" } } };
  await waits("UpdateItem", () => dynamodb.send(new UpdateItemCommand({ TableName, Key: key("a"), ...add })));
  await waits("DeleteItem", () => dynamodb.send(new DeleteItemCommand({ TableName, Key: key("a") })));
  await waits("BatchWriteItem", () =>
    dynamodb.send(
      new BatchWriteItemCommand({ RequestItems: { [TABLE]: [{ PutRequest: { Item: key("b") } }] } }),
    ),
  );
  await waits("TransactWriteItems", () =>
    dynamodb.send(new TransactWriteItemsCommand({ TransactItems: [{ Put: Put("c") }, { Put: Put("d") }] })),
  );
  const QueueUrl = await waits("CreateQueue", () => queueIn(house));
  await waits("SendMessage", () => sqs.send(messageOf(QueueUrl, "one")));
  const receive = () => sqs.send(new ReceiveMessageCommand({ QueueUrl }));
  const { Messages } = await waits("ReceiveMessage", receive);
  const ReceiptHandle = Messages![0]!.ReceiptHandle!;
  const hidden = { QueueUrl, ReceiptHandle, VisibilityTimeout: 90 };
  await waits("ChangeMessageVisibility", () => sqs.send(new ChangeMessageVisibilityCommand(hidden)));
  await waits("DeleteMessage", () => sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle })));
  await sqs.send(messageOf(QueueUrl, "two"));
  await waits("PurgeQueue", () => sqs.send(new PurgeQueueCommand({ QueueUrl })));
  const { TopicArn } = await waits("CreateTopic", () => sns.send(new CreateTopicCommand({ Name: "t" })));
  await waits("Publish", () => sns.send(new PublishCommand({ TopicArn, Message: "m" })));
  expect(disk.unsynced).toBe(0);
  await house.cloud.close();
  disk.forget();
});

type Answered = {
  readonly generations: number[];
  count: number;
  readonly sent: Set<string>;
  readonly taken: Set<string>;
  /** Asked to be taken, with or without an answer. */
  readonly taking: Set<string>;
  readonly published: Set<string>;
};

/** Writers of every kind, each until it hears nothing more. */
function write({ dynamodb, sqs, sns }: PowerHouse, QueueUrl: string, TopicArn: string): Answered {
  const answered: Answered = {
    generations: times(LANES, () => 0),
    count: 0,
    sent: new Set(),
    taken: new Set(),
    taking: new Set(),
    published: new Set(),
  };
  const lane = async (at: number) => {
    for (let generation = 1; ; generation++) {
      const puts = times(ITEMS, (item) => ({
        Put: { TableName: TABLE, Item: itemOf(at, item, generation) },
      }));
      await dynamodb.send(new TransactWriteItemsCommand({ TransactItems: puts }));
      answered.generations[at] = generation;
    }
  };
  const counter = async () => {
    const add = { UpdateExpression: "ADD n :one", ExpressionAttributeValues: { ":one": { N: "1" } } };
    for (;;) {
      await dynamodb.send(new UpdateItemCommand({ TableName: TABLE, Key: key("count"), ...add }));
      answered.count++;
    }
  };
  const queue = async () => {
    for (let number = 0; ; number++) {
      await sqs.send(messageOf(QueueUrl, `m${number}`));
      answered.sent.add(`m${number}`);
      if (number % 3 !== 2) continue;
      const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl }));
      const { Body, ReceiptHandle } = Messages[0]!;
      answered.taking.add(Body!);
      await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
      answered.taken.add(Body!);
    }
  };
  const publisher = async () => {
    for (let number = 0; ; number++) {
      await sns.send(new PublishCommand({ TopicArn, Message: `p${number}` }));
      answered.published.add(`p${number}`);
    }
  };
  for (const writer of [...times(LANES, lane), counter(), queue(), publisher()]) writer.catch(() => {});
  return answered;
}

async function lost(house: PowerHouse, QueueUrl: string, answered: Answered): Promise<string[]> {
  const wrong: string[] = [];
  const query = async (pk: string) => {
    const values = { KeyConditionExpression: "pk = :pk", ExpressionAttributeValues: { ":pk": { S: pk } } };
    const asked = { TableName: TABLE, ConsistentRead: true, ...values };
    return (await house.dynamodb.send(new QueryCommand(asked))).Items ?? [];
  };
  for (const lane of times(LANES, (at) => at)) {
    const items = await query(`lane-${lane}`);
    const generations = new Set(items.map(({ dueAt }) => Number(dueAt?.N)));
    const at = [...generations][0] ?? 0;
    if (![0, ITEMS].includes(items.length) || generations.size > 1) wrong.push(`lane ${lane} is torn`);
    if (at < answered.generations[lane]! || at > answered.generations[lane]! + 1)
      wrong.push(`lane ${lane} is at ${at}, answered was ${answered.generations[lane]}`);
  }
  const count = Number((await query("count"))[0]?.n?.N ?? 0);
  if (count < answered.count || count > answered.count + 1)
    wrong.push(`counted ${count}, answered was ${answered.count}`);
  house.clock.moveTo(house.clock.now() + 61_000); // What was in flight shows up again
  const left = new Set<string>();
  for (;;) {
    const asked = { QueueUrl, MaxNumberOfMessages: 10 };
    const { Messages = [] } = await house.sqs.send(new ReceiveMessageCommand(asked));
    if (Messages.length === 0) break;
    for (const { Body } of Messages) left.add(Body!);
  }
  for (const text of answered.sent) {
    if (!left.has(text) && !answered.taking.has(text)) wrong.push(`message ${text} is gone`);
  }
  for (const text of answered.taken) if (left.has(text)) wrong.push(`message ${text} is back`);
  const published = new Set(house.cloud.published().map(({ message }) => message));
  for (const text of answered.published) if (!published.has(text)) wrong.push(`${text} is not published`);
  return wrong;
}

async function cutAndLook(at: number, when: "before" | "after") {
  const dir = folder();
  const disk = new CuttableDisk({ at, when });
  const house = await openOn(disk, dir);
  await createTable(house.dynamodb);
  const QueueUrl = await queueIn(house);
  const { TopicArn } = await house.sns.send(new CreateTopicCommand({ Name: "t" }));
  const answered = write(house, QueueUrl, TopicArn!);
  await disk.cut;
  // Answers that were on their way when the power went arrive; no further one does.
  for (let round = 0; round < 5; round++) await new Promise((resolve) => setImmediate(resolve));
  await afterTheCut(dir, disk);
  const after = await openOn(undefined, dir);
  const wrong = await lost(after, QueueUrl, answered);
  await after.cloud.close();
  disk.forget();
  return { wrong, answered };
}

describe("power cut at a random write, with writers of every kind at work", () => {
  const chance = seededChance(20_261_122);
  const points = times(8, () => 12 + Math.floor(chance.fraction() * 90));

  test.each(["before", "after"] as const)(
    "just %s it reaches the disk: nothing answered is lost, nothing is torn",
    async (when) => {
      let told = 0;
      for (const at of points) {
        const { wrong, answered } = await cutAndLook(at, when);
        expect([at, wrong]).toEqual([at, []]);
        told += answered.count + answered.sent.size + answered.published.size;
      }
      expect(told).toBeGreaterThan(60);
    },
  );
});

test("a new log of LevelDB has its name on the disk before a write in it is answered", async () => {
  const dir = folder();
  const house = await openOn(undefined, dir);
  await createTable(house.dynamodb);
  const files = new WatchedFiles();
  try {
    const large = { S: "x".repeat(380_000) };
    // LevelDB starts a new log after 4 MB.
    for (const number of times(13, String))
      await house.dynamodb.send(new PutItemCommand({ TableName: TABLE, Item: { ...key(number), large } }));
    expect(files.foldersSynced).toContain(join(dir, "store"));
  } finally {
    files.stop();
    await house.cloud.close();
  }
});

describe("a file of the state folder, with the power cut between any two steps of writing it", () => {
  const kept = { seed: 1, clockAt: 5, clockStart: 5, exchange: "kraken" };
  const cases: Record<string, (dir: string) => Promise<readonly [path: string, write: () => void]>> = {
    "machine.json": async (dir) => {
      const state = StateDir.open(dir, kept);
      return [join(dir, "machine.json"), () => state.keep({ clockAt: state.kept.clockAt + 1 })];
    },
    "the sealed keys": async (dir) => {
      const path = join(dir, "keys.sealed");
      const keys = await openKeptKeys(path, "a passphrase of some length");
      return [path, () => keys.write("{}")];
    },
    "the sandbox's keys": async (dir) => {
      const path = join(dir, "secrets.json");
      let count = 0;
      return [path, () => plainFile(path).write(`{"count":${count++}}`)];
    },
  };

  test.each(Object.keys(cases))(
    "%s is the old one or the new one, and surely the new one at the end",
    async (name) => {
      const files = new WatchedFiles();
      try {
        const [path, write] = await cases[name]!(folder());
        write();
        const texts = [files.sure(path)];
        expect(texts[0]).toBeTruthy();
        for (let change = 0; change < 3; change++) {
          const found = new Set<string | undefined>();
          files.onStep = () => {
            for (const text of files.possible(path)) found.add(text);
          };
          write();
          texts.push(files.sure(path));
          // Two texts, no third: the old one and the new one.
          expect([...found].sort()).toEqual([...new Set(texts.slice(-2))].sort());
          expect(found.size).toBe(2);
        }
      } finally {
        files.stop();
      }
    },
  );

  test("a new folder has its name, and those above it, on the disk when it is made", () => {
    const files = new WatchedFiles();
    const top = folder();
    try {
      makeFolder(join(top, "a", "b"));
      expect(new Set(files.foldersSynced)).toEqual(new Set([top, join(top, "a")]));
    } finally {
      files.stop();
    }
  });
});
