// @modelcontextprotocol/client 2.x, the official client for TypeScript, in the newest protocol.
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { drive } from "./tour.mjs";

const command = { command: "vapi-sessions-mcp", args: ["--sandbox", "--tool-names", "short"] };
const newest = { versionNegotiation: { mode: "auto" } };

await drive(async (url, tour) => {
  const client = new Client({ name: "support", version: "1.0.0" }, newest);
  await client.connect(
    url ? new StreamableHTTPClientTransport(new URL(url)) : new StdioClientTransport(command),
  );
  const { tools } = await client.listTools();
  if (client.getNegotiatedProtocolVersion() !== "2026-07-28") throw new Error("not the newest");
  await tour(tools, (name, given) => client.callTool({ name, arguments: given }));
  await client.close();
});
