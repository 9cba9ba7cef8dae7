// @ts-check
/** The three things that the page can change: pause a plan, let it go on, and the kill switch. */
import { at, h } from "./elements.js";

/** @type {(failure: string) => void} */
let tell = () => {};
/** @type {() => void} */
let look = () => {};

/**
 * @param {{ onFailure: (failure: string) => void, onDone: () => void }} callbacks
 */
export function setUpSwitches({ onFailure, onDone }) {
  tell = onFailure;
  look = onDone;
  const dialog = /** @type {HTMLDialogElement} */ (at("sure"));
  at("sure-no").addEventListener("click", () => dialog.close());
  at("sure-yes").addEventListener("click", () => {
    dialog.close();
    void flip("kill", {});
  });
}

/**
 * @param {string} verb
 * @param {Record<string, string>} args
 */
async function flip(verb, args) {
  try {
    const token = document.querySelector('meta[name="page-token"]')?.getAttribute("content") ?? "";
    const reply = await fetch("/api/switch", {
      method: "POST",
      headers: { "content-type": "application/json", "x-tidekeeper-page": token },
      body: JSON.stringify({ verb, args }),
    });
    const answer = await reply.json();
    if (!reply.ok) tell(`Not done: ${answer.error}`);
  } catch {
    tell("Not done: the machine does not answer.");
  }
  look();
}

/** @param {{ id: string, paused: boolean }} plan */
export const pauseButton = ({ id, paused }) =>
  h(
    "button",
    {
      type: "button",
      "data-key": `pause-${id}`,
      "aria-label": `${paused ? "Resume" : "Pause"} ${id}`,
      onclick: () => flip(paused ? "resume" : "pause", { plan: id }),
    },
    paused ? "Resume" : "Pause",
  );

export const killButton = () =>
  h(
    "button",
    {
      type: "button",
      class: "grave",
      "data-key": "kill",
      onclick: () => /** @type {HTMLDialogElement} */ (at("sure")).showModal(),
    },
    "Stop everything",
  );

export const reviveButton = () =>
  h(
    "button",
    { type: "button", "data-key": "revive", onclick: () => flip("resume", {}) },
    "Turn the kill switch off",
  );
