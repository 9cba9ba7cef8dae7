/** The two ways a call can fail: as AWS says it on the wire, or as the embedding program is told. */

/** An answer that AWS itself gives. `type` is the error's name, with AWS's namespace where AWS sends one. */
export class AwsError extends Error {
  readonly type: string;
  readonly status: number;
  /** Further members of the error's shape, such as `CancellationReasons`. */
  readonly members: Readonly<Record<string, unknown>>;

  constructor(
    type: string,
    message: string,
    more: { status?: number; members?: Record<string, unknown> } = {},
  ) {
    super(message);
    this.name = "AwsError";
    this.type = type;
    this.status = more.status ?? 400;
    this.members = more.members ?? {};
  }
}

/** The endpoint cannot be opened or used; the message is one sentence for the owner. */
export class CloudError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "CloudError";
  }
}

export const unknownOperation = (): AwsError =>
  new AwsError("com.amazon.coral.service#UnknownOperationException", "");

export const serializationError = (message: string): AwsError =>
  new AwsError("com.amazon.coral.service#SerializationException", message);
