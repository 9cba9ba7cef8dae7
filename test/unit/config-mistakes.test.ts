import { expect, test } from "vitest";
import { formatMistake, formatWarning } from "../../shared/config/mistake.ts";
import { parseTideYaml } from "../../shared/config/tide-yaml.ts";

/** The lines that an owner reads. */
function told(text: string): string[] {
  const result = parseTideYaml(text, "tide.yaml");
  return "mistakes" in result ? result.mistakes.map(formatMistake) : [];
}

const warned = (text: string): string[] => parseTideYaml(text, "tide.yaml").warnings.map(formatWarning);

/** A file that is right but for the lines given. The plan's own lines start at line 5. */
const file = (plan: readonly string[], top: readonly string[] = []): string =>
  [
    "timezone: Europe/Berlin",
    "limits: { perOrder: 5000 EUR, perMonth: 9000 EUR }",
    "plans:",
    "  - id: btc",
    ...plan.map((line) => `    ${line}`),
    ...top,
    "",
  ].join("\n");

const buying = (buy: string): string => file([`buy: ${buy}`, "every: monday 08:00"]);
const firing = (every: string): string => file(["buy: 100 EUR of BTC", `every: ${every}`]);
const guarded = (guards: string): string =>
  file(["buy: 100 EUR of BTC", "every: monday 08:00", `guards: ${guards}`]);
const alerting = (when: string): string =>
  file(["buy: 100 EUR of BTC", "every: monday 08:00"], ["alerts:", "  - id: high", `    when: ${when}`]);
const rebalancing = (...lines: string[]): string =>
  ["timezone: UTC", "plans:", "  - id: core", ...lines.map((line) => `    ${line}`), ""].join("\n");

const SCHEDULE = "a schedule like monday 08:00, day 08:00, month 1 08:00 or cron(0 8 ? * MON *)";
const CONDITION = "a condition like BTC/EUR above 120000 or BTC/EUR moves 5% within 1h";
const TIME = "a time from 00:00 to 23:59, like 08:00";

test("the file that all of these are changed from is right", () => {
  expect(told(buying("100 EUR of BTC"))).toEqual([]);
});

test.each([
  ["1,000 EUR of BTC", `expected an amount like 100 EUR; write 1000 EUR of BTC`],
  ["100,50 EUR of BTC", `expected an amount like 100 EUR; write 100.50 EUR of BTC`],
  ["1.000,50 EUR of BTC", `expected an amount like 100 EUR; write 1000.50 EUR of BTC`],
  ["1e2 EUR of BTC", `expected an amount like 100 EUR; write 100 EUR of BTC`],
  ["0x10 EUR of BTC", `expected an amount like 100 EUR`],
  ["€100", `expected what you spend and what you buy, like 100 EUR of BTC; write 100 EUR of BTC`],
  ["€100 of bitcoin", `expected an amount like 100 EUR; write 100 EUR of BTC`],
  ["120k EUR of BTC", `expected an amount like 100 EUR; write 120000 EUR of BTC`],
  ["100 EUR", `expected what you spend and what you buy, like 100 EUR of BTC; write 100 EUR of BTC`],
  ["100 EUR ETH", `expected what you spend and what you buy, like 100 EUR of BTC; write 100 EUR of ETH`],
  ["0.001 BTC", `expected what you spend and what you buy, like 100 EUR of BTC; write 100 EUR of BTC`],
  ["0.001 BTC of EUR", `expected what you spend first and what you buy second; write 100 EUR of BTC`],
  ["100 EUR of EUR", `expected two different assets; write 100 EUR of BTC`],
  ["0 EUR of BTC", `expected an amount above zero, like 100 EUR`],
  ["-5 EUR of BTC", `expected an amount like 100 EUR`],
])("buy: %s", (buy, rest) => {
  expect(told(buying(buy))).toEqual([`tide.yaml:5:10  plans[0].buy: read "${buy}", ${rest}`]);
});

test("two spaces are one mistake, and an odd kind of space is made visible", () => {
  expect(told(buying("100  EUR of BTC"))).toEqual([
    'tide.yaml:5:10  plans[0].buy: read "100  EUR of BTC", expected an amount like 100 EUR; write 100 EUR of BTC',
  ]);
  expect(told(buying("100\u00a0EUR of BTC"))).toEqual([
    'tide.yaml:5:10  plans[0].buy: read "100\\u00a0EUR of BTC", expected an amount like 100 EUR; write 100 EUR of BTC',
  ]);
});

