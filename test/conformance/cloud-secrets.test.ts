/** Secrets with their versions, also a secret whose owner has not filled it yet. */
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  type GetSecretValueCommandInput,
  ListSecretsCommand,
  PutSecretValueCommand,
  UpdateSecretCommand,
} from "@aws-sdk/client-secrets-manager";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { failure, type House, openHouse, START, ways } from "../support/cloud-house.ts";

const NAME = "tidekeeper/main/trade";

describe.each(ways)("Secrets Manager ($reach, $store)", (way) => {
  let house: House;
  beforeEach(async () => {
    house = await openHouse(way);
  });
  afterEach(() => house.close());

  const create = (value?: string) =>
    house.secrets.send(
      new CreateSecretCommand({ Name: NAME, SecretString: value, Description: "trade key" }),
    );
  const put = (value: string, token?: string) =>
    house.secrets.send(
      new PutSecretValueCommand({ SecretId: NAME, SecretString: value, ClientRequestToken: token }),
    );
  const get = (more: Partial<GetSecretValueCommandInput> = {}) =>
    house.secrets.send(new GetSecretValueCommand({ SecretId: NAME, ...more }));

  test("a secret without a value exists, and its value is not found in AWS's words", async () => {
    const made = await create();
    expect(made.VersionId).toBeUndefined();
    const empty = await failure(get());
    expect(empty.name).toBe("ResourceNotFoundException");
    expect(empty.message).toBe(
      "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
    );
    await put("filled later");
    expect((await get()).SecretString).toBe("filled later");
  });

  test("a secret that was never made is not found, in other words", async () => {
    expect((await failure(get())).message).toBe("Secrets Manager can't find the specified secret.");
  });

  test("a new value is current, the one before it previous, and older ones have no stage", async () => {
    const first = await create("one");
    const second = await put("two");
    expect(await get()).toMatchObject({
      SecretString: "two",
      VersionId: second.VersionId,
      VersionStages: ["AWSCURRENT"],
    });
    expect(await get({ VersionStage: "AWSPREVIOUS" })).toMatchObject({
      SecretString: "one",
      VersionId: first.VersionId,
    });
    const third = await put("three");
    expect((await get({ VersionStage: "AWSPREVIOUS" })).SecretString).toBe("two");
    expect((await get({ VersionId: first.VersionId })).SecretString).toBe("one");
    const { VersionIdsToStages } = await house.secrets.send(new DescribeSecretCommand({ SecretId: NAME }));
    expect(VersionIdsToStages).toEqual({
      [third.VersionId as string]: ["AWSCURRENT"],
      [second.VersionId as string]: ["AWSPREVIOUS"],
    });
  });

  test("a value may wait under a stage of its own until it is needed", async () => {
    await create("one");
    await house.secrets.send(
      new PutSecretValueCommand({ SecretId: NAME, SecretString: "two", VersionStages: ["AWSPENDING"] }),
    );
    expect((await get()).SecretString).toBe("one");
    expect((await get({ VersionStage: "AWSPENDING" })).SecretString).toBe("two");
  });

  test("the same token puts a value once, and never another value", async () => {
    await create("one");
    const token = "11111111-2222-4333-8444-555555555555";
    expect((await put("two", token)).VersionId).toBe(token);
    await put("two", token);
    expect((await get({ VersionStage: "AWSPREVIOUS" })).SecretString).toBe("one");
    expect((await failure(put("three", token))).name).toBe("ResourceExistsException");
    expect((await get()).SecretString).toBe("two");
  });

  test("a name is taken once, and a secret is found by name, by ARN and by ARN without its end", async () => {
    const { ARN = "" } = await create("one");
    expect(ARN).toMatch(
      /^arn:aws:secretsmanager:us-east-1:000000000000:secret:tidekeeper\/main\/trade-[A-Za-z0-9]{6}$/,
    );
    expect((await failure(create("two"))).name).toBe("ResourceExistsException");
    expect((await get({ SecretId: ARN })).SecretString).toBe("one");
    expect((await get({ SecretId: ARN.slice(0, -7) })).SecretString).toBe("one");
    expect((await get()).CreatedDate?.getTime()).toBe(START);
  });

  test("bytes come back as they went in", async () => {
    await create();
    const bytes = Uint8Array.from([0, 1, 254, 255]);
    await house.secrets.send(new PutSecretValueCommand({ SecretId: NAME, SecretBinary: bytes }));
    expect(Uint8Array.from((await get()).SecretBinary ?? [])).toEqual(bytes);
  });

  test("the list tells what is there and no values", async () => {
    await create("hidden");
    await house.secrets.send(new CreateSecretCommand({ Name: "other" }));
    const all = await house.secrets.send(new ListSecretsCommand({}));
    expect(all.SecretList?.map(({ Name }) => Name)).toEqual([NAME, "other"]);
    expect(JSON.stringify(all.SecretList)).not.toContain("hidden");
    const filters = [{ Key: "name" as const, Values: ["tide"] }];
    const some = await house.secrets.send(new ListSecretsCommand({ Filters: filters }));
    expect(some.SecretList?.map(({ Description }) => Description)).toEqual(["trade key"]);
  });

  test("an operation it does not speak is refused", async () => {
    await create("one");
    const update = house.secrets.send(new UpdateSecretCommand({ SecretId: NAME, SecretString: "two" }));
    expect((await failure(update)).name).toBe("UnknownOperationException");
  });
});
