/** @file What is known of a session besides its words: people, times, cost, results. */

import { button, el, fold, person, svg, words } from "./dom.js";
import { text } from "./model.js";

// Objects within objects that are laid out; what is deeper is shown as JSON.
const DEEP = 3;
// The cost bar's width, in units of its own.
const BAR = 1000;

/**
 * The parts of the column beside a transcript.
 * @param {Conversation} session
 * @param {Actions} actions
 * @param {(() => void) | null} more gets what this answer did not hold
 * @returns {Node[]}
 */
export function about(session, actions, more) {
  const { format, limit } = actions;
  const open = limit === null;
  /** @param {number | null} at */
  const stamp = (at) => (at === null ? "" : format.stamp(at));
  const expired = session.expires !== null && session.expires < Date.now();
  const facts = [
    ["Customer", session.customer],
    ...session.facts.map((fact) => [fact.label, fact.text]),
    ["Status", session.status],
    ["Created", stamp(session.created)],
    ["Updated", stamp(session.updated)],
    [expired ? "Expired" : "Expires", session.expires === null ? "" : `about ${stamp(session.expires)}`],
    ["Id", session.id],
  ];
  const rows = facts.filter(([, value]) => value).flatMap(([name = "", value = ""]) => [
    el("dt", {}, name),
    el("dd", { dir: "auto", class: name === "Id" && "id" }, name === "Customer" ? person(value) : words(value)),
  ]);
  const nodes = [el("dl", {}, ...rows), ...cost(session, format)];
  for (const [title, entries] of /** @type {[string, Named[]][]} */ ([
    ["Results", session.outputs],
    ["Results left out", session.skipped],
    ["Scorecards", session.scorecards],
  ])) {
    if (entries.length) nodes.push(fold(title, () => listed(entries, 0), open));
  }
  if (session.note) {
    nodes.push(fold("Note to the agent", () => el("p", { dir: "auto" }, words(session.note))));
  }
  if (more) nodes.push(button("More details", more));
  return open ? nodes : [fold("About this session", () => el("div", {}, ...nodes), wide())];
}

/** Whether there is room beside the transcript. */
function wide() {
  return window.innerWidth >= 640;
}

/** @param {Conversation} session @param {Format} format @returns {HTMLElement[]} */
function cost(session, format) {
  if (session.cost === null && !session.costs.length) return [];
  const sum = session.costs.reduce((total, part) => total + Math.max(part.cost, 0), 0);
  const total = session.cost ?? sum;
  let left = 0;
  const bars = session.costs.map((part, index) => {
    const width = sum ? (Math.max(part.cost, 0) / sum) * BAR : 0;
    const bar = svg(
      "rect",
      { x: `${left}`, y: "0", width: `${Math.max(width - 6, 2)}`, height: "8", class: `part${index % 4}` },
      svg("title", {}, document.createTextNode(`${part.label}: ${format.money(part.cost)}`)),
    );
    left += width;
    return bar;
  });
  const parts = session.costs.map((part, index) =>
    el("li", {}, el("span", { class: `key part${index % 4}` }), el("span", { dir: "auto" }, words(part.label)), el("span", { class: "sum" }, format.money(part.cost))),
  );
  const bar = svg("svg", { viewBox: `0 0 ${BAR} 8`, preserveAspectRatio: "none", class: "costs", "aria-hidden": "true" }, ...bars);
  const chart = el("div", { class: "cost" }, el("p", {}, "Cost ", el("strong", {}, format.money(total))));
  if (parts.length) chart.append(bar, el("ul", {}, ...parts));
  return [chart];
}

/**
 * Names and values, whatever the values are.
 * @param {Named[]} entries
 * @param {number} depth
 * @returns {Node}
 */
function listed(entries, depth) {
  const rows = entries.flatMap(({ name, value }) => [
    el("dt", { dir: "auto" }, words(name)),
    el("dd", { dir: "auto" }, shown(value, depth + 1)),
  ]);
  return el("dl", { class: "values" }, ...rows);
}

/** @param {unknown} value @param {number} depth @returns {Node} */
function shown(value, depth) {
  if (value === null || typeof value !== "object") return words(text(value) || "–");
  if (depth >= DEEP) return words(JSON.stringify(value));
  if (Array.isArray(value) && value.every((item) => item === null || typeof item !== "object")) {
    return words(value.map(text).join(", ") || "–");
  }
  const entries = Object.entries(value).map(([name, inner]) => ({
    name: Array.isArray(value) ? `${Number(name) + 1}` : name,
    value: inner,
  }));
  return entries.length ? listed(entries, depth) : words("–");
}
