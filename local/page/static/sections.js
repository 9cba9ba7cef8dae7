// @ts-check
/** What the page shows besides the runs: notices, what comes next, plans, caps, balances, orders, messages, the footer. */
import { clockText, dayAndTime, isFast, isSet, untilText } from "./clock.js";
import { at, fill, h, prose, shortened } from "./elements.js";
import { killButton, pauseButton, reviveButton } from "./switches.js";

/** @typedef {import("../overview.ts").Overview} Overview */

/** @type {Record<string, string>} */
const MEANING = {
  "PLAY MONEY": "built-in sandbox, no real money moves",
  "DRY RUN": "Kraken checks orders and places none",
  LIVE: "real money at Kraken",
};

/** @param {Overview} state */
export function showSections(state) {
  showBanner(state);
  showNotices(state);
  showNext(state);
  showPlans(state);
  showCaps(state);
  showBalances(state);
  showOrders(state);
  showMessages(state);
  showFooter(state);
}

/** @param {Overview} state */
function showBanner({ label }) {
  at("banner").dataset.label = label;
  at("label").textContent = label;
  at("meaning").textContent = MEANING[label] ?? "";
  document.title = `${label} · Tidekeeper`;
}

/** @param {Overview} state */
function showNotices({ killed, accounts, plansEdited }) {
  const refused = accounts.filter(({ key }) => key !== null && key.problems.length > 0);
  const stopped = accounts.filter((account) => account.killed);
  const where =
    stopped.length === accounts.length ? "" : ` for ${stopped.map(({ name }) => name).join(", ")} only`;
  fill(at("notices"), { killed, stopped, refused, plansEdited }, () => [
    plansEdited &&
      h(
        "div",
        { class: "notice" },
        h(
          "p",
          {},
          h("strong", {}, "The plans file was edited."),
          " The machine goes on with what it read; a new start takes it up.",
        ),
      ),
    killed &&
      h(
        "div",
        { class: "notice grave" },
        h(
          "p",
          {},
          h("strong", {}, `The kill switch is on${where}.`),
          where === ""
            ? " No order leaves; slots that come are skipped."
            : " Slots that come there are skipped.",
        ),
        reviveButton(),
      ),
    ...refused.map(({ name, key }) =>
      h(
        "div",
        { class: "notice" },
        h(
          "p",
          {},
          h(
            "strong",
            {},
            `The trade key ${key?.name}${accounts.length > 1 ? ` of ${name}` : ""} is refused.`,
          ),
          " Nothing is bought with it until this is changed at Kraken:",
        ),
        h(
          "ul",
          {},
          (key?.problems ?? []).map((problem) => h("li", {}, problem)),
        ),
      ),
    ),
  ]);
}

/** @param {Overview} state */
function showNext({ coming }) {
  fill(at("next"), { coming }, () => {
    const first = coming.find((firing) => !firing.paused) ?? coming[0];
    if (first === undefined)
      return h("p", { class: "empty" }, "No plan fires in the coming year. Plans are in tide.yaml.");
    const rest = coming.filter((firing) => firing !== first).slice(0, 3);
    return [
      h(
        "p",
        { class: "next-first" },
        h("span", { class: "next-amount" }, first.amount),
        h("span", { class: "next-when" }, first.local),
        h(
          "span",
          { class: "next-until" },
          h("span", { "data-until": first.slot }, untilText(first.slot)),
          " · ",
          first.plan,
        ),
        first.willSkip !== null && h("span", { class: "tag" }, `will be skipped: ${first.willSkip}`),
      ),
      rest.length > 0 &&
        h(
          "ol",
          { class: "next-rest" },
          rest.map(({ local, amount, plan, willSkip }) =>
            h(
              "li",
              {},
              h("span", { class: "when" }, local),
              h("span", {}, amount),
              h("span", { class: "muted" }, plan),
              willSkip !== null && h("span", { class: "tag" }, willSkip),
            ),
          ),
        ),
    ];
  });
}

/** @param {Overview} state */
function showPlans({ plans, killed, accounts }) {
  fill(at("plans"), { plans, killed }, () => [
    plans.length === 0 && h("p", { class: "empty" }, "No plan yet. Plans are in tide.yaml."),
    plans.length > 0 &&
      h(
        "ul",
        { class: "plain plans" },
        plans.map((plan) =>
          h(
            "li",
            {},
            h(
              "div",
              { class: "plan-head" },
              h("h3", {}, plan.id),
              accounts.length > 1 && h("span", { class: "muted" }, plan.account),
              plan.paused && h("span", { class: "tag" }, "paused"),
              plan.blocked !== null && h("span", { class: "tag grave" }, "on hold"),
              pauseButton(plan),
            ),
            h("p", {}, h("b", {}, plan.buys), ` every ${everyText(plan.every)}`),
            plan.blocked !== null && h("p", {}, plan.blocked),
            plan.carry !== "0" &&
              h("p", { class: "muted" }, `${plan.carry} ${unitsOf(plan.buys).quote} kept for next time`),
            h(
              "p",
              { class: "muted" },
              plan.next === null ? "no firing in the coming year" : `next ${plan.next}`,
            ),
          ),
        ),
      ),
    !killed && plans.length > 0 && killButton(),
  ]);
}

/** @param {string} every */
const everyText = (every) =>
  every.replace("monday,tuesday,wednesday,thursday,friday", "weekday").replaceAll(",", ", ");

/**
 * The words of `20 EUR of BTC`.
 * @param {string | undefined} buys
 */
