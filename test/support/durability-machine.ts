/**
 * `npm start -- --exchange kraken` with a sandbox in Kraken's place: STATE PLANS ADDRESS. It is the machine and the page of
 * local/main.ts; the passphrase comes from standard input, as there.
 */
import { randomBytes } from "node:crypto";
import { systemChance } from "../../functions/wire.ts";
import { Desk } from "../../local/desk/desk.ts";
import { eventLine } from "../../local/desk/views.ts";
import { Machine } from "../../local/machine/machine.ts";
import { startPage } from "../../local/page/server.ts";

const [stateDir, plansFile, standIn] = process.argv.slice(2) as [string, string, string];

try {
  const machine = await Machine.open({
    stateDir,
    plansFile,
    exchange: "kraken",
    standIn,
    speed: 1,
    chance: systemChance,
    realNow: Date.now,
    report: (event) => process.stdout.write(`${eventLine(event)}\n`),
    problem: (text) => process.stderr.write(`${text}\n`),
  });
  const desk = new Desk(machine);
  const token = randomBytes(32).toString("hex");
  const page = await startPage({ machine, desk, port: 0, token, version: "test" });
  machine.state.announce({ pid: process.pid, page: page.url, token });
  process.once("SIGINT", () => {
    void page
      .close()
      .then(() => machine.close())
      .then(() => process.exit(0));
  });
  // As a bug would: nothing catches it.
  process.once("SIGUSR1", () => {
    throw new Error("a bug");
  });
  machine.start();
  process.stdout.write(`${JSON.stringify({ page: page.url, label: desk.label })}\n`);
} catch (error) {
  const { name, message, stack } = error as Error;
  process.stderr.write(`${name === "MachineError" ? message : stack}\n`);
  process.exit(name === "MachineError" ? 2 : 1);
}
