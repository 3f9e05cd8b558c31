/** @file The host's colours, fonts, display mode and insets, put on the document. */

const VARIABLE = /^--[a-z0-9-]+$/;
const INSETS = /** @type {const} */ (["top", "right", "bottom", "left"]);
// What an inline view may take of a conversation's height without a scrollbar of its own.
const INLINE = 500;

const fonts = new CSSStyleSheet();
document.adoptedStyleSheets = [fonts];

/**
 * Make the document look like the host's own.
 * @param {HostContext} context
 */
export function dress(context) {
  const root = document.documentElement;
  if (context.theme) root.dataset.theme = context.theme;
  root.dataset.mode = context.displayMode ?? "inline";
  if (context.locale) root.lang = context.locale;
  for (const [name, value] of Object.entries(context.styles?.variables ?? {})) {
    if (VARIABLE.test(name) && value) root.style.setProperty(name, value);
  }
  for (const side of INSETS) {
    root.style.setProperty(`--inset-${side}`, `${context.safeAreaInsets?.[side] ?? 0}px`);
  }
  fonts.replaceSync(context.styles?.css?.fonts ?? "");
}

/**
 * How tall the document may be, or null where it has the screen and scrolls.
 * @param {HostContext} context
 */
export function limit(context) {
  if (context.displayMode === "fullscreen") return null;
  const { height, maxHeight } = context.containerDimensions ?? {};
  return height ?? Math.min(maxHeight ?? INLINE, INLINE);
}