test.each([
  ["0 8 * * 1", `expected ${SCHEDULE}; write monday 08:00`],
  ["0 8 * * *", `expected ${SCHEDULE}; write day 08:00`],
  ["30 7 1 * *", `expected ${SCHEDULE}; write month 1 07:30`],
  [
    "cron(0 8 * * 1-5)",
    `expected cron( ) with six fields: minutes hours day-of-month month day-of-week year; write weekdays 08:00`,
  ],
  [
    "cron(0 8 * * MON *)",
    `expected ? in exactly one of the two cron fields day-of-month and day-of-week; write cron(0 8 ? * MON *)`,
  ],
  ["cron(0 24 ? * MON *)", `expected cron hours from 0 to 23, was 24`],
  ["rate(1 day)", `expected ${SCHEDULE}; write day 08:00`],
  ["8am", `expected ${SCHEDULE}; write day 08:00`],
  ["monday 8am", `expected ${TIME}; write monday 08:00`],
  ["monday 8:00", `expected ${TIME}; write monday 08:00`],
  ["monday 25:00", `expected ${TIME}`],
  ["day 24:00", `expected ${TIME}`],
  ["monday", `expected a time as well, like monday 08:00; write monday 08:00`],
  ["mondays at 8:00", `expected ${SCHEDULE}; write monday 08:00`],
  ["mon, wed and fri 08:00", `expected ${SCHEDULE}; write mon,wed,fri 08:00`],
  ["daily", `expected ${SCHEDULE}; write day 08:00`],
  ["biweekly", `expected ${SCHEDULE}; write 2 weeks monday 08:00 from 2026-01-05`],
  ["2 weeks friday 18:00", `expected ${SCHEDULE}; write 2 weeks friday 18:00 from 2026-01-05`],
  ["3 days", `expected ${SCHEDULE}; write 3 days 08:00 from 2026-01-05`],
  ["3 days 08:00 from 2026-02-30", `expected a date after from, like 2026-01-05`],
  ["month 31", `expected ${SCHEDULE}; write month last day 08:00`],
  [
    "month 31 08:00",
    `expected a day of the month from 1 to 28, or last day: every month has those; write month last day 08:00`,
  ],
  ["15th 09:00", `expected ${SCHEDULE}; write month 15 09:00`],
  ["hourly", `expected ${SCHEDULE}; write hour at :00`],
  ["15 minutes", `expected ${SCHEDULE}; write cron(0/15 * * * ? *)`],
  ["monday,monday 08:00", `expected each day of the week once; write monday 08:00`],
  ["cron(0 8 30 2 ? *)", `expected a schedule that fires: no calendar has this day`],
])("every: %s", (every, rest) => {
  expect(told(firing(every))).toEqual([`tide.yaml:6:12  plans[0].every: read "${every}", ${rest}`]);
});

test.each([
  [
    "{ maxPrice: 120k }",
    'tide.yaml:7:25  plans[0].guards.maxPrice: read "120k", expected an amount like 100 EUR; write 120000 EUR',
  ],
  [
    "{ maxPrice: 120,000 EUR }",
    'tide.yaml:7:25  plans[0].guards.maxPrice: read "120,000 EUR", expected an amount like 100 EUR; write 120000 EUR',
  ],
  [
    "{ maxPrice: 120000 USD }",
    'tide.yaml:7:25  plans[0].guards.maxPrice: read "120000 USD", expected an amount in EUR',
  ],
  [
    "{ maxSpread: 1 }",
    'tide.yaml:7:26  plans[0].guards.maxSpread: read "1", expected a percentage like 1%; write 1%',
  ],
  [
    "{ maxprice: 1 EUR }",
    'tide.yaml:7:15  plans[0].guards.maxprice: read "maxprice", expected one of maxPrice, keepFree, maxSpread; write maxPrice',
  ],
])("guards: %s", (guards, line) => {
  expect(told(guarded(guards))).toEqual([line]);
});

test.each([
  ["BTC > 120000", "; write BTC/EUR above 120000"],
  ["BTC/EUR crosses 120k", "; write BTC/EUR crosses either 120000"],
  ["BTC/EUR above 120,000 EUR", "; write BTC/EUR above 120000"],
  ["BTC/EUR moves 5 within 1 hour", "; write BTC/EUR moves 5% within 1h"],
  ["EUR balance below 100", "; write balance EUR < 100"],
  ["the moon", ""],
])("when: %s", (when, fix) => {
  const place = 'tide.yaml:9:11  alerts[0].when: read "';
  expect(told(alerting(when))).toEqual([`${place}${when}", expected ${CONDITION}${fix}`]);
});

