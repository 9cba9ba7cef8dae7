import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseFiring, parseRunId } from "../../shared/config/firing.ts";
import { formatMistake, formatWarning, type Mistake } from "../../shared/config/mistake.ts";
import { parseTideYaml } from "../../shared/config/tide-yaml.ts";
import { format } from "../../shared/domain/decimal.ts";
import { scheduleText, slotText } from "../../shared/domain/schedule.ts";

const EXAMPLE = readFileSync(new URL("../../tide.example.yaml", import.meta.url), "utf8").replace(
  /^# (?= {2,}| *alerts:)/gm,
  "",
);

/** Reading must end in settings or in mistakes that lie inside the file and can be printed on one line each. */
function readAny(text: string): readonly Mistake[] {
  const result = parseTideYaml(text, "tide.yaml");
  const lines = text.split("\n").length;
  for (const warning of result.warnings) expect(formatWarning(warning)).not.toContain("\n");
  if (!("mistakes" in result)) return [];
  expect(result.mistakes.length).toBeGreaterThan(0);
  let before = 0;
  for (const mistake of result.mistakes) {
    expect(formatMistake(mistake)).toMatch(/^tide\.yaml:\d+:\d+ {2}[^\n]*expected [^\n]+$/);
    expect(mistake.line).toBeLessThanOrEqual(lines);
    expect(mistake.line).toBeGreaterThanOrEqual(before);
    before = mistake.line;
  }
  return result.mistakes;
}

/** Pieces that files are made of, and pieces that go wrong. */
const PIECES = [
  ..."plans: |  - id: |buy: |every: |limits: |alerts: |when: |rebalance: |band: |guards: |mode: |account: ".split(
    "|",
  ),
  ..."100 EUR of BTC|monday 08:00|cron(0 8 ? * MON *)|5/25|50%|1,000 EUR|€100|120k|1e5|0x10|BTC > 1|8am".split(
    "|",
  ),
  ..."{|}|[|]|,|: |- |\n|\n  |\n    |#|\"|'|&a |*a|<<: *a|!!str |---\n|...\n|%YAML 1.1\n|? |>|\\|".split("|"),
  "|\n",
  "\t",
  "\r\n",
  "\u0000",
  "\u00a0",
  "\ufeff",
  "\u202e",
  "💸",
  "__proto__: ",
  "constructor: ",
];

const piece = fc.constantFrom(...PIECES);

test("any text is read to an end, and its mistakes lie inside it, in order", () => {
  const texts = fc.oneof(
    fc.string({ unit: "binary", maxLength: 200 }),
    fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join("")),
  );
  fc.assert(
    fc.property(texts, (text) => void readAny(text)),
    { numRuns: 1500 },
  );
});

const mutation = fc.record({
  at: fc.nat(EXAMPLE.length),
  cut: fc.oneof(fc.constant(0), fc.nat(6)),
  put: fc.oneof(piece, fc.string({ maxLength: 3 }), fc.constant("")),
});

const mutated = fc
  .array(mutation, { minLength: 1, maxLength: 4 })
  .map((mutations) =>
    mutations.reduce((text, { at, cut, put }) => text.slice(0, at) + put + text.slice(at + cut), EXAMPLE),
  );

test("any change of a right file is read to an end", () => {
  fc.assert(
    fc.property(mutated, (text) => void readAny(text)),
    { numRuns: 500 },
  );
});

const VALUES = [
  [
    "20 EUR of BTC",
    [
      "1,000 EUR of BTC",
      "€20",
      "20 EUR",
      "BTC for 20 EUR",
      "20EUR of BTC",
      "20 EUR in bitcoin",
      "2e1 EUR of BTC",
    ],
  ],
  [
    "every: day 08:00",
    [
      "every: 0 8 * * 1",
      "every: 8am",
      "every: weekly",
      "every: biweekly",
      "every: month 31",
      "every: daily at noon",
      "every: 1st 8:00",
      "every: rate(3 days)",
      "every: fridays 18.30",
      "every: cron(*/5 * * * *)",
    ],
  ],
  ["timezone: Europe/Berlin", ["timezone: CET", "timezone: new york", "timezone: Europe/Pari"]],
  ["250000 EUR", ["250k", "250,000 EUR", "250000€"]],
  ["catch-up within 2h", ["2 hours", "catch-up", "never"]],
  ["band: 5/25", ["band: 5", "band: 5%", "band: 20% rel"]],
  ["BTC: 50%", ["BTC: 50", "BTC: 0.5", "BTC: 50 percent"]],
  ["above 100 EUR }", ["100 EUR }", "above €100 }", "nevr }"]],
  ["BTC/EUR crosses above 150000", ["BTC > 150k", "BTC/EUR over 150,000 EUR", "EUR balance < 5"]],
  ["after 1% back", ["1%", "always", "6 hours"]],
  ["mode: dry-run", ["mode: dryrun", "mode: dry"]],
] as const;

