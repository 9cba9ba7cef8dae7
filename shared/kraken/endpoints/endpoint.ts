/**
 * What an endpoint is. To add one: a file here with its arguments, the fields they become and the schema of the answer;
 * its cost in costs.ts when that is not 1; a sample of request and answer in the kraken-endpoints tests.
 */
import type * as z from "zod";
import type { Fields } from "../body.ts";
import { costOfCall } from "../costs.ts";

export type Endpoint<Args, Answer> = {
  /** The last part of the path. */
  readonly name: string;
  readonly access: "public" | "private";
  readonly path: string;
  /** Points on the key's counter; 0 for public calls. */
  readonly cost: number;
  /** Changes something at Kraken: sent once, never again. */
  readonly isWrite: boolean;
  readonly fields: (args: Args) => Fields;
  readonly answer: z.ZodType<Answer>;
};

export type PublicEndpoint<Args, Answer> = Endpoint<Args, Answer> & { readonly access: "public" };
export type PrivateEndpoint<Args, Answer> = Endpoint<Args, Answer> & { readonly access: "private" };

type Parts<Args, Answer> = Pick<Endpoint<Args, Answer>, "name" | "fields" | "answer">;

export const publicRead = <Args, Answer>(parts: Parts<Args, Answer>): PublicEndpoint<Args, Answer> => ({
  ...parts,
  access: "public",
  path: `/0/public/${parts.name}`,
  cost: 0,
  isWrite: false,
});

export const privateRead = <Args, Answer>(parts: Parts<Args, Answer>): PrivateEndpoint<Args, Answer> => ({
  ...parts,
  access: "private",
  path: `/0/private/${parts.name}`,
  cost: costOfCall(parts.name),
  isWrite: false,
});

export const privateWrite = <Args, Answer>(parts: Parts<Args, Answer>): PrivateEndpoint<Args, Answer> => ({
  ...privateRead(parts),
  isWrite: true,
});
