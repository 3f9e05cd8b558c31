/** @file One message as a line of the document: the speaker, the words, the time. */

import { button, el, fold, words } from "./dom.js";
import { speaker } from "./files.js";

// Characters and lines after which the words inline are cut until somebody asks for the rest.
const SHORT = { characters: 280, lines: 4 };
// And where the page scrolls.
const LONG = { characters: 4000, lines: 60 };

/**
 * A list item for a message.
 * @param {Said} message
 * @param {Format} format
 * @param {{heading: string, found: RegExp | null, current: boolean, tell: (() => void) | null,
 *   short: boolean, number: number}} options
 */
export function line(message, format, { heading, found, current, tell, short, number }) {
  const time = message.time === null ? null : new Date(message.time).toISOString();
  const who = speaker(message);
  const item = el(
    "li",
    { class: role(message), tabindex: "-1", "aria-current": current && "true" },
    heading ? el("h2", {}, heading) : null,
    el(
      "div",
      { class: "line" },
      el("span", { class: "who" }, words(who, found)),
      el("div", { class: "said" }, ...said(message, found, current, short)),
      el("time", { datetime: time }, message.time === null ? "" : format.time(message.time)),
      tell ? button("Tell agent", tell, { class: "tell", ...label(number, who) }) : null,
    ),
  );
  return item;
}

/** @param {number} number @param {string} who */
function label(number, who) {
  const said = `Tell the agent about message ${number}, of ${who}`;
  return { "aria-label": said, title: "Tell the agent about this message" };
}

/** A class that a style may go by. @param {Said} message */
function role(message) {
  return ["user", "assistant", "system", "tool"].includes(message.role) ? message.role : "other";
}

/**
 * @param {Said} message
 * @param {RegExp | null} found
 * @param {boolean} current
 * @param {boolean} short
 * @returns {Node[]}
 */
function said({ role, name, text, calls }, found, current, short) {
  /** @type {Node[]} */
  const nodes = [];
  const folded = (role === "tool" || role === "system") && text;
  if (folded) {
    const first = firstLine(text);
    const label = name ? `${name} answered ` : role === "tool" ? "Answered " : "";
    const summary = el("span", {}, words(label, found), el("q", { dir: "auto" }, words(first, found)));
    const inside = () => el("pre", { dir: "auto" }, words(pretty(text), found));
    nodes.push(text === first && role === "system" ? passage(text, found, true, short) : fold(summary, inside, current));
  } else if (text) {
    if (name) nodes.push(el("span", { class: "name", dir: "auto" }, words(name, found)));
    nodes.push(passage(text, found, current, short));
  }
  for (const call of calls) {
    const summary = el("span", {}, "Called ", el("code", {}, words(call.tool, found)));
    const inside = () => el("pre", { dir: "auto" }, words(JSON.stringify(call.with, null, 2) ?? "", found));
    nodes.push(fold(summary, inside, current));
  }
  return nodes.length ? nodes : [el("p", { class: "wordless" }, "(no words)")];
}

/**
 * Words as a paragraph, cut at a reasonable length until somebody asks for the rest.
 * @param {string} text
 * @param {RegExp | null} found
 * @param {boolean} all
 * @param {boolean} short
 */
function passage(text, found, all, short) {
  const most = short ? SHORT : LONG;
  const cut = text.split("\n").slice(0, most.lines).join("\n").slice(0, most.characters);
  const paragraph = el("p", { dir: "auto" }, words(all ? text : cut, found));
  if (all || cut === text) return paragraph;
  const rest = button(`… ${text.length - cut.length} more characters`, () => {
    paragraph.replaceChildren(words(text, found));
    rest.remove();
  }, { class: "rest" });
  return el("div", {}, paragraph, rest);
}

/** The first line of a text, and not all of a long one. @param {string} text */
function firstLine(text) {
  return (text.trim().split("\n")[0] ?? "").slice(0, 120);
}

/** JSON with line breaks; any other text as it is. @param {string} text */
function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