export function unitsOf(buys) {
  const [, quote = "", , base = ""] = buys?.split(" ") ?? [];
  return { base, quote };
}

/** @param {Overview} state */
function showCaps({ caps, accounts }) {
  fill(at("caps"), caps, () =>
    caps.length === 0
      ? h("p", { class: "empty" }, "No cap is set, so nothing can be bought. Caps are limits: in tide.yaml.")
      : h(
          "ul",
          { class: "plain caps" },
          caps.map(({ account, asset, period, used, cap }) => {
            const fillBar = h("span", { class: "bar-used" });
            // A width needs no exact sum; the numbers beside it are the exact ones.
            const share = Math.min(1, Number(used) / Number(cap));
            fillBar.style.inlineSize = `${share * 100}%`;
            if (share >= 0.9) fillBar.classList.add("nearly");
            return h(
              "li",
              {},
              h(
                "span",
                { class: "cap-name" },
                `${asset} ${period === "day" ? "today" : "this month"}`,
                accounts.length > 1 && h("span", { class: "muted" }, ` ${account}`),
              ),
              h("span", { class: "cap-numbers" }, h("b", {}, used), ` of ${cap}`),
              h("span", { class: "bar", "aria-hidden": "true" }, fillBar),
            );
          }),
        ),
  );
}

/** @param {Overview} state */
function showBalances({ balances, balancesProblem, accounts }) {
  fill(at("balances"), { balances, balancesProblem }, () => {
    if (balances === null)
      return h("p", { class: "empty" }, `They cannot be read just now: ${balancesProblem}`);
    if (balances.length === 0) return h("p", { class: "empty" }, "The account is empty.");
    return h(
      "dl",
      { class: "balances" },
      balances.flatMap(({ account, name, total, held }) => [
        h("dt", {}, name, accounts.length > 1 && h("span", { class: "muted" }, ` ${account}`)),
        h("dd", {}, total, held !== "0" && h("span", { class: "muted" }, ` (${held} held by orders)`)),
      ]),
    );
  });
}

/** @param {Overview} state */
function showOrders({ orders, audit, plans }) {
  at("orders-count").textContent = orders.length === 0 ? "" : String(orders.length);
  const buys = new Map(plans.map((plan) => [plan.id, plan.buys]));
  fill(at("orders"), { orders, audit, buys: [...buys] }, () => {
    if (orders.length === 0) return h("p", { class: "empty" }, "No order yet.");
    const rows = orders.map((order) => {
      const { base, quote } = unitsOf(buys.get(order.run.split("@")[0] ?? ""));
      const filled =
        order.volume === "0"
          ? "nothing filled"
          : `${order.volume} ${base} for ${order.cost} ${quote} + ${order.fee} fee`;
      return h(
        "li",
        {},
        h("p", { class: "order-head" }, h("b", {}, filled), h("span", { class: "tag" }, order.state)),
        h("p", { class: "muted" }, `${order.label} · ${dayAndTime(order.at)} · ${order.run}`),
        h(
          "dl",
          { class: "ids" },
          h("dt", {}, "our id"),
          h("dd", {}, order.clOrdId),
          h("dt", {}, "Kraken's"),
          h("dd", {}, order.txid ?? "none known yet"),
        ),
      );
    });
    return [
      audit !== null && h("p", { class: "audit" }, auditText(audit)),
      ...shortened("orders", rows, 5, { class: "plain orders" }),
    ];
  });
}

/** @param {NonNullable<Overview["audit"]>} audit */
function auditText({ orders, unexplained, doubles }) {
  const accepted = orders === 1 ? "The exchange accepted 1 order" : `The exchange accepted ${orders} orders`;
  return `${accepted}: ${unexplained} unexplained, ${doubles} placed twice.`;
}

/** @param {Overview} state */
function showMessages({ messages, zone }) {
  fill(at("messages"), { messages, zone }, () => {
    if (messages.length === 0)
      return h("p", { class: "empty" }, "Nothing to tell yet. Every run ends in exactly one message here.");
    const rows = messages.map(({ at: told, text, sentAt }) =>
      h(
        "li",
        {},
        h("p", { class: "muted" }, dayAndTime(told), sentAt === null && " · not sent yet"),
        h("p", {}, prose(text)),
      ),
    );
    return shortened("messages", rows, 5, { class: "plain messages" });
  });
}

/** @param {Overview} state */
function showFooter({ label, exchange, version, mode }) {
  fill(at("footer"), { label, exchange, version, mode }, () => [
    h("p", {}, label === "PLAY MONEY" ? SANDBOX : label === "DRY RUN" ? DRY_RUN : LIVE),
    h("p", {}, `Tidekeeper ${version} · ${exchange} · tide.yaml says mode: ${mode}`),
  ]);
}

const SANDBOX =
  "What this is not: real money. Prices, fills and balances come from the sandbox inside Tidekeeper. It follows Kraken's " +
  "published rules, and none of it has been proven against the real Kraken or in a real AWS account.";
const DRY_RUN =
  "What this is not: trading. Kraken checks each order and places none; a real fill can differ.";
const LIVE = "Orders here are real. tide kill, or the button above, stops them at once.";

/** Everything that depends on the time of day, once a second. */
export function showTime() {
  if (!isSet()) return;
  at("now").textContent = `${clockText()}${isFast() ? " (fast)" : ""}`;
  for (const element of document.querySelectorAll("[data-until]")) {
    element.textContent = untilText(element.getAttribute("data-until") ?? "");
  }
}
