// @ts-check
/** Reads the state, follows the events, and puts both on the page. Starts itself. */
import { setClock } from "./clock.js";
import { at } from "./elements.js";
import { addStep, ageRuns, showRuns } from "./runs.js";
import { showSections, showTime } from "./sections.js";
import { setUpSwitches } from "./switches.js";

const SOON_MS = 150;
const ALL_THE_SAME_MS = 15_000;
const WRITTEN_MS = 1_200;
const SPEAK_AFTER_MS = 400;

let isLooking = false;
let lookAgain = false;
let isSoon = false;

async function look() {
  if (isLooking) {
    lookAgain = true;
    return;
  }
  isLooking = true;
  try {
    const reply = await fetch("/api/state");
    const state = await reply.json();
    if (!reply.ok) throw new Error(state.error);
    show(state);
    setLink("");
  } catch {
    setLink("no answer, trying again");
  } finally {
    isLooking = false;
    if (lookAgain) {
      lookAgain = false;
      lookSoon();
    }
  }
}

function lookSoon() {
  if (isSoon) return;
  isSoon = true;
  window.setTimeout(() => {
    isSoon = false;
    void look();
  }, SOON_MS);
}

/** @param {import("../overview.ts").Overview} state */
function show(state) {
  setClock(state);
  showTime();
  showSections(state);
  const [first] = state.coming;
  const plan = state.plans[0]?.id;
  const hint =
    first === undefined || plan === undefined
      ? "No run yet."
      : `No run yet. The first comes ${first.local}. To see one now: npm run tide -- buy ${plan} --yes`;
  showRuns(state.runs, state.runCount, hint);
}

/** @param {string} text Empty when all is well. */
function setLink(text) {
  const link = at("link");
  if (link.textContent !== text) link.textContent = text;
  at("banner").classList.toggle("lost", text !== "");
}

/** @type {string[]} */
let unsaid = [];

/** Told in one breath, so that quick steps do not cut each other off. @param {string} text */
function say(text) {
  if (unsaid.push(text) > 1) return;
  window.setTimeout(() => {
    at("spoken").textContent = unsaid.join(". ");
    unsaid = [];
  }, SPEAK_AFTER_MS);
}

setUpSwitches({
  onFailure: (failure) => {
    setLink(failure);
    say(failure);
  },
  onDone: lookSoon,
});

const events = new EventSource("/api/events");
events.addEventListener("hello", lookSoon);
events.addEventListener("changed", lookSoon);
events.addEventListener("step", (message) => {
  const event = JSON.parse(message.data);
  addStep(event);
  say(`${event.label}, ${event.plan}, ${event.step}: ${event.outcome ?? event.detail}`);
  lookSoon();
  // That a message has left is written down just after it was told.
  if (event.step === "notify") window.setTimeout(() => void look(), WRITTEN_MS);
});
events.addEventListener("error", () => setLink("no answer, trying again"));

window.setInterval(() => {
  showTime();
  ageRuns();
}, 1000);
window.setInterval(() => {
  if (!document.hidden) void look();
}, ALL_THE_SAME_MS);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) lookSoon();
});
void look();
