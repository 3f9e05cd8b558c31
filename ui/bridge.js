/**
 * @file The view's side of MCP Apps (2026-01-26): JSON-RPC 2.0 over postMessage with the host.
 *
 * What the host says arrives as events named after the method, without `ui/notifications/`.
 */

export const PROTOCOL = "2026-01-26";
const METHOD_NOT_FOUND = -32601;
// Hosts that are flooded with sizes complain; a frame may change several times while it settles.
const SETTLED = 60;

/** A connection with the host that embeds this document. */
export class Bridge {
  /** @type {Map<number, {resolve: (result: any) => void, reject: (error: Error) => void}>} */
  #waiting = new Map();
  /** @type {Map<string, (params: any) => void>} */
  #handlers = new Map();
  #id = 0;
  #height = 0;
  #timer = 0;

  /** @type {HostContext} */
  context = {};
  /** @type {HostCapabilities} */
  capabilities = {};

  /** @param {Window} host where messages go to, and the only place they are taken from */
  constructor(host) {
    this.host = host;
    window.addEventListener("message", (event) => {
      if (event.source === host) this.#receive(event.data);
    });
  }

  /**
   * Call `handler` with the params of each notification of this name, or of the teardown request.
   * @param {"tool-input" | "tool-input-partial" | "tool-result" | "tool-cancelled" |
   *   "host-context-changed" | "teardown"} name
   * @param {(params: any) => void} handler
   */
  on(name, handler) {
    this.#handlers.set(name, handler);
  }

  /**
   * Introduce this view; afterwards the host sends what the tool was given and what it answered.
   * @param {string} version
   */
  async connect(version) {
    /** @type {Initialized} */
    const host = await this.request("ui/initialize", {
      protocolVersion: PROTOCOL,
      appInfo: { name: "vapi-sessions-viewer", version },
      appCapabilities: { availableDisplayModes: ["inline", "fullscreen"] },
    });
    this.context = host.hostContext ?? {};
    this.capabilities = host.hostCapabilities ?? {};
    this.notify("ui/notifications/initialized", {});
    new ResizeObserver(() => this.#resized()).observe(document.documentElement);
  }

  /**
   * Ask the host something; rejects with the host's own words when it refuses.
   * @param {string} method
   * @param {object} params
   * @returns {Promise<any>}
   */
  request(method, params) {
    const id = ++this.#id;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#send({ id, method, params });
    });
  }

  /**
   * Tell the host something that has no answer.
   * @param {string} method
   * @param {object} params
   */
  notify(method, params) {
    this.#send({ method, params });
  }

  /** @param {object} message */
  #send(message) {
    // The host's origin cannot be known from within a sandbox; nothing secret is sent.
    this.host.postMessage({ jsonrpc: "2.0", ...message }, "*");
  }

  /** @param {any} message */
  #receive(message) {
    if (message === null || typeof message !== "object" || message.jsonrpc !== "2.0") return;
    if (typeof message.method !== "string") this.#answered(message);
    else if (message.id === undefined) this.#notified(message.method, message.params ?? {});
    else this.#requested(message);
  }

  /** @param {{id: number, result?: unknown, error?: {message?: unknown}}} message */
  #answered({ id, result, error }) {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error) waiting?.reject(new Error(String(error.message ?? "The host refused.")));
    else waiting?.resolve(result ?? {});
  }

  /**
   * @param {string} method
   * @param {any} params
   */
  #notified(method, params) {
    const name = method.replace("ui/notifications/", "");
    if (name === "host-context-changed") this.context = { ...this.context, ...params };
    this.#handlers.get(name)?.(params);
  }

  /** @param {{id: unknown, method: string, params?: unknown}} message */
  #requested({ id, method, params }) {
    if (method === "ui/resource-teardown") {
      this.#handlers.get("teardown")?.(params);
      this.#send({ id, result: {} });
    } else if (method === "ping") {
      this.#send({ id, result: {} });
    } else {
      this.#send({ id, error: { code: METHOD_NOT_FOUND, message: `No method ${method}.` } });
    }
  }

  #resized() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const height = Math.ceil(document.documentElement.getBoundingClientRect().height);
      if (height === this.#height) return;
      this.#height = height;
      this.notify("ui/notifications/size-changed", { width: window.innerWidth, height });
    }, SETTLED);
  }
}
