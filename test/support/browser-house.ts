/** A machine with its page, in a folder of its own, for tests that look at the page. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemChance } from "../../functions/wire.ts";
import { Desk } from "../../local/desk/desk.ts";
import { Machine } from "../../local/machine/machine.ts";
import { type Page, startPage } from "../../local/page/server.ts";
import type { Event } from "../../shared/app/ports.ts";

export const TOKEN = "a-token-of-the-tests";

export type PageHouse = {
  readonly machine: Machine;
  readonly desk: Desk;
  readonly page: Page;
  readonly problems: readonly string[];
  close(): Promise<void>;
};

/** The clock stands still until the test moves it, when `startAt` is given. */
export async function openPageHouse(realNow: () => number = Date.now): Promise<PageHouse> {
  const stateDir = await mkdtemp(join(tmpdir(), "tidekeeper-page-"));
  const problems: string[] = [];
  let show: (event: Event) => void = () => {};
  const machine = await Machine.open({
    stateDir,
    plansFile: join(import.meta.dirname, "../../tide.example.yaml"),
    exchange: "sandbox",
    speed: 1,
    chance: systemChance,
    realNow,
    report: (event) => show(event),
    problem: (text) => problems.push(text),
  });
  const desk = new Desk(machine);
  const page = await startPage({ machine, desk, port: 0, token: TOKEN, version: "0.1.0" });
  show = page.show;
  machine.start();
  return {
    machine,
    desk,
    page,
    problems,
    async close() {
      await page.close();
      await machine.close();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}
