/** @file Sessions and cost by day: two strips of bars, each with its greatest value in words. */

import { el, svg } from "./dom.js";

const DAY = 86_400_000;
// More bars than these are too thin to be told apart.
const MOST = 60;
const HEIGHT = 40;

/**
 * The two strips, or nothing where no row has a time.
 * @param {Row[]} rows
 * @param {Format} format
 * @returns {HTMLElement | null}
 */
export function strips(rows, format) {
  const days = spread(rows, format);
  const first = days.at(0);
  const last = days.at(-1);
  if (!first || !last) return null;
  const each = first.days === 1 ? "a day" : `in ${first.days} days`;
  const counts = days.map((day) => day.count);
  const costs = days.map((day) => day.cost);
  const dates = `${format.day(first.noon)} – ${format.day(last.noon)}`;
  const strip = (/** @type {string} */ title, /** @type {number[]} */ values, /** @type {(n: number) => string} */ say) => {
    const most = `up to ${say(Math.max(...values))} ${each}`;
    const bars = days.map((day, at) => bar(at, values[at] ?? 0, Math.max(...values), `${format.day(day.noon)}: ${say(values[at] ?? 0)}`));
    const box = { viewBox: `0 0 ${days.length * 10} ${HEIGHT}`, preserveAspectRatio: "none" };
    const image = svg("svg", { ...box, role: "img", "aria-label": `${title}, ${dates}, ${most}` }, ...bars);
    return el("figure", {}, el("figcaption", {}, el("strong", {}, title), ` ${most}`), image);
  };
  return el(
    "div",
    { class: "strips" },
    strip("Sessions", counts, format.number),
    strip("Cost", costs, format.money),
    el("p", { class: "dates" }, el("span", {}, format.date(first.noon)), el("span", {}, format.date(last.noon))),
  );
}

/**
 * @param {number} at
 * @param {number} value
 * @param {number} most
 * @param {string} title
 */
function bar(at, value, most, title) {
  const height = most > 0 && value > 0 ? Math.max((value / most) * (HEIGHT - 2), 2) : 0.75;
  const place = { x: `${at * 10 + 1}`, y: `${HEIGHT - height}`, width: "8", height: `${height}` };
  const rect = svg("rect", { ...place, class: value > 0 ? "day" : "day nothing" });
  rect.append(svg("title", {}, document.createTextNode(title)));
  return rect;
}

/**
 * Every day from the first row's to the last's, in equal steps of as many days as it takes.
 * @param {Row[]} rows
 * @param {Format} format
 */
function spread(rows, format) {
  const dated = rows.flatMap(({ created, cost }) => (created === null ? [] : [{ at: noon(created, format), cost: cost ?? 0 }]));
  const times = dated.map((row) => row.at);
  const first = Math.min(...times);
  const count = dated.length ? Math.round((Math.max(...times) - first) / DAY) + 1 : 0;
  const days = Math.ceil(count / MOST) || 1;
  const steps = Array.from({ length: Math.ceil(count / days) }, (_, at) => {
    return { noon: first + at * days * DAY, days, count: 0, cost: 0 };
  });
  for (const row of dated) {
    const step = steps[Math.floor(Math.round((row.at - first) / DAY) / days)];
    if (!step) continue;
    step.count += 1;
    step.cost += row.cost;
  }
  return steps;
}

/** Noon, in UTC, of the day on which a moment is in the person's time zone. @param {number} at @param {Format} format */
function noon(at, format) {
  return Date.parse(`${format.key(at)}T12:00:00Z`);
}
