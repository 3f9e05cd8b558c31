import { AppBridge, PostMessageTransport } from "ext-apps-v1/app-bridge";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { offer } from "./host.js";

offer({
  AppBridge,
  PostMessageTransport,
  connect: async (url) => {
    const client = new Client({ name: "test-host", version: "1" }, { capabilities: {} });
    await client.connect(new StreamableHTTPClientTransport(new URL(url)));
    return client;
  },
});
