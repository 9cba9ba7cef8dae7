/** Each account of tide.yaml has an account of its own at the sandbox, as it needs one at Kraken. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { VirtualClock } from "../../local/clock.ts";
import { accountsFor, DEFAULT_ACCOUNTS, sandboxKeyName } from "../../local/sandbox/accounts.ts";
import { openSandbox, type Sandbox } from "../../local/sandbox/sandbox.ts";
import { TIERS } from "../../shared/domain/rate-counter.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "tidekeeper-accounts-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const anna = { name: "anna", tier: TIERS.pro };
const ben = { name: "ben", tier: TIERS.starter };
const main = { name: "main", tier: TIERS.starter };

const opened = async (accounts: readonly (typeof anna | typeof ben)[], work: (sandbox: Sandbox) => void) => {
  const clock = new VirtualClock({ startAt: 0, rate: 0 });
  const sandbox = await openSandbox({ clock, seed: 1, dir, accounts: accountsFor(accounts) });
  try {
    work(sandbox);
  } finally {
    await sandbox.close();
    clock.stop();
  }
};

test("an account alone has the default one, whatever it is called", () => {
  expect(accountsFor([anna])).toEqual(DEFAULT_ACCOUNTS);
  expect(sandboxKeyName("trade", anna, [anna])).toBe("tidekeeper-sandbox-trade");
});

test("several have one each, with a tier, an IBAN and keys of their own, the same at each start", () => {
  const accounts = accountsFor([main, anna, ben]);
  expect(accountsFor([main, anna, ben])).toEqual(accounts);
  expect(accounts.map(({ name }) => name)).toEqual(["main", "anna", "ben"]);
  expect(new Set(accounts.map(({ iban }) => iban)).size).toBe(3);
  expect(new Set(accounts.flatMap(({ keys }) => keys.map(({ key }) => key))).size).toBe(9);
  expect(accounts[1]!.tier).toEqual({ max: 20, decay: 1 });
  expect(sandboxKeyName("trade", main, accounts)).toBe("tidekeeper-sandbox-trade");
  expect(accounts[2]!.keys.map(({ name }) => name)).toContain(sandboxKeyName("read", ben, accounts));
});

test("a state of before keeps its accounts, and gets those that it has not", async () => {
  await opened([main, anna], ({ state }) => expect([...state.accounts.keys()]).toEqual(["main", "anna"]));
  await opened([main, anna, ben], ({ state }) => {
    expect([...state.accounts.keys()]).toEqual(["main", "anna", "ben"]);
    expect(state.ledger.size).toBe(3 * Object.keys(DEFAULT_ACCOUNTS[0]!.balances).length);
  });
  // From the journal, too.
  await opened([main], ({ state, keys }) => {
    expect([...state.accounts.keys()]).toEqual(["main", "anna", "ben"]);
    expect(keys).toHaveLength(9);
  });
});
