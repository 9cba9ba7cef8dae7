// @ts-check
/** The runs, newest first, with their steps as they happen. A run's element lives as long as the page, so it stays open. */
import { dayAndTime, nowMs, preciseTime } from "./clock.js";
import { at, fill, h, prose } from "./elements.js";

/** @typedef {import("../../desk/views.ts").RunView} RunView */
/** @typedef {import("../../desk/views.ts").WhyView} WhyView */
/** @typedef {{ at: string, step: string, detail: string }} Step */
/** @typedef {{ run: string, plan: string, step: string, outcome: string | null, label: string, at: string, detail: string }} StepEvent */
/** @typedef {{ item: HTMLElement, details: HTMLDetailsElement, summary: HTMLElement, body: HTMLElement, view: RunView, live: Step[], why: WhyView | undefined, openedByUs: boolean, asked: string, isKept: boolean, isOver: boolean, heardAt: number, drawn: Set<string> }} Card */

const WAY = ["fire", "plan", "quote", "size", "record", "submit", "reconcile", "notify"];
const SHOWN_FIRST = 8;
const SILENCE_MS = 4_000;

/** @type {Map<string, Card>} */
const cards = new Map();
let showsAll = false;
let emptyHint = "";
/** @type {readonly string[]} */
let order = [];

/**
 * @param {readonly RunView[]} runs Newest first.
 * @param {number} count
 * @param {string} hint What an owner without runs can do.
 */
export function showRuns(runs, count, hint) {
  for (const run of runs) {
    const card = cards.get(run.run) ?? newCard(run);
    card.view = run;
    card.isKept = true;
    draw(card);
  }
  const known = new Set(runs.map(({ run }) => run));
  // What has only just fired is not in the ledger yet.
  const young = [...cards.values()].filter(
    ({ view }) => !known.has(view.run) && nowMs() - Date.parse(view.openedAt) < 60_000,
  );
  for (const id of cards.keys())
    if (!known.has(id) && !young.some(({ view }) => view.run === id)) cards.delete(id);
  order = [...young.map(({ view }) => view.run).reverse(), ...runs.map(({ run }) => run)];
  at("runs-count").textContent = count === 0 ? "" : String(count);
  emptyHint = hint;
  place();
}

/** Puts the elements in order without touching those that stand where they should. */
function place() {
  const list = at("runs-list");
  const wanted = (showsAll ? order : order.slice(0, SHOWN_FIRST)).flatMap((id) => cards.get(id)?.item ?? []);
  for (const child of [...list.children])
    if (!wanted.includes(/** @type {HTMLElement} */ (child))) child.remove();
  wanted.forEach((item, index) => {
    if (list.children[index] !== item) list.insertBefore(item, list.children[index] ?? null);
  });
  const hint = order.length === 0 ? emptyHint : "";
  fill(at("runs-empty"), hint, () => hint !== "" && h("p", { class: "empty" }, hint));
  list.hidden = order.length === 0;
  const hidden = order.length - wanted.length;
  fill(at("runs-more"), hidden, () =>
    hidden <= 0
      ? null
      : h(
          "button",
          {
            type: "button",
            class: "more",
            "data-key": "runs",
            onclick: () => {
              showsAll = true;
              place();
            },
          },
          `Show ${hidden} older`,
        ),
  );
}

/** @param {StepEvent} event */
export function addStep(event) {
  const isNew = !cards.has(event.run);
  const card =
    cards.get(event.run) ??
    newCard({
      run: event.run,
      plan: event.plan,
      label: /** @type {RunView["label"]} */ (event.label),
      outcome: "waiting",
      reason: null,
      detail: "",
      orders: [],
      slot: null,
      openedAt: event.at,
      closedAt: null,
      dueAt: null,
    });
  const { at: when, step, detail } = event;
  if (!card.live.some((known) => known.at === when && known.step === step && known.detail === detail)) {
    card.live.push({ at: when, step, detail });
  }
  card.heardAt = performance.now();
  if (event.outcome !== null) card.isOver = true;
  if (event.outcome !== null && card.view.closedAt === null) {
    card.view = {
      ...card.view,
      outcome: /** @type {RunView["outcome"]} */ (event.outcome),
      detail: step === "notify" ? card.view.detail : detail,
    };
  }
  if (isNew) {
    order = [event.run, ...order];
    // The newest run is followed; what we opened before makes room, what its reader opened stays.
    for (const other of cards.values()) if (other.openedByUs) setOpen(other, false);
    setOpen(card, true);
    place();
  }
  draw(card);
}

/** @param {Card} card @param {boolean} open */
function setOpen(card, open) {
  card.openedByUs = open;
  card.details.open = open;
}

/** @param {RunView} view */
function newCard(view) {
  const summary = h("summary");
  const body = h("div", { class: "run-body" });
  const details = /** @type {HTMLDetailsElement} */ (h("details", { class: "run" }, summary, body));
  const item = h("li", {}, details);
  /** @type {Card} */
  const card = {
    item,
    details,
    summary,
    body,
    view,
    live: [],
    why: undefined,
    openedByUs: false,
    asked: "",
    isKept: false,
    isOver: false,
    heardAt: 0,
    drawn: new Set(),
  };
  summary.addEventListener("click", () => {
    card.openedByUs = false;
  });
  details.addEventListener("toggle", () => draw(card));
  cards.set(view.run, card);
  return card;
}

