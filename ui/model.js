/** @file What the get tool answers, in one shape, whichever of the server's views it is. */

// The roles that recorded calls have for who speaks.
/** @type {Record<string, string>} */
const ROLES = { bot: "assistant", tool_calls: "assistant", tool_call_result: "tool" };
// What a lifetime is counted in.
const SECOND = 1000;
// In milliseconds, the years 2000 to 2099: 0 is a clock that was never set.
const TIMES = [946_684_800_000, 4_102_444_800_000];

/**
 * A session: all of it, a stretch of its transcript, or its summary.
 * @param {Record<string, unknown>} answer
 * @returns {Conversation}
 */
export function conversation(answer) {
  const whole = !("shown" in answer) && !("messageCount" in answer);
  const shown = object(answer.shown);
  const given = list(answer.messages);
  /** @type {Record<string, string>} */
  const tools = {};
  const messages = given.map((message) => (whole ? recorded(message, tools) : shaped(message)));
  const count = whole ? given.length : (number(shown.of) ?? number(answer.messageCount) ?? 0);
  const from = whole ? 1 : (number(shown.from) ?? count + 1);
  /** @type {(Said | undefined)[]} */
  const places = new Array(Math.max(count, messages.length)).fill(undefined);
  places.splice(from - 1, messages.length, ...messages);
  const artifact = object(answer.artifact);
  return {
    ...summary(answer),
    updated: instant(answer.updatedAt),
    expires: expiry(answer),
    costs: list(answer.costs).map(costPart).filter((part) => part.cost !== 0),
    facts: whole ? facts(answer) : [],
    outputs: named(answer.structuredOutputs ?? artifact.structuredOutputs),
    skipped: named(answer.skippedStructuredOutputs ?? artifact.skippedStructuredOutputs),
    scorecards: named(answer.scorecards ?? artifact.scorecards),
    messages: places,
    from,
    to: from - 1 + messages.length,
    whole,
    note: text(answer.note),
  };
}

/**
 * A row of a list, or the head of a session: its summary, or the same out of all of it.
 * @param {Record<string, unknown>} answer
 * @returns {Row}
 */
export function summary(answer) {
  const customer = object(answer.customer);
  const who = [customer.name, customer.number ?? customer.sipUri].map(text).filter(Boolean);
  const messages = list(answer.messages);
  const count = "messageCount" in answer ? number(answer.messageCount) : messages.length;
  const last = object(messages.at(-1));
  return {
    id: text(answer.id),
    name: text(answer.name),
    status: text(answer.status),
    customer: typeof answer.customer === "string" ? answer.customer : who.join(" "),
    created: instant(answer.createdAt),
    cost: number(answer.cost),
    count,
    last: text(answer.lastMessage) || text(last.content ?? last.message ?? last.text),
  };
}

/**
 * Any value as text: parts of a message joined, an object as JSON.
 * @param {unknown} value
 * @returns {string}
 */
export function text(value) {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value)) return value.map((part) => text(part?.text ?? part)).join("\n");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/**
 * An object, or an empty one in place of anything else.
 * @param {unknown} value
 * @returns {Record<string, unknown>}
 */
export function object(value) {
  const isObject = value !== null && typeof value === "object" && !Array.isArray(value);
  return isObject ? /** @type {Record<string, unknown>} */ (value) : {};
}

/**
 * An array, or an empty one in place of anything else.
 * @param {unknown} value
 * @returns {unknown[]}
 */
export function list(value) {
  return Array.isArray(value) ? value : [];
}

/**
 * A finite number, or null.
 * @param {unknown} value
 */
export function number(value) {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** @param {unknown} value @returns {Said} */
function shaped(value) {
  const message = object(value);
  return {
    role: text(message.role) || "unknown",
    name: text(message.name),
    text: text(message.text),
    time: instant(message.time),
    calls: list(message.calls).map((call) => {
      return { tool: text(object(call).tool), with: object(call).with };
    }),
  };
}

/**
 * A message as Vapi records it; `tools` remembers which call an answer belongs to.
 * @param {unknown} value
 * @param {Record<string, string>} tools
 * @returns {Said}
 */
function recorded(value, tools) {
  const message = value === null || typeof value !== "object" ? { content: value } : object(value);
  const role = text(message.role);
  const snake = list(message.tool_calls);
  const calls = (snake.length ? snake : list(message.toolCalls)).map((item) => {
    const call = object(item);
    const said = "function" in call ? object(call.function) : call;
    const tool = text(said.name) || "unknown";
    tools[text(call.id)] = tool;
    return { tool, with: parsed(said.arguments ?? said.parameters ?? {}) };
  });
  const answers = text(message.tool_call_id ?? message.toolCallId);
  const said = [message.content, message.result, message.message].map(text).find(Boolean);
  return {
    role: ROLES[role] ?? (role || "unknown"),
    name: text(message.name) || (answers ? (tools[answers] ?? "") : ""),
    text: calls.length && role === "tool_calls" ? "" : (said ?? ""),
    time: instant(message.time),
    calls,
  };
}

/** Arguments that are JSON text, as what they say. @param {unknown} value @returns {unknown} */
function parsed(value) {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

/** A moment as a Unix time in milliseconds, or null. @param {unknown} value */
function instant(value) {
  const at = typeof value === "string" ? Date.parse(value) : number(value);
  return at !== null && at >= (TIMES[0] ?? 0) && at < (TIMES[1] ?? 0) ? at : null;
}

/** Last update plus lifetime, which Vapi does not say itself. @param {Record<string, unknown>} s */
function expiry(s) {
  const updated = instant(s.updatedAt);
  const lifetime = number(s.expirationSeconds);
  return updated === null || !lifetime ? null : updated + lifetime * SECOND;
}

/** @param {unknown} value */
function costPart(value) {
  const part = object(value);
  const model = text(object(part.model).model);
  const label = [text(part.type) || "other", model].filter(Boolean).join(" · ");
  return { label, cost: number(part.cost) ?? 0 };
}

/** @param {Record<string, unknown>} session */
function facts(session) {
  const [customer, squad] = [object(session.customer), object(session.squad)];
  const pairs = [
    ["E-mail", customer.email],
    ["Assistant", object(session.assistant).name ?? session.assistantId],
    ["Squad", squad.name ?? session.squadId],
    ["Workflow", session.workflowId],
  ];
  return pairs
    .map(([label, value]) => ({ label: text(label), text: text(value) }))
    .filter((fact) => fact.text);
}

/** Outputs and scorecards, which Vapi keys by id. @param {unknown} value @returns {Named[]} */
function named(value) {
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(object(value));
  return entries.map(([key, entry]) => {
    const { name, result, ...rest } = object(entry);
    const said = result ?? (Object.keys(rest).length ? rest : entry);
    return { name: text(name) || text(key), value: said };
  });
}
