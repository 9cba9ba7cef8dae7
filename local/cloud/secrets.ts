/**
 * Secrets Manager. A secret may exist without a value, as one that infrastructure makes and its owner fills later.
 *
 * All secrets are one file of their own, replaced whole at each change, so that a value that has been rotated away is
 * gone from the disk with its version. Where the keys are real money's, that file is sealed (local/keys).
 */
import { randomBytes, randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import type { Clock } from "../../shared/app/clock.ts";
import { AwsError, CloudError, unknownOperation } from "./errors.ts";
import { textIn, textsIn, wholeIn } from "./input.ts";
import { ACCOUNT, type Input, type Output, type Service } from "./service.ts";
import { Turns } from "./turns.ts";
import { writeWhole } from "./whole-file.ts";

type Version = {
  readonly id: string;
  readonly stages: readonly string[];
  readonly at: number;
  readonly text?: string;
  /** Base64, as on the wire. */
  readonly binary?: string;
};
type Secret = {
  readonly arn: string;
  readonly name: string;
  readonly description?: string;
  readonly tags?: unknown;
  readonly createdAt: number;
  readonly changedAt: number;
  /** Newest first. */
  readonly versions: readonly Version[];
};

/** Where the text of all secrets is kept. What `write` was given is on the disk when it returns. */
export interface SecretsFile {
  /** Told in errors. */
  readonly path: string;
  /** Undefined when nothing has been written yet. */
  read(): string | undefined;
  write(text: string): void;
}

export const plainFile = (path: string): SecretsFile => ({
  path,
  read: () => (existsSync(path) ? readFileSync(path, "utf8") : undefined),
  write: (text) => writeWhole(path, text),
});

const CURRENT = "AWSCURRENT";
const PREVIOUS = "AWSPREVIOUS";
/** AWS drops versions without a stage some time after a hundred; here the few are enough. */
const VERSIONS_MAX = 10;

const operations = ["CreateSecret", "DescribeSecret", "GetSecretValue", "ListSecrets", "PutSecretValue"];

export class Secrets implements Service {
  readonly operations = operations;
  readonly #clock: Clock;
  readonly #region: string;
  readonly #file: SecretsFile | undefined;
  readonly #turns = new Turns();
  #secrets: readonly Secret[];

  private constructor(
    file: SecretsFile | undefined,
    clock: Clock,
    region: string,
    secrets: readonly Secret[],
  ) {
    this.#file = file;
    this.#clock = clock;
    this.#region = region;
    this.#secrets = secrets;
  }

  /** Without a file, secrets are in memory alone. */
  static open(file: SecretsFile | undefined, clock: Clock, region: string): Secrets {
    return new Secrets(file, clock, region, file === undefined ? [] : secretsIn(file));
  }

  async call(operation: string, input: Input): Promise<Output> {
    switch (operation) {
      case "CreateSecret":
        return this.#turns.take(() => this.#create(input));
      case "PutSecretValue":
        return this.#turns.take(() => this.#put(input));
      case "GetSecretValue":
        return secretValue(this.#find(input), textIn(input, "VersionId"), textIn(input, "VersionStage"));
      case "DescribeSecret":
        return describe(this.#find(input), "VersionIdsToStages");
      case "ListSecrets":
        return this.#list(input);
      default:
        throw unknownOperation();
    }
  }

  async #create(input: Input): Promise<Output> {
    const name = textIn(input, "Name") ?? "";
    if (!/^[\w/+=.@-]{1,512}$/.test(name)) {
      throw refused(
        "ValidationException",
        "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
      );
    }
    const version = versionIn(input, this.#clock.now());
    const known = this.#secrets.find((secret) => secret.name === name);
    if (known !== undefined) {
      const same = version && known.versions.find(({ id }) => id === version.id);
      if (same && sameValue(same, version)) return { ARN: known.arn, Name: name, VersionId: same.id };
      throw refused(
        "ResourceExistsException",
        `The operation failed because the secret ${name} already exists.`,
      );
    }
    const description = textIn(input, "Description");
    const now = this.#clock.now();
    const secret: Secret = {
      // AWS ends each ARN in six characters of chance, so that a name used again is another secret.
      arn: `arn:aws:secretsmanager:${this.#region}:${ACCOUNT}:secret:${name}-${suffix()}`,
      name,
      ...(description === undefined ? {} : { description }),
      ...(input.Tags === undefined ? {} : { tags: input.Tags }),
      createdAt: now,
      changedAt: now,
      versions: version === undefined ? [] : [version],
    };
    await this.#save([...this.#secrets, secret]);
    return { ARN: secret.arn, Name: name, ...(version === undefined ? {} : { VersionId: version.id }) };
  }

  async #put(input: Input): Promise<Output> {
    const secret = this.#find(input);
    const now = this.#clock.now();
    const version = versionIn(input, now);
    if (version === undefined) {
      throw refused("InvalidRequestException", "You must provide either SecretString or SecretBinary.");
    }
    const same = secret.versions.find(({ id }) => id === version.id);
    if (same !== undefined && !sameValue(same, version)) {
      throw refused(
        "ResourceExistsException",
        `You can't use ClientRequestToken ${version.id} because that value is already in use for a version of secret ${secret.arn}.`,
      );
    }
    const stored = same ?? version;
    if (same === undefined) {
      const versions = [version, ...withoutStages(secret.versions, version.stages)].slice(0, VERSIONS_MAX);
      const changed = { ...secret, changedAt: now, versions };
      await this.#save(this.#secrets.map((other) => (other === secret ? changed : other)));
    }
    return { ARN: secret.arn, Name: secret.name, VersionId: stored.id, VersionStages: stored.stages };
  }

  #find(input: Input): Secret {
    const id = textIn(input, "SecretId") ?? "";
    const found = this.#secrets.find(
      ({ arn, name }) => name === id || arn === id || arn.slice(0, -"-AbCdEf".length) === id,
    );
    if (found !== undefined) return found;
    throw refused("ResourceNotFoundException", "Secrets Manager can't find the specified secret.");
  }

  #list(input: Input): Output {
    const filters = (input.Filters ?? []) as { Key?: unknown; Values?: unknown[] }[];
    if (filters.some(({ Key }) => Key !== "name")) {
      throw refused("InvalidParameterException", "The embedded endpoint filters secrets by name only.");
    }
    const matches = ({ name }: Secret) =>
      filters.every(({ Values = [] }) => Values.some((start) => name.startsWith(String(start))));
    const all = this.#secrets.filter(matches);
    const from = Number(textIn(input, "NextToken") ?? 0);
    const to = from + (wholeIn(input, "MaxResults") ?? 100);
    return {
      SecretList: all.slice(from, to).map((secret) => describe(secret, "SecretVersionsToStages")),
      ...(to < all.length ? { NextToken: String(to) } : {}),
    };
  }

  async #save(secrets: readonly Secret[]): Promise<void> {
    this.#file?.write(JSON.stringify({ secrets }, undefined, 2));
    this.#secrets = secrets;
  }
}