test("a rebalance needs weights with their sign, a sum of 100%, and a band of two numbers", () => {
  expect(told(rebalancing("rebalance: { BTC: 50, ETH: 0.5 }", "band: 5"))).toEqual([
    'tide.yaml:4:23  plans[0].rebalance.BTC: read "50", expected a percentage like 50%; write 50%',
    'tide.yaml:4:32  plans[0].rebalance.ETH: read "0.5", expected a percentage like 50%; write 50%',
    'tide.yaml:5:11  plans[0].band: read "5", expected 5/25, auto, 5% absolute or 20% relative; write 5/25',
  ]);
  expect(told(rebalancing("rebalance: { BTC: 33.3%, ETH: 33.3%, EUR: 33.3% }"))).toEqual([
    'tide.yaml:4:16  plans[0].rebalance: read "99.9%", expected weights that sum to 100%',
  ]);
  expect(told(rebalancing("rebalance: { BTC: 50%, XBT: 50% }"))).toEqual([
    'tide.yaml:4:28  plans[0].rebalance.XBT: read "XBT", expected each asset once',
  ]);
});

test.each([
  ["CET", "; write Europe/Berlin"],
  ["EST", "; write America/New_York"],
  ["GMT", "; write UTC"],
  ["berlin", "; write Europe/Berlin"],
  ["Europe/Berln", "; write Europe/Berlin"],
  ["+02:00", ""],
])("timezone: %s", (zone, fix) => {
  expect(told(buying("100 EUR of BTC").replace("Europe/Berlin", zone))).toEqual([
    `tide.yaml:1:11  timezone: read "${zone}", expected a time zone like Europe/Berlin, or UTC${fix}`,
  ]);
});

test("an unknown key is told with the key that was meant", () => {
  expect(told("planz: []\n")).toEqual([
    'tide.yaml:1:1  planz: read "planz", expected one of mode, timezone, egress, acceptOpenAllowList, accounts, limits, manualOrders, notify, plans, alerts; write plans',
    "tide.yaml:1:1  plans: read nothing, expected at least one plan, starting with - id:",
  ]);
});

test("a key that stands twice is refused, and the first of the two is named", () => {
  expect(told(`${buying("100 EUR of BTC")}timezone: UTC\n`)).toEqual([
    'tide.yaml:7:1  timezone: read "timezone", expected each key once, it is on line 1 too',
  ]);
});

test("nothing is taken over from elsewhere in the file: no anchor, alias, merge key or tag", () => {
  const text = file(["buy: &b 100 EUR of BTC", "every: *b", "<<: *b", "ifMissed: !!str skip"]);
  expect(told(text)).toEqual([
    'tide.yaml:5:13  plans[0].buy: read "&b", expected no anchors: each value written where it counts',
    'tide.yaml:6:12  plans[0].every: read "*b", expected no aliases: the value itself, written out',
    'tide.yaml:7:5  plans[0]: read "<<", expected no merge keys: the values themselves, written out',
    'tide.yaml:8:21  plans[0].ifMissed: read "skip", expected no tags: the value alone',
  ]);
});

test("tabs are refused, in front of a line and behind a value", () => {
  expect(told("plans:\n\t- id: btc\n")).toEqual(['tide.yaml:2:1  read "\\t", expected spaces, never tabs']);
  expect(told(buying("100 EUR of BTC\t# weekly"))).toEqual([
    'tide.yaml:5:24  read "\\t", expected spaces, never tabs',
  ]);
});

test.each([
  ["", "tide.yaml:1:1  read nothing, expected settings with at least one plan, as in tide.example.yaml"],
  [
    "# only words\n",
    "tide.yaml:1:1  read nothing, expected settings with at least one plan, as in tide.example.yaml",
  ],
  ["- id: btc\n", 'tide.yaml:1:1  read "- id: btc", expected settings: a map that starts with mode:'],
  [
    "plans: [\n",
    'tide.yaml:2:1  read "the end of the file", expected valid YAML (Flow sequence in block collection must be sufficiently indented and end with a ])',
  ],
  [
    "a: b: c\n",
    'tide.yaml:1:4  read "a: b: c", expected valid YAML (Nested mappings are not allowed in compact mappings)',
  ],
  [
    "plans: []\n---\nplans: []\n",
    'tide.yaml:2:1  read "---", expected one document in the file: no --- line',
  ],
])("a file that is no settings file: %j", (text, line) => {
  expect(told(text)).toEqual([line]);
});

