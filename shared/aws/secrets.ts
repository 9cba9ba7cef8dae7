/** API keys from Secrets Manager, kept in memory for five minutes at most, never anywhere else. */
import {
  GetSecretValueCommand,
  InvalidRequestException,
  ResourceNotFoundException,
  type SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import * as z from "zod";
import type { Secrets } from "../app/ports.ts";
import { type Credentials, Secret } from "../app/secret.ts";
import type { KeyUseKind } from "../domain/key-check.ts";
import { MINUTE_MS } from "../domain/time.ts";
import { type Patience, repeated } from "./retry.ts";

const CACHE_MS = 5 * MINUTE_MS;

/** What the secret holds. Unknown fields are refused: a secret of another program must not be used by mistake. */
const secretSchema = z.strictObject({
  apiKey: z.string().min(1),
  privateKey: z.string().min(1),
  otp: z.string().optional(),
});

export const secretText = (apiKey: string, privateKey: string): string =>
  JSON.stringify({ apiKey, privateKey });

export function awsSecrets(
  client: SecretsManagerClient,
  patience: Patience,
  nameOf: (account: string, use: KeyUseKind) => string,
): Secrets {
  const { clock } = patience;
  const cache = new Map<string, { readonly at: number; readonly credentials: Credentials | undefined }>();

  return {
    async credentials(account, use, fresh = false) {
      const name = nameOf(account, use);
      const known = cache.get(name);
      // An empty secret is not remembered: the owner is about to set it.
      if (!fresh && known?.credentials !== undefined && clock.monotonicMs() - known.at < CACHE_MS) {
        return known.credentials;
      }
      cache.delete(name);
      const credentials = await fetch(client, name, patience);
      cache.set(name, { at: clock.monotonicMs(), credentials });
      return credentials;
    },
  };
}

async function fetch(
  client: SecretsManagerClient,
  name: string,
  patience: Patience,
): Promise<Credentials | undefined> {
  try {
    const { SecretString, VersionId } = await repeated(patience, () =>
      client.send(new GetSecretValueCommand({ SecretId: name })),
    );
    if (SecretString === undefined) return undefined;
    const read = secretSchema.safeParse(parse(SecretString));
    // Never the cause: zod and JSON.parse quote what they read.
    if (!read.success)
      throw new Error(`secret ${name} does not hold {"apiKey", "privateKey"}; set it with \`tide keys set\``);
    return {
      apiKey: read.data.apiKey,
      privateKey: new Secret(read.data.privateKey),
      version: VersionId ?? "",
      ...(read.data.otp === undefined ? {} : { otp: read.data.otp }),
    };
  } catch (error) {
    // Not there, or marked for deletion: either way there is no key.
    if (error instanceof ResourceNotFoundException || error instanceof InvalidRequestException)
      return undefined;
    throw error;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