function mend(text: string, { line, column, read, suggestion }: Mistake): string {
  const lines = text.split("\n");
  const before = lines[line - 1]!.slice(0, column - 1);
  const after = lines[line - 1]!.slice(column - 1);
  expect(after.startsWith(read), read).toBe(true);
  return lines.with(line - 1, before + suggestion! + after.slice(read.length)).join("\n");
}

test("whoever writes what is suggested has one mistake less at that place", () => {
  for (const [right, slips] of VALUES) {
    for (const slip of slips) {
      const text = EXAMPLE.replace(right, slip);
      expect(text, right).not.toBe(EXAMPLE);
      const [mistake] = readAny(text);
      expect(mistake?.suggestion, slip).toBeDefined();
      const mended = mend(text, mistake!);
      const left = readAny(mended).filter(
        ({ path, expected }) => path === mistake!.path && expected === mistake!.expected,
      );
      expect(left, slip).toEqual([]);
    }
  }
});

test("amounts are kept to the last digit, zeros included", () => {
  const digits = fc.stringMatching(/^[1-9][0-9]{0,24}(\.[0-9]{1,24})?$/);
  fc.assert(
    fc.property(digits, (amount) => {
      const text = [
        `limits: { perOrder: ${amount} EUR, perDay: ${amount} EUR }`,
        "plans:",
        `  - { id: a, buy: ${amount} EUR of BTC, every: day 08:00, guards: { maxPrice: ${amount} EUR } }`,
      ].join("\n");
      const result = parseTideYaml(text, "tide.yaml");
      if ("mistakes" in result) throw new Error(formatMistake(result.mistakes[0]!));
      const [plan] = result.settings.plans;
      if (plan?.kind !== "dca") throw new Error("not a buy");
      const { perOrder, perDay } = result.settings.limits;
      const amounts = [plan.spend, plan.guards.maxPrice!, perOrder[0]!.amount, perDay[0]!.amount];
      expect(amounts.map(format)).toEqual([amount, amount, amount, amount]);
    }),
    { numRuns: 300 },
  );
});

test("a schedule is printed as it can be written again", () => {
  const two = (value: number) => String(value).padStart(2, "0");
  const clock = fc.tuple(fc.nat(23), fc.nat(59)).map(([hour, minute]) => `${two(hour)}:${two(minute)}`);
  const days = fc.constantFrom("day", "monday", "sunday,monday,friday", "month 7", "month last day");
  const counted = fc
    .tuple(fc.constantFrom("3 days", "2 weeks friday"), clock)
    .map(([count, time]) => `${count} ${time} from 2026-01-31`);
  const every = fc.oneof(
    fc.tuple(days, clock).map((parts) => parts.join(" ")),
    counted,
    fc.nat(59).map((minute) => `hour at :${two(minute)}`),
  );
  fc.assert(
    fc.property(every, (text) => {
      const file = `limits: { perOrder: 1 EUR, perDay: 1 EUR }\nplans: [{ id: a, buy: 1 EUR of BTC, every: "${text}" }]`;
      const result = parseTideYaml(file, "tide.yaml");
      if ("mistakes" in result) throw new Error(formatMistake(result.mistakes[0]!));
      expect(scheduleText(result.settings.plans[0]!.schedule!)).toBe(text);
    }),
    { numRuns: 200 },
  );
});

test("any message is a firing or a problem", () => {
  const bodies = fc.oneof(
    fc.string({ maxLength: 100 }),
    fc.json(),
    fc.json().map((json) => `{"kind":"dca","slot":${json}}`),
  );
  fc.assert(
    fc.property(bodies, (body) => {
      const read = parseFiring(body);
      if ("problem" in read) expect(read.problem).not.toBe("");
      const name = parseRunId(body);
      if (name !== undefined)
        expect(body).toBe(`${name.plan}@${"slot" in name ? slotText(name.slot) : name.key}`);
    }),
    { numRuns: 1000 },
  );
});
