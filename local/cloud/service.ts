/** What the front knows of each AWS service behind it. */

/** The account in every ARN and queue URL. */
export const ACCOUNT = "000000000000";

export type Input = Readonly<Record<string, unknown>>;
export type Output = Record<string, unknown>;

export type Context = {
  /** How the caller reached this endpoint, `http://127.0.0.1:PORT`. */
  readonly origin: string;
  /** Waits on the clock; ends early when `wake` aborts, the caller goes away or the endpoint closes. */
  sleep(ms: number, wake?: AbortSignal): Promise<void>;
  /** The caller is gone or the endpoint closes: there is nobody to wait for. */
  isOver(): boolean;
};

export interface Service {
  readonly operations: readonly string[];
  call(operation: string, input: Input, context: Context): Promise<Output>;
}
