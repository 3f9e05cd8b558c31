// The shapes that the modules share; nothing of this is in the built documents.

/** A message in the one shape that the views draw. */
interface Said {
  role: string;
  name: string;
  text: string;
  time: number | null;
  calls: { tool: string; with: unknown }[];
}

/** A name with a value: a part of a cost, a structured output, a scorecard. */
interface Named {
  name: string;
  value: unknown;
}

/** One session as far as the answers so far have said; `messages` has a place for each. */
interface Conversation {
  id: string;
  name: string;
  status: string;
  customer: string;
  created: number | null;
  updated: number | null;
  expires: number | null;
  cost: number | null;
  costs: { label: string; cost: number }[];
  facts: { label: string; text: string }[];
  outputs: Named[];
  skipped: Named[];
  scorecards: Named[];
  messages: (Said | undefined)[];
  from: number;
  to: number;
  whole: boolean;
  last: string;
  note: string;
}

/** One row of a list. */
interface Row {
  id: string;
  name: string;
  status: string;
  customer: string;
  created: number | null;
  cost: number | null;
  count: number | null;
  last: string;
}

/** A page of a list, and the arguments that get the next. */
interface Page {
  rows: Row[];
  total: number | null;
  scanned: number | null;
  next: Record<string, unknown> | null;
  note: string;
}

interface ToolResult {
  content?: { type: string; text?: string }[];
  structuredContent?: Record<string, unknown>;
  isError?: boolean;
}

type DisplayMode = "inline" | "fullscreen" | "pip";

interface HostContext {
  toolInfo?: { tool: { name: string } };
  theme?: "light" | "dark";
  styles?: { variables?: Record<string, string | undefined>; css?: { fonts?: string } };
  displayMode?: DisplayMode;
  availableDisplayModes?: DisplayMode[];
  containerDimensions?: { height?: number; maxHeight?: number };
  locale?: string;
  timeZone?: string;
  safeAreaInsets?: { top: number; right: number; bottom: number; left: number };
}

interface HostCapabilities {
  serverTools?: object;
  downloadFile?: object;
  updateModelContext?: object;
  message?: object;
}

interface Initialized {
  hostContext?: HostContext;
  hostCapabilities?: HostCapabilities;
}

/** How times and numbers are written for this person. */
interface Format {
  time(at: number): string;
  day(at: number): string;
  stamp(at: number): string;
  brief(at: number): string;
  date(at: number): string;
  zone(at: number): string;
  key(at: number): string;
  money(dollars: number): string;
  number(value: number): string;
}

/** What a view may ask of the person's host; what the host cannot do is absent. */
interface Actions {
  format: Format;
  /** How tall the document may be, or null where the page scrolls. */
  limit: number | null;
  get?: (args: Record<string, unknown>) => Promise<Record<string, unknown>>;
  list?: (args: Record<string, unknown>) => Promise<Record<string, unknown>>;
  open?: (id: string) => Promise<void>;
  expand?: () => Promise<void>;
  back?: () => void;
  copy: (text: string) => Promise<void>;
  download?: (name: string, type: string, text: string) => Promise<void>;
  mention?: (text: string) => Promise<string>;
}
