import { expect, test } from "vitest";
import { VirtualClock } from "../../local/clock.ts";
import { openDatabase, under } from "../../local/cloud/database.ts";
import { Sns } from "../../local/cloud/sns.ts";

test("the last ten thousand published messages are kept, in memory and in the store", async () => {
  const database = await openDatabase(undefined);
  const clock = new VirtualClock({ startAt: 1, rate: 0 });
  const sns = await Sns.open(database, clock, "us-east-1");
  const { TopicArn } = await sns.call("CreateTopic", { Name: "owner" });
  for (let n = 1; n <= 10_003; n += 1) await sns.call("Publish", { TopicArn, Message: String(n) });
  for (const each of [sns, await Sns.open(database, clock, "us-east-1")]) {
    expect(each.published()).toHaveLength(10_000);
    expect(each.published()[0]?.message).toBe("4"); // 10,003 published, the first 3 gone
    expect(each.published().at(-1)?.message).toBe("10003");
  }
  let stored = 0;
  for await (const _ of database.values(under("published~"))) stored += 1;
  expect(stored).toBe(10_000);
});
