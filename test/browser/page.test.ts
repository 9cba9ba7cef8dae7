/** What a person does with the page: see whose money it is, see what comes, watch a run, ask why, pause and stop. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { openBrowser } from "../support/browser-chromium.ts";
import { openPageHouse, type PageHouse } from "../support/browser-house.ts";

const PHONE = { width: 360, height: 740 };
const DESKTOP = { width: 1280, height: 900 };

let browser: Browser;
let house: PageHouse;
let axe: string;
let buys = 0;

beforeAll(async () => {
  [browser, house, axe] = await Promise.all([
    openBrowser(),
    openPageHouse(),
    readFile(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8"),
  ]);
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await house?.close();
});

type Opened = { readonly page: Page; readonly complaints: string[] };
const open: Page[] = [];

/** Every error of the console and every request to elsewhere is a complaint. */
async function visit(viewport: typeof PHONE, colorScheme: "light" | "dark" = "light"): Promise<Opened> {
  const context = await browser.newContext({ viewport, colorScheme, reducedMotion: "reduce" });
  const page = await context.newPage();
  open.push(page);
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    if (!request.url().startsWith(`${house.page.url}/`)) complaints.push(`asked for ${request.url()}`);
  });
  await page.goto(house.page.url);
  await page.locator(".next-amount").waitFor();
  return { page, complaints };
}

afterEach(async () => {
  for (const page of open.splice(0)) await page.context().close();
});

/** Fires the plan as `tide buy` does, without waiting for its end. A minute lets the key's rate counter run down first. */
async function buy(plan: string): Promise<{ readonly run: string; readonly over: Promise<unknown> }> {
  await house.machine.advance(60);
  const key = `seen-${++buys}`;
  return { run: `${plan}@${key}`, over: house.desk.buy(plan, key) };
}

const cardOf = (page: Page, run: string) => page.locator(".runs > li").filter({ hasText: run });

async function overflow(page: Page): Promise<number> {
  return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
}

async function seriousProblems(page: Page): Promise<readonly string[]> {
  // Through the debugger: the page's own policy would not let a foreign script in.
  await page.evaluate(axe);
  const found = (await page.evaluate("axe.run({ resultTypes: ['violations'] })")) as {
    violations: { id: string; impact: string; nodes: { html: string }[] }[];
  };
  return found.violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
}

describe.each([
  ["a phone", PHONE],
  ["a desktop", DESKTOP],
])("on %s", (_, viewport) => {
  test("a person sees whose money it is, what comes next, and watches a run as it happens", async () => {
    const { page, complaints } = await visit(viewport);
    expect(await page.locator("#label").textContent()).toBe("PLAY MONEY");
    expect(await page.title()).toContain("PLAY MONEY");
    const [first] = await house.desk.next(1);
    expect(await page.locator(".next-amount").textContent()).toBe(first!.amount);
    expect(await page.locator(".next-when").textContent()).toBe(first!.local);

    const { run, over } = await buy("btc-daily");
    const card = cardOf(page, run);
    await card.locator(".step-word", { hasText: "quote" }).waitFor();
    await over;
    await card.locator(".chip", { hasText: "bought" }).waitFor({ timeout: 40_000 });
    const words = await card
      .locator(".steps")
      .first()
      .locator("li:not(.to-come) .step-word")
      .allTextContents();
    expect([...new Set(words)]).toEqual([
      "fire",
      "plan",
      "quote",
      "size",
      "record",
      "submit",
      "reconcile",
      "notify",
    ]);

    const why = await house.desk.why(run);
    await card.locator(".ids dd", { hasText: why.orders[0]!.txid! }).waitFor();
    await page.locator(".orders li").filter({ hasText: why.orders[0]!.clOrdId }).waitFor();
    await page.locator(".audit", { hasText: "0 unexplained, 0 placed twice" }).waitFor();
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    expect(complaints).toEqual([]);
  }, 90_000);
});

test("the why of an earlier run opens with the keyboard, with its steps and what was written down", async () => {
  const { run, over } = await buy("btc-payday");
  await over;
  const { page, complaints } = await visit(PHONE);
  await page.locator(".run summary", { hasText: "btc-payday" }).first().focus();
  await page.keyboard.press("Enter");
  const card = cardOf(page, run);
  await card.locator(".ledger li", { hasText: "SUBMITTING(1)" }).waitFor();
  expect(await card.locator(".step-word").first().textContent()).toBe("fire");
  expect(complaints).toEqual([]);
}, 60_000);

test("caps are shown exactly as the ledger counts them", async () => {
  const { page } = await visit(DESKTOP);
  const status = await house.desk.status();
  const shown = await page.locator(".cap-numbers").allTextContents();
  expect(shown).toEqual(status.caps.map(({ used, cap }) => `${used} of ${cap}`));
});

test("a plan is paused and goes on with one button, and its focus stays where it was", async () => {
  const { page } = await visit(PHONE);
  await page.getByRole("button", { name: "Pause eth-weekdays" }).click();
  const resume = page.getByRole("button", { name: "Resume eth-weekdays" });
  await resume.waitFor();
  expect((await house.desk.status()).plans.find(({ id }) => id === "eth-weekdays")?.paused).toBe(true);
  expect(await page.evaluate("document.activeElement.dataset.key")).toBe("pause-eth-weekdays");
  await resume.click();
  await page.getByRole("button", { name: "Pause eth-weekdays" }).waitFor();
  expect((await house.desk.status()).plans.find(({ id }) => id === "eth-weekdays")?.paused).toBe(false);
});

test("the kill switch asks first, says so on every page, and can be turned off", async () => {
  const { page } = await visit(DESKTOP);
  const other = await visit(PHONE);
  await page.getByRole("button", { name: "Stop everything" }).click();
  await page.getByRole("button", { name: "Keep running" }).click();
  expect((await house.desk.status()).killed).toBe(false);
  await page.getByRole("button", { name: "Stop everything" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Stop everything" }).click();
  await other.page.getByText("The kill switch is on.").waitFor();
  expect((await house.desk.status()).killed).toBe(true);
  await other.page.getByRole("button", { name: "Turn the kill switch off" }).click();
  await page.getByRole("button", { name: "Stop everything" }).waitFor();
  expect((await house.desk.status()).killed).toBe(false);
});

test.each(["light", "dark"] as const)(
  "no serious barrier in %s, with a run open",
  async (scheme) => {
    for (const viewport of [PHONE, DESKTOP]) {
      const { page } = await visit(viewport, scheme);
      await page.locator(".run summary").first().click();
      await page.locator(".run[open] .steps").first().waitFor();
      expect(await seriousProblems(page)).toEqual([]);
      expect(await overflow(page)).toBeLessThanOrEqual(0);
    }
  },
  60_000,
);

test("a page that lost the machine says so", async () => {
  const { page } = await visit(PHONE);
  await page.context().setOffline(true);
  await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
  await page.locator("#link", { hasText: "no answer" }).waitFor();
});
