/** Whether the clock of a machine with real money may be believed. */
import { expect, test } from "vitest";
import { VirtualClock } from "../../local/clock.ts";
import { ClockGuard } from "../../local/machine/clock-guard.ts";
import { epochMs } from "../../shared/domain/time.ts";

const START = Date.parse("2026-11-23T07:00:00Z");

function house() {
  const clock = new VirtualClock({ startAt: START, rate: 0 });
  const kraken = { offMs: 0, answers: true };
  const guard = new ClockGuard(clock, {
    now: async () => {
      if (!kraken.answers) throw new Error("no answer");
      return epochMs(clock.now() - kraken.offMs);
    },
  });
  return { clock, kraken, need: () => guard.needRightClock() };
}

test.each([
  [30_001, "30 s ahead of"],
  [8 * 86_400_000, "691200 s ahead of"],
  [-3_600_000, "3600 s behind"],
])("a clock that is %i ms off is not believed", async (offMs, what) => {
  const { kraken, need } = house();
  kraken.offMs = offMs;
  await expect(need()).rejects.toThrow(`this machine's clock is ${what} Kraken's`);
});

test("one that is off by less is", async () => {
  const { kraken, need } = house();
  for (kraken.offMs of [0, 30_000, -30_000]) await need();
});

test("while Kraken does not answer, one that was right before and ran on evenly is", async () => {
  const { clock, kraken, need } = house();
  await need();
  kraken.answers = false;
  clock.moveTo(START + 3_600_000);
  await need();
});

test("without any answer yet it is not", async () => {
  const { kraken, need } = house();
  kraken.answers = false;
  await expect(need()).rejects.toThrow("has not been compared with it");
});
