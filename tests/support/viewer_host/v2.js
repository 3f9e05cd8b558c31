import { AppBridge, PostMessageTransport } from "@modelcontextprotocol/ext-apps/app-bridge";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { offer } from "./host.js";

const extensions = { "io.modelcontextprotocol/ui": { mimeTypes: ["text/html;profile=mcp-app"] } };

offer({
  AppBridge,
  PostMessageTransport,
  connect: async (url) => {
    const client = new Client({ name: "test-host", version: "1" }, { capabilities: { extensions } });
    await client.connect(new StreamableHTTPClientTransport(new URL(url)));
    return client;
  },
});
