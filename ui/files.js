/** @file What people take away with them: a transcript as Markdown, a list as CSV. */

/** @type {Record<string, string>} */
const SPEAKERS = { user: "Customer", assistant: "Assistant", system: "System", tool: "Tool" };
// A spreadsheet runs a cell that begins so; a telephone number it takes for a number.
const FORMULA = /^(?!\+[0-9]+$)[=+\-@\t\r]/;

/**
 * Who speaks, in words.
 * @param {Said} message
 */
export function speaker(message) {
  return SPEAKERS[message.role] ?? message.role;
}

/**
 * A conversation as Markdown: a heading, the facts, then who said what and when.
 * @param {Conversation} session
 * @param {Format} format
 */
export function markdown(session, format) {
  const facts = [
    ["id", session.id],
    ["customer", session.customer],
    ["status", session.status],
    ["created", session.created === null ? "" : format.stamp(session.created)],
    ["updated", session.updated === null ? "" : format.stamp(session.updated)],
    ["cost", session.cost === null ? "" : format.money(session.cost)],
  ];
  const lines = facts.filter(([, value]) => value).map(([name, value]) => `- ${name}: ${value}`);
  const said = session.messages.map((message) => (message ? spoken(message, format) : ""));
  return `# ${session.name || "Session"}\n\n${lines.join("\n")}\n\n${said.join("\n")}`;
}

/**
 * One message as Markdown, its words quoted.
 * @param {Said} message
 * @param {Format} format
 */
export function spoken(message, format) {
  const who = `${speaker(message)} ${message.name}`.trim().replace(/\s+/g, " ");
  const at = message.time === null ? "" : ` · ${format.time(message.time)}`;
  const calls = message.calls.map((call) => `${call.tool} \`${JSON.stringify(call.with)}\``);
  const quoted = [message.text, ...calls].filter(Boolean).join("\n").replace(/^/gm, "> ");
  return `**${who}**${at}\n\n${quoted}\n`;
}

/**
 * Rows as CSV (RFC 4180), none of which a spreadsheet runs as a formula.
 * @param {Row[]} rows
 */
export function csv(rows) {
  /** @param {unknown} value */
  const cell = (value) => {
    const text = String(value ?? "").replace(FORMULA, "'$&");
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const head = ["id", "name", "status", "customer", "createdAt", "messages", "costUsd", "last"];
  const lines = rows.map((row) => {
    const created = row.created === null ? "" : new Date(row.created).toISOString();
    const { id, name, status, customer, count, cost, last } = row;
    return [id, name, status, customer, created, count, cost, last].map(cell).join(",");
  });
  return `${[head.join(","), ...lines].join("\r\n")}\r\n`;
}
