/** The state on disk: what was answered is there after any end of the process, and a folder that is not right is left alone. */
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { VirtualClock } from "../../local/clock.ts";
import { callerOf, control } from "../../local/sandbox/caller.ts";
import { encode } from "../../local/sandbox/codec.ts";
import { openSandbox, type SandboxOptions } from "../../local/sandbox/sandbox.ts";

const START = Date.parse("2026-11-23T07:00:00Z");
const buy = { pair: "XBTEUR", type: "buy", ordertype: "market", volume: "0.001" };
let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sandbox-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const open = (options: Partial<SandboxOptions> = {}, at = START) =>
  openSandbox({ clock: new VirtualClock({ startAt: at, rate: 0 }), seed: 7, dir, ...options });

test("what a process that is gone had answered is there in the next one, nonces and armed faults included", async () => {
  const first = await open();
  const caller = callerOf(first, { firstNonce: 1000 });
  await caller.ask("AddOrder", buy);
  await control(first, "price", { pair: "BTC/EUR", price: "50000" });
  await control(first, "faults", [{ endpoint: "Balance", fault: "busy" }]);
  // No close: the process was killed.
  const second = await open();
  expect(encode(second.state)).toBe(encode(first.state));
  expect(second.orders()).toEqual(first.orders());
  const again = callerOf(second, { firstNonce: 1000 });
  expect((await again.call("OpenOrders")).error).toEqual(["EAPI:Invalid nonce"]);
  expect((await again.call("Balance", { nonce: "2000" })).error).toEqual(["EService:Busy"]);
});

test("an order is in the journal before it is answered", async () => {
  let written = "";
  const sandbox = await open();
  const caller = callerOf(sandbox);
  const pending = caller.send("AddOrder", buy);
  written = readFileSync(join(dir, "journal.ndjson"), "utf8");
  await pending;
  expect(written).toContain("AddOrder");
});

test("a torn last line was never answered: it is dropped, and writing goes on behind the whole ones", async () => {
  const first = await open();
  await callerOf(first).ask("AddOrder", buy);
  const whole = readFileSync(join(dir, "journal.ndjson"), "utf8");
  appendFileSync(join(dir, "journal.ndjson"), whole.slice(0, whole.length / 2).trimEnd());
  const second = await open();
  expect(second.orders()).toHaveLength(1);
  await callerOf(second, { firstNonce: 50 }).ask("AddOrder", buy);
  expect((await open()).orders()).toHaveLength(2);
});

test("an order that cannot be recorded is refused, not accepted and forgotten; afterwards all is well", async () => {
  let isFull = false;
  const { writeSync } = await import("node:fs");
  const sandbox = await open({
    write: (fd, bytes, position) => {
      // A full disk takes the first half of a line.
      writeSync(fd, bytes, 0, isFull ? Math.floor(bytes.length / 2) : bytes.length, position);
      if (isFull) throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    },
  });
  const caller = callerOf(sandbox);
  await caller.ask("AddOrder", buy);
  isFull = true;
  expect((await caller.call("AddOrder", buy)).error).toEqual(["EService:Unavailable"]);
  expect((await control(sandbox, "price", { pair: "BTC/EUR", price: "50000" })).status).toBe(500);
  expect((await control(sandbox, "reset", {})).status).toBe(500);
  expect(sandbox.orders()).toHaveLength(1);
  isFull = false;
  await caller.ask("AddOrder", buy);
  expect((await open()).orders()).toEqual(sandbox.orders());
});

test("a clean end leaves a snapshot, and the next start needs no journal", async () => {
  const first = await open();
  await callerOf(first).ask("AddOrder", buy);
  const before = encode(first.state);
  await first.close();
  expect(readFileSync(join(dir, "journal.ndjson"), "utf8")).toBe("");
  expect(encode((await open()).state)).toBe(before);
});

test("lines that a snapshot covers already are not run twice", async () => {
  const first = await open();
  await callerOf(first).ask("AddOrder", buy);
  const lines = readFileSync(join(dir, "journal.ndjson"), "utf8");
  await first.close();
  // The crash came between the new snapshot and the emptying of the journal.
  writeFileSync(join(dir, "journal.ndjson"), lines);
  expect((await open()).orders()).toHaveLength(1);
});

test("reset is kept, too", async () => {
  const first = await open();
  await callerOf(first).ask("AddOrder", buy);
  await control(first, "reset", {});
  expect((await open()).orders()).toEqual([]);
});

test.each<[string, () => void, RegExp]>([
  [
    "of another version",
    () => writeFileSync(join(dir, "snapshot.json"), '{"version":99,"seq":0,"state":{}}'),
    /^The sandbox state in .* cannot be used: it is of version 99, this sandbox reads version \d+\.$/,
  ],
  [
    "with an unreadable snapshot",
    () => writeFileSync(join(dir, "snapshot.json"), "{"),
    /cannot be used: its snapshot is not readable\.$/,
  ],
  [
    "with a journal alone",
    () => writeFileSync(join(dir, "journal.ndjson"), "{}\n"),
    /cannot be used: it holds a journal without a snapshot\.$/,
  ],
])("a folder %s is refused in one sentence and left as it is", async (_what, prepare, sentence) => {
  prepare();
  const before = readdirSync(dir).map((name) => readFileSync(join(dir, name), "utf8"));
  await expect(open()).rejects.toThrow(sentence);
  expect(readdirSync(dir).map((name) => readFileSync(join(dir, name), "utf8"))).toEqual(before);
});

test("a journal damaged in its middle is not passed over", async () => {
  const first = await open();
  await callerOf(first).ask("AddOrder", buy);
  const path = join(dir, "journal.ndjson");
  writeFileSync(path, `not json\n${readFileSync(path, "utf8")}`);
  await expect(open()).rejects.toThrow("line 1 of its journal is damaged");
});

test("a place that cannot hold a folder is refused in one sentence", async () => {
  writeFileSync(join(dir, "file"), "");
  await expect(open({ dir: join(dir, "file", "inside") })).rejects.toThrow(
    /^The sandbox state in .* cannot be used: E/,
  );
});