test("a file that is too large or nested too deep is refused before it costs time", () => {
  expect(told(`# ${"x".repeat(1_100_000)}`)).toEqual([
    'tide.yaml:1:1  read "1100002 characters", expected a file of at most 1 MB',
  ]);
  expect(told("[".repeat(50_000))[0]).toMatch(/^tide\.yaml:1:\d+ {2}read ".*", expected less nesting$/);
  expect(told(`plans: ${"[".repeat(40)}${"]".repeat(40)}\n`)[0]).toMatch(/expected less nesting$/);
});

test("a value of any length is refused without costing time", () => {
  const started = process.cpuUsage();
  for (const buy of [
    "1".repeat(200_000),
    `${"1".repeat(200_000)} EUR of BTC`,
    "1,".repeat(100_000),
    "x ".repeat(99_999),
  ])
    expect(told(buying(buy))[0]).toMatch(
      /^tide\.yaml:5:10 {2}plans\[0\]\.buy: read ".{60}…", expected what you spend/,
    );
  expect(process.cpuUsage(started).user / 1000).toBeLessThan(5000); // A pattern that backtracks takes a minute
});

test("two plans may not have one id", () => {
  const text = `${buying("100 EUR of BTC")}  - id: btc\n    buy: 5 EUR of ETH\n    every: day 09:00\n`;
  expect(told(text)).toEqual([
    'tide.yaml:7:9  plans[1].id: read "btc", expected another id: plans[0] has this one, and each plan needs its own',
  ]);
});

test("an id that no key or queue could carry is refused", () => {
  expect(told(buying("100 EUR of BTC").replace("id: btc", "id: BTC weekly!"))).toEqual([
    'tide.yaml:4:9  plans[0].id: read "BTC weekly!", expected a plan id like btc-weekly: a letter, then letters, digits or dashes, at most 32; write btc-weekly',
  ]);
});

test("every quote currency needs a cap for one order and one for a day or a month", () => {
  expect(told(buying("100 USD of BTC"))).toEqual([
    'tide.yaml:5:10  plans[0].buy: read "100 USD of BTC", expected a cap for USD: every quote currency needs perOrder and one of perDay and perMonth, and limits has no perOrder in USD',
  ]);
  expect(told(buying("100 EUR of BTC").replace(", perMonth: 9000 EUR", ""))).toEqual([
    'tide.yaml:5:10  plans[0].buy: read "100 EUR of BTC", expected a cap for EUR: every quote currency needs perOrder and one of perDay and perMonth, and limits has no perDay or perMonth in EUR',
  ]);
});

test("caps that contradict a plan or one another are refused with both numbers", () => {
  expect(told(buying("5000.01 EUR of BTC"))).toEqual([
    'tide.yaml:5:10  plans[0].buy: read "5000.01 EUR", expected at most limits.perOrder, 5000 EUR',
  ]);
  expect(told(buying("100 EUR of BTC").replace("9000", "4000"))).toEqual([
    'tide.yaml:2:21  limits.perOrder: read "5000 EUR", expected at most perMonth, 4000 EUR',
  ]);
  expect(told(buying("100 EUR of BTC").replace("9000 EUR", "[9000 EUR, 9 EUR]"))).toEqual([
    'tide.yaml:2:41  limits.perMonth: read "9000 EUR, 9 EUR", expected each currency once',
  ]);
});

test("a comma inside { } that cuts a value in two is told as the one value it was meant to be", () => {
  const caps = "perOrder: [1,000 EUR], perDay: 1,000 EUR";
  expect(told(buying("100 EUR of BTC").replace("perOrder: 5000 EUR", caps))).toEqual([
    'tide.yaml:2:22  limits.perOrder[0]: read "1,000 EUR", expected an amount like 100 EUR; write 1000 EUR',
    'tide.yaml:2:42  limits.perDay: read "1,000 EUR", expected an amount like 100 EUR; write 1000 EUR',
  ]);
  const plan =
    "plans: [{ id: a, buy: 5 EUR of BTC, every: monday,friday 08:00 }]\nlimits: { perOrder: 5 EUR, perDay: 5 EUR }\n";
  expect(told(plan)).toEqual([
    'tide.yaml:1:44  plans[0].every: read "monday,friday 08:00", expected quotes around a value with a comma; write "monday,friday 08:00"',
  ]);
});

