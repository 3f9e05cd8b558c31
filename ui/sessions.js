/** @file A list of sessions as a table that sorts and filters what it has, and opens a session. */

import { strips } from "./chart.js";
import { button, el, pattern, person, words } from "./dom.js";
import { csv } from "./files.js";
import { page } from "./pages.js";

// Rows drawn at once where the page scrolls, and tried inline.
const ROWS = 200;
const INLINE_ROWS = 10;

/** @type {{key: "created" | "name" | "customer" | "status" | "count" | "cost", label: string}[]} */
const COLUMNS = [
  { key: "created", label: "Created" },
  { key: "name", label: "Session" },
  { key: "customer", label: "Customer" },
  { key: "status", label: "Status" },
  { key: "count", label: "Messages" },
  { key: "cost", label: "Cost" },
];

/** Draws the rows of all pages so far. */
export class SessionsView {
  /** @type {{key: typeof COLUMNS[number]["key"], down: boolean} | null} */
  #sort = null;
  #start = 0;
  #end = 0;
  #busy = false;

  /**
   * @param {Record<string, unknown>} answer of the list tool
   * @param {Record<string, unknown>} args what it was asked for
   * @param {Actions} actions
   */
  constructor(answer, args, actions) {
    this.page = page(answer, args);
    this.rows = this.page.rows;
    this.actions = actions;
    this.title = el("h1", {});
    this.chart = el("div", {});
    this.status = el("p", { class: "status", role: "status" });
    this.filter = el("input", {
      ...{ type: "search", placeholder: "Filter", "aria-label": "Filter these rows" },
      ...{ autocomplete: "off", spellcheck: "false" },
    });
    this.filter.addEventListener("input", () => this.#again());
    this.kind = el("select", { "aria-label": "Status" });
    this.kind.addEventListener("change", () => this.#again());
    this.earlier = button("Previous", () => this.#turn(-1));
    this.place = el("span", { class: "place" });
    this.later = button("Next", () => this.#turn(1));
    this.body = el("tbody", {});
    this.head = el("tr", {});
    this.element = this.#build();
    this.#loaded();
  }

  /** Go on with other possibilities or another size. @param {Actions} actions */
  adapt(actions) {
    this.actions = actions;
    const before = this.element;
    this.element = this.#build();
    this.#loaded();
    before.replaceWith(this.element);
    this.draw();
  }

  /** Put the focus back on the row of a session. @param {string} id */
  focus(id) {
    const opener = [...this.body.querySelectorAll("button")].find((each) => each.dataset.id === id);
    opener?.focus({ preventScroll: true });
  }

  /** Draw the rows that are wanted, as many as there is room for. */
  draw() {
    const { limit } = this.actions;
    const rows = this.#wanted();
    this.#start = Math.min(this.#start, Math.max(rows.length - 1, 0));
    this.#end = Math.min(rows.length, this.#start + (limit === null ? ROWS : INLINE_ROWS));
    this.body.replaceChildren(...rows.slice(this.#start, this.#end).map((row) => this.#row(row)));
    this.#heads();
    this.#say(rows.length);
    while (limit !== null && this.#end - this.#start > 1 && this.#bottom() > limit) {
      this.body.lastElementChild?.remove();
      this.#end -= 1;
      this.#say(rows.length);
    }
    if (!rows.length) {
      const none = this.rows.length ? "No row matches the filter." : "No session matches.";
      this.body.append(el("tr", {}, el("td", { colspan: `${COLUMNS.length}`, class: "none" }, none)));
    }
  }

  #build() {
    const { download, expand } = this.actions;
    const save = async () => {
      await download?.("sessions.csv", "text/csv", csv(this.#wanted()));
      this.status.textContent = "Downloaded.";
    };
    const buttons = el(
      "div",
      { class: "actions" },
      download ? button("CSV", () => void this.#act(save)) : null,
      expand ? button("Expand", () => void this.#act(expand)) : null,
    );
    const bar = el(
      "div",
      { class: "bar" },
      el("div", { class: "find" }, this.filter, this.kind),
      el("nav", { "aria-label": "Pages" }, this.earlier, this.place, this.later),
    );
    return el(
      "article",
      { class: "sessions" },
      el("header", {}, this.title, buttons),
      this.chart,
      bar,
      el("table", {}, el("thead", {}, this.head), this.body),
      this.status,
    );
  }

  /** What follows from the rows that are here. */
  #loaded() {
    const { format } = this.actions;
    const { total } = this.page;
    const loaded = format.number(this.rows.length);
    const all = total === null || total <= this.rows.length;
    this.title.textContent = all ? `${loaded} sessions` : `${loaded} of ${format.number(total)} sessions`;
    const chart = strips(this.rows, format);
    this.chart.replaceChildren(...(chart ? [chart] : []));
    const chosen = this.kind.value;
    const kinds = [...new Set(this.rows.map((row) => row.status).filter(Boolean))].sort();
    const options = ["", ...kinds].map((kind) => {
      return el("option", { value: kind, selected: kind === chosen }, kind || "Any status");
    });
    this.kind.replaceChildren(...options);
    this.kind.hidden = kinds.length < 2;
  }

  #heads() {
    const zone = this.actions.format.zone(this.rows[0]?.created ?? 0);
    const cells = COLUMNS.map(({ key, label }) => {
      const sorted = this.#sort?.key === key ? this.#sort : null;
      const order = sorted ? (sorted.down ? "descending" : "ascending") : null;
      const arrow = sorted ? (sorted.down ? " ↓" : " ↑") : "";
      const press = button(`${label}${key === "created" ? `, ${zone}` : ""}${arrow}`, () => {
        this.#sort = { key, down: sorted ? !sorted.down : key !== "name" && key !== "customer" };
        this.#again();
        const focused = this.head.querySelector(`.in-${key} button`);
        if (focused instanceof HTMLElement) focused.focus();
      });
      return el("th", { scope: "col", class: `in-${key}`, "aria-sort": order }, press);
    });
    this.head.replaceChildren(...cells);
  }

  /** @param {Row} row */
  #row(row) {
    const { format, open } = this.actions;
    const found = pattern(this.filter.value);
    const name = row.name || row.id;
    const press = () => void this.#act(async () => open?.(row.id));
    const title = el("span", { dir: "auto" }, words(name, found));
    const opener = open ? button("", press, { class: "open", "data-id": row.id }) : title;
    if (open) opener.append(title);
    const created = row.created === null ? "" : format.brief(row.created);
    return el(
      "tr",
      {},
      el("td", { class: "in-created" }, words(created, found)),
      el("td", { class: "in-name" }, opener),
      el("td", { class: "in-customer" }, person(row.customer, found)),
      el("td", { class: "in-status" }, words(row.status, found)),
      el("td", { class: "in-count" }, row.count === null ? "" : format.number(row.count)),
      el("td", { class: "in-cost" }, row.cost === null ? "" : format.money(row.cost)),
    );
  }

  /** The rows that pass the filter, in the order that was asked for. */
  #wanted() {
    const found = pattern(this.filter.value);
    const kind = this.kind.value;
    const { format } = this.actions;
    const rows = this.rows.filter((row) => {
      const created = row.created === null ? "" : format.brief(row.created);
      const texts = [row.name, row.customer, row.status, row.last, row.id, created];
      return (!kind || row.status === kind) && (!found || texts.some((text) => text.search(found) >= 0));
    });
    const sort = this.#sort;
    if (!sort) return rows;
    return rows.sort((a, b) => (sort.down ? -1 : 1) * compared(a[sort.key], b[sort.key]));
  }

  #again() {
    this.#start = 0;
    this.draw();
  }

  #bottom() {
    return Math.ceil(this.status.getBoundingClientRect().bottom) + 12;
  }

  /** @param {number} count */
  #say(count) {
    const { number } = this.actions.format;
    const stretch = count ? `${number(this.#start + 1)}–${number(this.#end)} of ` : "";
    this.place.textContent = `${stretch}${number(count)}`;
    this.earlier.disabled = this.#busy || this.#start === 0;
    const more = this.page.next !== null && this.actions.list !== undefined;
    this.later.disabled = this.#busy || (this.#end >= count && !more);
    this.later.textContent = this.#end >= count && more ? "Load more" : "Next";
  }

  /** @param {1 | -1} step */
  #turn(step) {
    if (step < 0) {
      this.#start = Math.max(0, this.#start - (this.#end - this.#start));
      this.draw();
    } else if (this.#end < this.#wanted().length) {
      this.#start = this.#end;
      this.draw();
    } else {
      void this.#act(() => this.#more());
    }
  }

  async #more() {
    const { list } = this.actions;
    const next = this.page.next;
    if (!list || !next) return;
    const end = this.#wanted().length;
    this.page = page(await list(next), next);
    const here = new Set(this.rows.map((row) => row.id));
    this.rows = [...this.rows, ...this.page.rows.filter((row) => !here.has(row.id))];
    this.#loaded();
    if (this.actions.limit !== null) this.#start = end;
  }

  /**
   * Do what takes a while, and say so when it fails.
   * @param {() => Promise<unknown>} act
   */
  async #act(act) {
    if (this.#busy) return;
    this.#busy = true;
    this.element.setAttribute("aria-busy", "true");
    this.status.textContent = "";
    try {
      await act();
    } catch (error) {
      this.status.textContent = error instanceof Error ? error.message : String(error);
    }
    this.#busy = false;
    this.element.removeAttribute("aria-busy");
    this.draw();
  }
}

/**
 * Numbers by size, texts as people sort them, and nothing last of all.
 * @param {string | number | null} a
 * @param {string | number | null} b
 */
function compared(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a ?? "").localeCompare(String(b ?? ""), undefined, { numeric: true });
}
