/** What a verb is given, and how it fails for what its caller can mend. */

export type Options = {
  readonly state: string;
  readonly plans?: string;
  readonly exchange?: string;
  readonly json?: boolean;
  readonly count?: number;
  readonly yes?: boolean;
  readonly key?: string;
  readonly account?: string;
  readonly use?: string;
  readonly egress?: string;
  readonly region?: string;
  readonly natZones?: string;
  readonly aws?: boolean;
  /** Where the deploy wrote what it made. */
  readonly outputs?: string;
  readonly explain?: boolean;
  readonly withState?: boolean;
};

export type Given = { readonly args: readonly string[]; readonly options: Options };

/** Answers the exit code. */
export type Verb = (given: Given) => Promise<number>;

/** What was asked cannot be done as it was asked; the text says what to write instead. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "UsageError";
  }
}
