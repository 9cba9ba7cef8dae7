/** What the machine itself understands of the control door's requests. */

const SECONDS_MAX = 315_360_000;

export type ControlReply = { readonly status: number; readonly body: string };

export const controlReply = (status: number, value: unknown): ControlReply => ({
  status,
  body: JSON.stringify(value),
});

/** `{"seconds": N}` of an advance, or the refusal, in the words of the sandbox. */
export function secondsIn(body: string): number | ControlReply {
  let seconds: unknown;
  try {
    seconds = (JSON.parse(body) as { seconds?: unknown } | null)?.seconds;
  } catch {
    return controlReply(400, { error: "the body is not JSON" });
  }
  if (typeof seconds === "number" && seconds >= 0 && seconds <= SECONDS_MAX) return seconds;
  return controlReply(400, {
    error: `seconds: a number from 0 to ten years, was ${JSON.stringify(seconds)}`,
  });
}
