/** The line of the day: every day is told, once, and cries no wolf. */
import { afterEach, expect, test } from "vitest";
import { type House, openHouse, PLANS } from "../support/house.ts";

let house: House;
afterEach(() => house.close());

const lines = async () =>
  (await house.messages()).filter(({ id }) => id.startsWith("daily#")).map(({ text }) => text);

test("a day is told although nothing swept on the day after it", async () => {
  house = await openHouse();
  await house.fireSlot();
  await house.pass(2);
  // Off from Monday morning to Wednesday noon.
  house.clock.moveTo(Date.parse("2026-11-25T11:00:00Z"));
  await house.pass(3);
  expect(await lines()).toEqual([
    expect.stringContaining("2026-11-23 to 2026-11-24: 1 of 1 slot accounted for: 1 bought."),
  ]);
});

test("many missed slots are no slots without a run", async () => {
  const hourly = PLANS.replace("monday 08:00", "hour at :00").replace("catch-up within 2h", "skip");
  house = await openHouse({ plans: hourly });
  await house.sweep();
  house.clock.moveTo(Date.parse("2026-12-20T11:00:00Z"));
  await house.pass(5);
  expect(await lines()).toEqual([
    expect.stringMatching(
      /2026-11-23 to 2026-12-19: (\d+) of \1 slots accounted for: \1 missed\. Nothing spent\.$/,
    ),
  ]);
});

test("each day has its own line while something sweeps", async () => {
  house = await openHouse({ plans: PLANS.replace("monday 08:00", "day 08:00") });
  for (const day of ["23", "24", "25"]) {
    house.clock.moveTo(Date.parse(`2026-11-${day}T07:00:01Z`));
    await house.fireSlot(`2026-11-${day}T07:00Z`);
    await house.pass(2);
  }
  house.clock.moveTo(Date.parse("2026-11-26T03:00:00Z"));
  await house.pass(2);
  expect((await lines()).map((text) => text.replace(/^PLAY MONEY\. | Spent .*$/g, ""))).toEqual([
    "2026-11-23: 1 of 1 slot accounted for: 1 bought.",
    "2026-11-24: 1 of 1 slot accounted for: 1 bought.",
    "2026-11-25: 1 of 1 slot accounted for: 1 bought.",
  ]);
});

test("a slot that is bought late is no slot without a run", async () => {
  house = await openHouse({
    plans: PLANS.replace("monday 08:00", "monday 23:00").replace("within 2h", "within 12h"),
  });
  await house.sweep();
  house.clock.moveTo(Date.parse("2026-11-24T07:00:00Z"));
  await house.pass(5);
  expect(await lines()).toEqual([
    expect.stringContaining("2026-11-23: 1 of 1 slot accounted for: 1 bought."),
  ]);
});

test("slots that could not be looked at are waited for", async () => {
  let isBroken = false;
  house = await openHouse({
    plans: PLANS.replace("monday 08:00", "hour at :00").replace("catch-up within 2h", "skip"),
    around: (deps) => ({
      ...deps,
      books: {
        ...deps.books,
        async addMissed(...args) {
          if (!isBroken) return deps.books.addMissed(...args);
          isBroken = false;
          throw new Error("throttled");
        },
      },
    }),
  });
  await house.sweep();
  isBroken = true;
  house.clock.moveTo(Date.parse("2026-11-25T11:00:00Z"));
  await house.pass(5);
  expect(await lines()).toEqual([expect.not.stringContaining("WITHOUT A RUN")]);
});
