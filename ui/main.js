/** @file The viewer: shows what a tool answered, as a session or as a list of sessions. */

import { Bridge } from "./bridge.js";
import { el, words } from "./dom.js";
import { formats } from "./format.js";
import { object } from "./model.js";
import { SessionView } from "./session.js";
import { SessionsView } from "./sessions.js";
import { dress, limit } from "./theme.js";

// Of this document, for the host's own records.
const VERSION = "1";

const root = el("main", {});
const names = document.documentElement.dataset;
const bridge = new Bridge(window.parent);

/** @type {Record<string, unknown>} */
let input = {};
/** @type {SessionView | SessionsView | null} */
let view = null;
/** The list that a session was opened from, and where. @type {SessionsView | null} */
let from = null;
let scrolled = 0;

/** What the person's host can do, as far as it says so. @returns {Actions} */
function actions() {
  const { context, capabilities } = bridge;
  const tools = capabilities.serverTools;
  const modes = context.availableDisplayModes ?? [];
  const full = context.displayMode === "fullscreen";
  const inline = !full && modes.includes("fullscreen");
  /** @type {Actions} */
  const can = {
    format: formats(context.locale, context.timeZone),
    limit: limit(context),
    copy,
  };
  if (tools) {
    can.get = (args) => call(names.getTool, args);
    can.list = (args) => call(names.listTool, args);
  }
  if (inline) can.expand = expand;
  if (capabilities.downloadFile) can.download = download;
  if (capabilities.updateModelContext) can.mention = mention;
  if (tools && (full || inline)) can.open = open;
  else if (capabilities.message) can.open = ask;
  return can;
}

/**
 * Call a tool of this server through the host; rejects with what it says when it fails.
 * @param {string | undefined} name
 * @param {Record<string, unknown>} args
 */
async function call(name, args) {
  return answered(await bridge.request("tools/call", { name, arguments: args }));
}

/** @param {ToolResult} result @returns {Record<string, unknown>} */
function answered(result) {
  const said = (result.content ?? []).map((block) => block.text ?? "");
  if (result.isError) throw new Error(said.join("\n") || "The call failed.");
  if (result.structuredContent) return result.structuredContent;
  try {
    return object(JSON.parse(said[0] ?? ""));
  } catch {
    throw new Error(said.join("\n") || "The answer is empty.");
  }
}

async function expand() {
  const { mode } = await bridge.request("ui/request-display-mode", { mode: "fullscreen" });
  bridge.context = { ...bridge.context, displayMode: mode };
  redraw();
}

/** Open a session over the whole screen. @param {string} id */
async function open(id) {
  if (bridge.context.displayMode !== "fullscreen") await expand();
  if (bridge.context.displayMode !== "fullscreen") return ask(id);
  const answer = await call(names.getTool, { id });
  from = view instanceof SessionsView ? view : from;
  scrolled = window.scrollY;
  show(new SessionView(answer, { id }, { ...actions(), back }));
  root.querySelector("button")?.focus({ preventScroll: true });
  window.scrollTo(0, 0);
}

/** Have the agent open a session. @param {string} id */
async function ask(id) {
  const content = [{ type: "text", text: `Show me the Vapi session ${id}.` }];
  const { isError } = await bridge.request("ui/message", { role: "user", content });
  if (isError) throw new Error("The host did not pass it on: ask the agent to show that session.");
}

function back() {
  if (!from) return;
  const list = from;
  const id = view instanceof SessionView ? view.session.id : "";
  from = null;
  show(list);
  list.adapt(actions());
  list.focus(id);
  window.scrollTo(0, scrolled);
}

/** Point the agent at something. @param {string} text */
async function mention(text) {
  await bridge.request("ui/update-model-context", { content: [{ type: "text", text }] });
  return "The agent will read it with your next message.";
}

/**
 * Save a file by the host.
 * @param {string} name
 * @param {string} mimeType
 * @param {string} text
 */
async function download(name, mimeType, text) {
  const resource = { uri: `file:///${name}`, mimeType, text };
  const contents = [{ type: "resource", resource }];
  const { isError } = await bridge.request("ui/download-file", { contents });
  if (isError) throw new Error("The host did not save the file.");
}

/** @param {string} text */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Where the host grants no clipboard, the old way still works on a person's own click.
    const area = el("textarea", { class: "copied", "aria-hidden": "true" });
    area.value = text;
    root.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) throw new Error("The host does not let this view copy.");
  }
}

/** @param {SessionView | SessionsView} next */
function show(next) {
  view = next;
  root.replaceChildren(next.element);
  next.draw();
}

/** Say what there is to say while there is nothing to show. @param {string} text */
function say(text, busy = false) {
  view = null;
  const lines = busy ? ["", "", ""].map(() => el("div", { class: "bone" })) : [];
  root.replaceChildren(el("article", { "aria-busy": busy && "true" }, el("p", { class: "said", role: "status" }, words(text)), ...lines));
}

/** @param {ToolResult} result */
function result(result) {
  from = null;
  try {
    const answer = answered(result);
    const View = Array.isArray(answer.results) ? SessionsView : SessionView;
    show(new View(answer, input, actions()));
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
  }
}

/** Draw again what is shown, after the host has changed. */
function redraw() {
  dress(bridge.context);
  if (from && bridge.context.displayMode !== "fullscreen") return back();
  view?.adapt({ ...actions(), ...(from ? { back } : {}) });
}

/** @param {{arguments?: Record<string, unknown>}} params */
function reading(params) {
  input = params.arguments ?? {};
  const id = typeof input.id === "string" ? ` ${input.id}` : "s";
  say(`Reading session${id}…`, true);
}

document.body.append(root);
say("Waiting for the answer…", true);
bridge.on("tool-input-partial", reading);
bridge.on("tool-input", reading);
bridge.on("tool-result", result);
bridge.on("tool-cancelled", ({ reason }) => {
  say(reason ? `The call was cancelled: ${reason}` : "The call was cancelled.");
});
bridge.on("host-context-changed", redraw);
bridge.on("teardown", () => root.replaceChildren());

let width = window.innerWidth;
window.addEventListener("resize", () => {
  if (window.innerWidth === width) return;
  width = window.innerWidth;
  view?.draw();
});

bridge.connect(VERSION).then(redraw, (/** @type {Error} */ error) => say(error.message));