/** @param {Card} card */
function draw(card) {
  const { view, live } = card;
  const isRunning = isUnderWay(card);
  const last = live.at(-1);
  const state = isRunning ? "running" : view.outcome;
  const detail = isRunning && last !== undefined ? `${last.step}: ${last.detail}` : view.detail;
  fill(card.summary, { state, detail, view: { ...view, orders: [] } }, () => [
    h("span", { class: `chip ${state}` }, state),
    h(
      "span",
      { class: "run-what" },
      h("span", { class: "run-plan" }, view.plan),
      h(
        "span",
        { class: "run-when" },
        `${dayAndTime(view.slot ?? view.openedAt)}${view.slot === null ? " · by hand" : ""}`,
      ),
    ),
    h("span", { class: "run-detail" }, prose(detail)),
    view.closedAt === null && view.dueAt !== null && !isRunning
      ? h("span", { class: "run-due muted" }, `goes on at ${preciseTime(view.dueAt).slice(0, 8)}`)
      : null,
  ]);
  if (card.details.open) drawBody(card);
}

/**
 * Steps come and the end has not. The ledger would say "uncertain" for the moment in which an order is under way; only a
 * silence makes it so.
 * @param {Card} card
 */
const isUnderWay = ({ view, isOver, heardAt }) =>
  view.closedAt === null && !isOver && heardAt > 0 && performance.now() - heardAt < SILENCE_MS;

/** Once a second: what has fallen silent shows what the ledger says of it. */
export function ageRuns() {
  for (const card of cards.values()) if (card.view.closedAt === null && card.heardAt > 0) draw(card);
}

/** @param {Card} card */
function drawBody(card) {
  const { view, why } = card;
  const steps = stepsOf(card);
  const reached = Math.max(-1, ...steps.map(({ step }) => WAY.indexOf(step)));
  const isSeen = (/** @type {Step} */ { at: when, step, detail }) =>
    card.drawn.has(`${when} ${step} ${detail}`);
  const toCome = view.closedAt === null ? WAY.slice(reached + 1) : [];
  fill(card.body, { steps, toCome, view, history: why?.history }, () => [
    h(
      "ol",
      { class: "steps" },
      steps.map((step) =>
        h(
          "li",
          { class: isSeen(step) ? null : "arriving" },
          h("span", { class: "step-word" }, step.step),
          h("time", { class: "step-at", datetime: step.at }, preciseTime(step.at)),
          h("span", { class: "step-detail" }, prose(step.detail)),
        ),
      ),
      toCome.map((word) => h("li", { class: "to-come" }, h("span", { class: "step-word" }, word))),
    ),
    h(
      "dl",
      { class: "ids" },
      h("dt", {}, "run"),
      h("dd", {}, view.run),
      h("dt", {}, "outcome"),
      h(
        "dd",
        { class: "said" },
        `${view.label}: ${view.outcome}${view.reason === null ? "" : ` (${view.reason})`}`,
      ),
      view.orders.flatMap(({ clOrdId, txid }) => [
        h("dt", {}, "our order id"),
        h("dd", {}, clOrdId),
        h("dt", {}, "Kraken's id"),
        h("dd", {}, txid ?? "none known yet"),
      ]),
    ),
    why !== undefined &&
      why.history.length > 0 &&
      h(
        "div",
        { class: "ledger" },
        h("h3", {}, "Written down about the order"),
        h(
          "ol",
          { class: "steps" },
          why.history.map(({ at: when, what }) =>
            h(
              "li",
              {},
              h("time", { class: "step-at", datetime: when }, preciseTime(when)),
              h("span", { class: "step-detail" }, what),
            ),
          ),
        ),
      ),
  ]);
  for (const { at: when, step, detail } of steps) card.drawn.add(`${when} ${step} ${detail}`);
  void askWhy(card);
}

/** The ledger's steps, and after them what only the live feed knows. @param {Card} card @returns {Step[]} */
function stepsOf({ why, live }) {
  if (why === undefined) return live;
  const known = new Set(why.steps.map(({ at: when, step, detail }) => `${when} ${step} ${detail}`));
  const extra = live.filter(({ at: when, step, detail }) => !known.has(`${when} ${step} ${detail}`));
  return [...why.steps, ...extra].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}

/** Asks again only when the run has changed since. @param {Card} card */
async function askWhy(card) {
  const signature = JSON.stringify(card.view);
  if (!card.isKept || card.asked === signature) return;
  card.asked = signature;
  try {
    const reply = await fetch(`/api/why?run=${encodeURIComponent(card.view.run)}`);
    if (!reply.ok) return;
    card.why = await reply.json();
    if (card.details.open) drawBody(card);
  } catch {
    card.asked = "";
  }
}
