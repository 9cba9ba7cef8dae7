/** A text that must not be printed. Only `reveal` gives it away; every other way to look at it says `[redacted]`. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return "[redacted]";
  }

  toJSON(): string {
    return "[redacted]";
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return "[redacted]";
  }
}

/** An API key of the exchange. The public part may be shown, the private part never. */
export type Credentials = {
  readonly apiKey: string;
  readonly privateKey: Secret;
  /** One-time password, for keys with two-factor login. */
  readonly otp?: string;
  /** The version of the stored secret these were read from. */
  readonly version: string;
};