test("no fixed address is only taken with the owner's word for it", () => {
  const plan = buying("100 EUR of BTC");
  expect(told(`${plan}egress: none\n`)).toEqual([
    'tide.yaml:7:9  egress: read "none", expected also acceptOpenAllowList: true: without a fixed address the API keys work from any address',
  ]);
  expect(told(`${plan}egress: none\nacceptOpenAllowList: yes\n`)).toEqual([
    'tide.yaml:8:22  acceptOpenAllowList: read "yes", expected true or false; write true',
  ]);
  expect(told(`${plan}egress: none\nacceptOpenAllowList: true\n`)).toEqual([]);
});

test("with several accounts a plan has to name its own", () => {
  const accounts = "accounts: { main: { tier: pro }, kids: {} }\n";
  expect(told(`${buying("100 EUR of BTC")}${accounts}`)).toEqual([
    "tide.yaml:4:5  plans[0].account: read nothing, expected one of the accounts main, kids",
  ]);
  expect(told(`${file(["buy: 100 EUR of BTC", "every: day 08:00", "account: kid"])}${accounts}`)).toEqual([
    'tide.yaml:7:14  plans[0].account: read "kid", expected one of the accounts main, kids; write kids',
  ]);
});

test("a plan that lacks its parts is told what they are", () => {
  expect(told("plans:\n  - id: btc\n  - buy: 5 EUR of BTC\n  - nonsense\n")).toEqual([
    "tide.yaml:2:5  plans[0].buy: read nothing, expected what to buy, like 100 EUR of BTC",
    "tide.yaml:2:5  plans[0].every: read nothing, expected when to buy, like monday 08:00",
    "tide.yaml:3:5  plans[1].id: read nothing, expected a plan id like btc-weekly",
    "tide.yaml:3:5  plans[1].every: read nothing, expected when to buy, like monday 08:00",
    'tide.yaml:4:5  plans[2]: read "nonsense", expected a plan: a map with id, buy and every',
  ]);
});

test("all mistakes are told at once, in the order of the file", () => {
  const text = [
    "mode: dry",
    "plans:",
    "  - id: a",
    "    every: monday",
    "    buy: 1,000 EUR of BTC",
    "limits: { perOrder: 5k }",
  ].join("\n");
  expect(told(text)).toEqual([
    'tide.yaml:1:7  mode: read "dry", expected dry-run or live; write dry-run',
    'tide.yaml:4:12  plans[0].every: read "monday", expected a time as well, like monday 08:00; write monday 08:00',
    'tide.yaml:5:10  plans[0].buy: read "1,000 EUR of BTC", expected an amount like 100 EUR; write 1000 EUR of BTC',
    'tide.yaml:6:21  limits.perOrder: read "5k", expected an amount like 100 EUR; write 5000 EUR',
  ]);
});

test("a time that clocks skip is allowed and warned about, unless the plan's days never meet that night", () => {
  expect(told(firing("day 02:30"))).toEqual([]);
  expect(warned(firing("day 02:30"))).toEqual([
    "tide.yaml:6:12  plans[0].every: day 02:30 does not exist in Europe/Berlin on days when clocks go forward, as on 2026-03-29 02:30; that slot is skipped. A later hour is always there",
  ]);
  expect(warned(firing("wednesday 02:30"))).toEqual([]); // Clocks change on Sundays there
  expect(warned(firing("hour at :30"))).toEqual([]); // 23 slots in 23 hours
  expect(warned(firing("day 02:30").replace("Europe/Berlin", "UTC"))).toEqual([]);
});

test("a point between thousands is read as it is written, and warned about", () => {
  expect(warned(buying("1.000 EUR of BTC"))).toEqual([
    "tide.yaml:5:10  plans[0].buy: 1.000 is read with a decimal point; a thousand is written 1000",
  ]);
  expect(warned(buying("1.50 EUR of BTC"))).toEqual([]);
});

test("a cap in a currency that no plan pays in is warned about, with the one that was meant", () => {
  const read = parseTideYaml(
    `limits: { perOrder: 60 EUR, perDay: 60 EUR, perMonth: 100 EURO }
plans: [{ id: a, buy: 50 EUR of BTC, every: day 08:00 }]`,
    "tide.yaml",
  );
  expect("warnings" in read && read.warnings).toEqual([
    expect.objectContaining({
      path: "limits.perMonth",
      text: "no plan pays in EURO, so this cap holds nothing back; did you mean EUR?",
    }),
  ]);
});
