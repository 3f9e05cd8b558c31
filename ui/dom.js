/** @file Elements and text nodes: the only way in which anything enters the page. */

const SVG = "http://www.w3.org/2000/svg";
// Whatever could run or load something has no business here.
const SAFE = /^(?!on|style|src|href|action|formaction|xlink)[a-z-]+$/i;
// What the server puts in place of a value that must not be seen.
const MASK = /\*{3}/g;

/**
 * An element with attributes and children; a string becomes a text node.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | boolean | null | undefined>} attributes false, null: left out
 * @param {(Node | string | null | undefined)[]} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  attribute(element, attributes);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/**
 * An SVG element.
 * @param {string} tag
 * @param {Record<string, string>} attributes
 * @param {Node[]} children
 */
export function svg(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  attribute(element, attributes);
  element.append(...children);
  return element;
}

/**
 * A button.
 * @param {string} label
 * @param {() => void} press
 * @param {Record<string, string | boolean | null | undefined>} attributes
 */
export function button(label, press, attributes = {}) {
  const element = el("button", { type: "button", ...attributes }, label);
  element.addEventListener("click", press);
  return element;
}

/**
 * A fold: one line, and behind it what is built when somebody opens it.
 * @param {Node | string} line
 * @param {() => Node} inside
 * @param {boolean} open
 */
export function fold(line, inside, open = false) {
  const summary = el("summary", {}, line);
  const details = el("details", { open }, summary);
  const build = () => {
    if (details.childElementCount === 1) details.append(inside());
  };
  // Before it opens, so that the page moves once; the browser's own search opens it without a click.
  summary.addEventListener("click", build);
  details.addEventListener("toggle", build);
  if (open) build();
  return details;
}

/**
 * Somebody's words: what matches `found` is marked, and what the server masked is shown as such.
 * @param {string} text
 * @param {RegExp | null} found
 */
export function words(text, found = null) {
  const fragment = document.createDocumentFragment();
  for (const [part, hit] of parts(text, found)) {
    const masked = [...parts(part, MASK)].map(([words, mask]) =>
      mask ? el("span", { class: "mask", title: "Masked by the server" }, words) : words,
    );
    if (hit) fragment.append(el("mark", {}, ...masked));
    else fragment.append(...masked);
  }
  return fragment;
}

/**
 * Who somebody is: a name and a number, each in its own direction.
 * @param {string} text
 * @param {RegExp | null} found
 */
export function person(text, found = null) {
  const [, name = "", address = ""] = /^(.*?)(\+?[\d*][\d* -]{3,})?$/s.exec(text) ?? [];
  const fragment = document.createDocumentFragment();
  if (name) fragment.append(el("bdi", {}, words(name.trim(), found)), " ");
  if (address) fragment.append(el("bdi", { dir: "ltr" }, words(address, found)));
  return fragment;
}

/**
 * `text` in pieces, each with whether it matches.
 * @param {string} text
 * @param {RegExp | null} pattern
 * @returns {Iterable<[string, boolean]>}
 */
function* parts(text, pattern) {
  let end = 0;
  for (const match of pattern ? text.matchAll(pattern) : []) {
    if (match.index > end) yield [text.slice(end, match.index), false];
    end = match.index + match[0].length;
    yield [match[0], true];
  }
  if (end < text.length) yield [text.slice(end), false];
}

/**
 * @param {Element} element
 * @param {Record<string, string | boolean | null | undefined>} attributes
 */
function attribute(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (!SAFE.test(name)) throw new Error(`No attribute ${name} is ever set.`);
    element.setAttribute(name, value === true ? "" : value);
  }
}

/**
 * What finds a text wherever it is, or null for none.
 * @param {string} query
 */
export function pattern(query) {
  const escaped = query.trim().replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
  return escaped ? new RegExp(escaped, "giu") : null;
}
