// A host of MCP Apps for the tests: the official AppBridge around a sandboxed frame, with an
// official client connected to our server. It does what a test tells it, and notes what it is asked.

export function offer({ AppBridge, PostMessageTransport, connect }) {
  const seen = { calls: [], messages: [], contexts: [], downloads: [], modes: [], sizes: [] };
  const host = { seen, client: null, bridge: null };

  host.forget = () => {
    document.querySelector("iframe")?.remove();
    for (const list of Object.values(seen)) list.length = 0;
  };

  host.connect = async (url) => {
    host.client = await connect(url);
  };

  // Everything about one view: what it is told, what the host can do, what it refuses.
  host.show = async ({ tool, args, result, context, capabilities, refuses = [], height = 700 }) => {
    const { tools } = await host.client.listTools();
    const bound = tools.find((each) => each.name === tool);
    const uri = bound._meta.ui.resourceUri;
    const { contents } = await host.client.readResource({ uri });
    const [{ text, mimeType, _meta }] = contents;
    host.resource = { uri, mimeType, meta: _meta };

    await host.bridge?.close();
    document.querySelector("iframe")?.remove();
    const frame = document.createElement("iframe");
    frame.style.height = `${height}px`;
    frame.classList.toggle("fullscreen", context?.displayMode === "fullscreen");
    const ready = new Promise((resolve) => {
      const listen = ({ data, source }) => {
        if (source !== frame.contentWindow) return;
        if (data?.method !== "ui/notifications/sandbox-proxy-ready") return;
        window.removeEventListener("message", listen);
        resolve();
      };
      window.addEventListener("message", listen);
    });
    frame.src = "http://sandbox.test/";
    document.body.append(frame);
    await ready;

    const hostContext = { toolInfo: { tool: bound }, displayMode: "inline", ...context };
    const bridge = new AppBridge(null, { name: "test-host", version: "1" }, capabilities, { hostContext });
    host.bridge = bridge;
    const refused = (what) => {
      if (refuses.includes(what)) throw new Error(`The person declined: ${what}.`);
      return refuses.includes(`quietly ${what}`) ? { isError: true } : {};
    };
    bridge.oncalltool = async (params) => {
      seen.calls.push(params);
      refused("tools");
      return host.client.callTool(params);
    };
    bridge.onmessage = async (params) => (seen.messages.push(params), refused("messages"));
    bridge.onupdatemodelcontext = async (params) => (seen.contexts.push(params), refused("contexts"));
    bridge.ondownloadfile = async (params) => (seen.downloads.push(params), refused("downloads"));
    bridge.onrequestdisplaymode = async ({ mode }) => {
      seen.modes.push(mode);
      if (refuses.includes("modes")) return { mode: "inline" };
      frame.classList.toggle("fullscreen", mode === "fullscreen");
      return { mode };
    };
    bridge.onsizechange = ({ width, height }) => {
      seen.sizes.push({ width, height });
      if (height) frame.style.height = `${height}px`;
    };
    const initialized = new Promise((resolve) => (bridge.oninitialized = resolve));
    await bridge.connect(new PostMessageTransport(frame.contentWindow, frame.contentWindow));
    await bridge.sendSandboxResourceReady({ html: text, csp: _meta.ui.csp });
    await initialized;
    if (args) await bridge.sendToolInput({ arguments: args });
    if (result === "none") return null;
    const answer = result ?? (await host.client.callTool({ name: tool, arguments: args }));
    await bridge.sendToolResult(answer);
    return answer;
  };
  window.host = host;
}
