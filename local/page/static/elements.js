// @ts-check
/** Makes elements from values. Text only ever becomes text, never markup. */

/** @typedef {string | Node | null | undefined | false} Child */

/**
 * `class`, `on…` listeners and attributes; what is null or false is left out.
 * @param {string} tag
 * @param {Record<string, string | number | boolean | null | undefined | (() => unknown)>} [props]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElement}
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), () => void value());
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat()) if (child) element.append(child);
  return element;
}

/**
 * A sentence with what it writes between backticks set as code.
 * @param {string} text
 * @returns {Child[]}
 */
export const prose = (text) =>
  text.split("`").map((part, index) => (index % 2 === 1 ? h("code", {}, part) : part));

/**
 * The element with this id, which index.html has.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function at(id) {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no #${id}`);
  return element;
}

/** @type {WeakMap<Element, string>} */
const shown = new WeakMap();

/**
 * Rebuilds a place only when what it shows has changed, so that nothing flickers and what has the focus keeps it.
 * @param {HTMLElement} place
 * @param {unknown} value
 * @param {() => Child | Child[]} build
 */
export function fill(place, value, build) {
  const signature = JSON.stringify(value) ?? "";
  if (shown.get(place) === signature) return;
  shown.set(place, signature);
  const focused = place.contains(document.activeElement)
    ? document.activeElement?.getAttribute("data-key")
    : null;
  const children = [build()]
    .flat()
    .filter((child) => child !== null && child !== undefined && child !== false);
  place.replaceChildren(.../** @type {(string | Node)[]} */ (children));
  if (!focused) return;
  const again = place.querySelector(`[data-key="${CSS.escape(focused)}"]`);
  if (again instanceof HTMLElement) again.focus();
}

/**
 * A list that shows its first rows, and the rest when asked.
 * @param {string} key
 * @param {readonly HTMLElement[]} rows
 * @param {number} first
 * @param {Record<string, string>} props
 * @returns {Child[]}
 */
export function shortened(key, rows, first, props) {
  const list = h("ul", props, rows.slice(0, first));
  if (rows.length <= first) return [list];
  const more = h(
    "button",
    {
      type: "button",
      class: "more",
      "data-key": key,
      onclick: () => {
        list.append(...rows.slice(first));
        more.remove();
      },
    },
    `Show all ${rows.length}`,
  );
  return [list, more];
}
