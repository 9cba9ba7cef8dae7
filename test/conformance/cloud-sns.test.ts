/** What is published is kept in order, with the time of the given clock, for the program to show. */
import {
  ConfirmSubscriptionCommand,
  CreateTopicCommand,
  ListSubscriptionsByTopicCommand,
  ListTopicsCommand,
  PublishCommand,
  SetTopicAttributesCommand,
  SubscribeCommand,
} from "@aws-sdk/client-sns";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { failure, type House, openHouse, START, ways } from "../support/cloud-house.ts";

describe.each(ways)("SNS ($reach, $store)", (way) => {
  let house: House;
  let topic: string;
  beforeEach(async () => {
    house = await openHouse(way);
    topic = (await house.sns.send(new CreateTopicCommand({ Name: "tidekeeper-owner" }))).TopicArn as string;
  });
  afterEach(() => house.close());

  const publish = (message: string, more = {}) =>
    house.sns.send(new PublishCommand({ TopicArn: topic, Message: message, ...more }));

  test("messages are kept as they were published, oldest first", async () => {
    const text = 'PLAY MONEY: 0.00199 BTC for < 100 EUR & "fees"\r\n+1% ü€😀';
    const attributes = { plan: { DataType: "String", StringValue: "btc-weekly" } };
    const first = await publish(text, { Subject: "Bought & settled", MessageAttributes: attributes });
    house.clock.moveTo(START + 60_000);
    await publish("second");
    expect(house.cloud.published()).toEqual([
      {
        at: START,
        topic,
        subject: "Bought & settled",
        message: text,
        id: first.MessageId,
        attributes: { plan: "btc-weekly" },
      },
      {
        at: START + 60_000,
        topic,
        subject: undefined,
        message: "second",
        id: expect.any(String),
        attributes: {},
      },
    ]);
  });

  test("a topic is made once and listed", async () => {
    await house.sns.send(new CreateTopicCommand({ Name: "tidekeeper-owner" }));
    const { Topics } = await house.sns.send(new ListTopicsCommand({}));
    expect(Topics).toEqual([{ TopicArn: "arn:aws:sns:us-east-1:000000000000:tidekeeper-owner" }]);
  });

  test("a missing topic, a subject AWS would refuse, and an unknown action are refused", async () => {
    expect((await failure(publish("m", { TopicArn: `${topic}-not` }))).name).toBe("NotFoundException");
    expect((await failure(publish("m", { Subject: "two\nlines" }))).name).toBe("InvalidParameterException");
    expect((await failure(publish("m", { Subject: "x".repeat(101) }))).name).toBe(
      "InvalidParameterException",
    );
    const unknown = new SetTopicAttributesCommand({ TopicArn: topic, AttributeName: "DisplayName" });
    expect((await failure(house.sns.send(unknown))).name).toBe("InvalidAction");
    expect(house.cloud.published()).toEqual([]);
  });

  test("a mail address hears nothing before its owner has confirmed it, also after asking twice", async () => {
    const subscribe = (Endpoint = "owner@example.org", Protocol = "email") =>
      house.sns.send(new SubscribeCommand({ TopicArn: topic, Protocol, Endpoint }));
    const confirm = (Token: string) =>
      house.sns.send(new ConfirmSubscriptionCommand({ TopicArn: topic, Token }));
    const listed = async () =>
      (await house.sns.send(new ListSubscriptionsByTopicCommand({ TopicArn: topic }))).Subscriptions?.map(
        ({ Endpoint, SubscriptionArn }) => [Endpoint, SubscriptionArn],
      ) ?? [];
    expect(await listed()).toEqual([]);
    expect((await subscribe()).SubscriptionArn).toBe("pending confirmation");
    await subscribe();
    expect(await listed()).toEqual([["owner@example.org", "PendingConfirmation"]]);
    const { SubscriptionArn } = await confirm("owner@example.org");
    expect(SubscriptionArn).toMatch(new RegExp(`^${topic}:`));
    await subscribe();
    expect(await listed()).toEqual([["owner@example.org", SubscriptionArn]]);
    expect((await failure(confirm("thief@example.org"))).name).toBe("InvalidParameterException");
    expect((await failure(subscribe("https://example.org", "https"))).name).toBe("InvalidParameterException");
  });
});
