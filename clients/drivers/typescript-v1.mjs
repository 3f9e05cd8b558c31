// @modelcontextprotocol/sdk 1.x, the official client for TypeScript.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { drive } from "./tour.mjs";

const command = { command: "vapi-sessions-mcp", args: ["--sandbox", "--tool-names", "short"] };

await drive(async (url, tour) => {
  const client = new Client({ name: "support", version: "1.0.0" });
  await client.connect(
    url ? new StreamableHTTPClientTransport(new URL(url)) : new StdioClientTransport(command),
  );
  const { tools } = await client.listTools();
  // It checks each answer against the schema that the tool promises.
  await tour(tools, (name, given) => client.callTool({ name, arguments: given }));
  await client.close();
});
