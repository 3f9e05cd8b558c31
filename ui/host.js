/**
 * @file The host of `vapi-sessions-mcp view`: the viewer in a frame without an origin of its own.
 *
 * It is served at /SECRET/, calls tools by POST /SECRET/call and says /SECRET/closed at its end.
 */

/** @typedef {{id?: unknown, method?: string, params?: any}} Frame */

const frame = document.createElement("iframe");
const dark = window.matchMedia("(prefers-color-scheme: dark)");

function hostContext() {
  const { locale, timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const theme = dark.matches ? "dark" : "light";
  const mode = { displayMode: "fullscreen", availableDisplayModes: ["fullscreen"] };
  return { ...mode, theme, locale: navigator.language || locale, timeZone, platform: "web" };
}

/** @param {object} message */
function send(message) {
  // A sandboxed frame has no origin that could be named here.
  frame.contentWindow?.postMessage({ jsonrpc: "2.0", ...message }, "*");
}

/** @param {Frame} message */
async function received({ id, method, params }) {
  if (method === "ui/notifications/initialized") await first();
  if (id === undefined || method === undefined) return;
  try {
    send({ id, result: await answer(method, params ?? {}) });
  } catch (error) {
    send({ id, error: { code: -32000, message: error instanceof Error ? error.message : "" } });
  }
}

/**
 * @param {string} method
 * @param {any} params
 * @returns {Promise<object>}
 */
async function answer(method, params) {
  switch (method) {
    case "ui/initialize":
      return {
        protocolVersion: "2026-01-26",
        hostInfo: { name: "vapi-sessions-mcp", version: "1" },
        hostCapabilities: { serverTools: {}, downloadFile: {} },
        hostContext: hostContext(),
      };
    case "tools/call":
      return call(params);
    case "ui/download-file":
      return save(params.contents);
    case "ui/request-display-mode":
      return { mode: "fullscreen" };
    case "ping":
      return {};
    default:
      throw new Error(`This page does not offer ${method}.`);
  }
}

/** Show what the command was started with. */
async function first() {
  const response = await fetch("first");
  /** @type {{name: string, arguments: Record<string, unknown>}} */
  const params = await response.json();
  send({ method: "ui/notifications/tool-input", params: { arguments: params.arguments } });
  send({ method: "ui/notifications/tool-result", params: await call(params) });
}

/** @param {{name: string, arguments?: Record<string, unknown>}} params */
async function call(params) {
  const headers = { "Content-Type": "application/json" };
  try {
    const response = await fetch("call", { method: "POST", headers, body: JSON.stringify(params) });
    return await response.json();
  } catch {
    throw new Error("vapi-sessions-mcp has stopped: start `view` again.");
  }
}

/** @param {{resource?: {uri: string, mimeType?: string, text?: string}}[]} contents */
function save(contents) {
  for (const { resource } of contents) {
    if (!resource) continue;
    const link = document.createElement("a");
    link.download = resource.uri.split("/").at(-1) ?? "session";
    link.href = URL.createObjectURL(new Blob([resource.text ?? ""], { type: resource.mimeType }));
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }
  return {};
}

window.addEventListener("message", (event) => {
  if (event.source === frame.contentWindow) void received(event.data);
});
window.addEventListener("pagehide", () => navigator.sendBeacon("closed"));
dark.addEventListener("change", () => {
  send({ method: "ui/notifications/host-context-changed", params: hostContext() });
});
frame.title = "Vapi sessions";
frame.setAttribute("sandbox", "allow-scripts");
frame.src = "viewer";
document.body.append(frame);
