/** The sweep goes on where one thing is broken: other messages, other plans, other runs. */
import { afterEach, expect, test } from "vitest";
import type { Deps } from "../../shared/app/ports.ts";
import { type House, type HouseOptions, openHouse, PLANS, SLOT } from "../support/house.ts";

let house: House;
const open = async (options: HouseOptions = {}) => {
  house = await openHouse(options);
};
afterEach(() => house.close());

const note = (id: string) =>
  house.deps.books.addMessage("main", { id, at: house.clock.now(), subject: id, text: id });
const sentAt = async (id: string) => (await house.messages()).find((message) => message.id === id)?.sentAt;

const refusing =
  (isRefused: (id: string) => boolean) =>
  (deps: Deps): Deps => ({
    ...deps,
    notifier: {
      publish: (account, message) =>
        isRefused(message.id)
          ? Promise.reject(new Error("InvalidParameter"))
          : deps.notifier.publish(account, message),
    },
  });

test("a message that cannot be told keeps no other from being told, and is seen to fail", async () => {
  await open({ around: refusing((id) => id === "a") });
  await note("a");
  house.clock.moveTo(house.clock.now() + 1000);
  await note("b");
  await house.pass(2);
  expect(await sentAt("a")).toBeUndefined();
  expect(await sentAt("b")).toBeDefined();
  expect(String(house.failures[0])).toContain("InvalidParameter");
});

test("a run that is due is found behind any number of messages that cannot be told", async () => {
  await open({ around: refusing(() => true) });
  for (let index = 0; index < 205; index++) await note(`stuck${index}`);
  await house.faults([{ endpoint: "AddOrder", fault: "drop-request", times: 1 }]);
  await house.fireSlot();
  await house.pass(5);
  expect((await house.run()).run.outcome).toBe("bought");
});

test("a plan that cannot be accounted for keeps no other from it, and is seen to fail", async () => {
  const second = "  - id: eth-weekly\n    buy: 20 EUR of ETH\n    every: monday 08:00\n";
  await open({ plans: `${PLANS}${second}    ifMissed: catch-up within 2h\n` });
  await note("a");
  await house.restart((deps) => ({
    ...deps,
    books: {
      ...deps.books,
      run: (account, id) =>
        id.startsWith("btc-weekly")
          ? Promise.reject(new Error("written by another version"))
          : deps.books.run(account, id),
    },
  }));
  house.clock.moveTo(Date.parse("2026-11-23T07:30:00Z"));
  await house.sweep();
  expect((await house.deps.books.run("main", `eth-weekly@${SLOT}`))?.run.outcome).toBe("bought");
  expect(await sentAt("a")).toBeDefined();
  expect(String(house.failures[0])).toContain("another version");
});