function secretsIn(file: SecretsFile): readonly Secret[] {
  try {
    const text = file.read();
    if (text === undefined) return [];
    return (JSON.parse(text) as { secrets: Secret[] }).secrets;
  } catch {
    // Without the cause: it quotes what it read.
    throw new CloudError(`${file.path} cannot be read as the secrets that were written there`);
  }
}

function versionIn(input: Input, now: number): Version | undefined {
  const text = textIn(input, "SecretString");
  const binary = textIn(input, "SecretBinary");
  if (text !== undefined && binary !== undefined) {
    throw refused("InvalidParameterException", "You can't specify both SecretString and SecretBinary.");
  }
  if (text === undefined && binary === undefined) return undefined;
  const stages = textsIn(input, "VersionStages");
  return {
    id: textIn(input, "ClientRequestToken") ?? randomUUID(),
    stages: stages.length === 0 ? [CURRENT] : stages,
    at: now,
    ...(text === undefined ? {} : { text }),
    ...(binary === undefined ? {} : { binary }),
  };
}

/** A stage is on one version at a time; what was current becomes the previous one. */
function withoutStages(versions: readonly Version[], moved: readonly string[]): Version[] {
  const promotes = moved.includes(CURRENT) && versions.some(({ stages }) => stages.includes(CURRENT));
  const gone = promotes ? [...moved, PREVIOUS] : moved;
  return versions.map((version) => {
    const kept = version.stages.filter((stage) => !gone.includes(stage));
    return { ...version, stages: version.stages.includes(CURRENT) && promotes ? [...kept, PREVIOUS] : kept };
  });
}

function secretValue(secret: Secret, id: string | undefined, stage: string | undefined): Output {
  const wanted = stage ?? (id === undefined ? CURRENT : undefined);
  const byId = id === undefined ? secret.versions : secret.versions.filter((version) => version.id === id);
  const what = id === undefined ? `staging label: ${wanted}` : `VersionId: ${id}`;
  if (id !== undefined && byId.length > 0 && wanted !== undefined && !byId[0]?.stages.includes(wanted)) {
    throw refused(
      "InvalidRequestException",
      "You provided a VersionStage that is not associated to the provided VersionId.",
    );
  }
  const version = byId.find(({ stages }) => wanted === undefined || stages.includes(wanted));
  if (version === undefined) {
    throw refused(
      "ResourceNotFoundException",
      `Secrets Manager can't find the specified secret value for ${what}`,
    );
  }
  return {
    ARN: secret.arn,
    Name: secret.name,
    VersionId: version.id,
    VersionStages: version.stages,
    CreatedDate: version.at / 1000,
    ...(version.text === undefined ? { SecretBinary: version.binary } : { SecretString: version.text }),
  };
}

function describe(secret: Secret, stagesMember: string): Output {
  const staged = secret.versions.filter(({ stages }) => stages.length > 0);
  return {
    ARN: secret.arn,
    Name: secret.name,
    ...(secret.description === undefined ? {} : { Description: secret.description }),
    ...(secret.tags === undefined ? {} : { Tags: secret.tags }),
    CreatedDate: secret.createdAt / 1000,
    LastChangedDate: secret.changedAt / 1000,
    ...(staged.length === 0
      ? {}
      : { [stagesMember]: Object.fromEntries(staged.map(({ id, stages }) => [id, stages])) }),
  };
}

const sameValue = (a: Version, b: Version) => a.text === b.text && a.binary === b.binary;

const suffix = () =>
  randomBytes(16)
    .toString("base64")
    .replace(/[^A-Za-z0-9]/g, "")
    .slice(0, 6);

const refused = (type: string, message: string) => new AwsError(type, message);
