/** What the machine itself understands of the control door's requests. */

/** `{"seconds": N}` of an advance; undefined when it is not that. */
export function secondsIn(body: string): number | undefined {
  try {
    const { seconds } = JSON.parse(body) as { seconds?: unknown };
    return typeof seconds === "number" && seconds > 0 && Number.isFinite(seconds) ? seconds : undefined;
  } catch {
    return undefined;
  }
}
