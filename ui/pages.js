/** @file What the list tool answers, and which arguments get what comes next. */

import { list, number, object, summary, text } from "./model.js";

// Rows of a page where none are asked for: Vapi's default.
const LIMIT = 100;

/**
 * A page of rows, of summaries or of whole sessions.
 * @param {Record<string, unknown>} answer
 * @param {Record<string, unknown>} args what the list was asked for
 * @returns {Page}
 */
export function page(answer, args) {
  const rows = list(answer.results).map((row) => summary(object(row)));
  const metadata = object(answer.metadata);
  const coverage = object(answer.coverage);
  return {
    rows: rows.filter((row) => row.id),
    total: number(answer.total ?? metadata.totalItems ?? coverage.matches),
    scanned: number(coverage.scanned),
    next: "coverage" in answer ? going(coverage) : following(answer, metadata, rows.length, args),
    note: text(answer.note),
  };
}

/** The arguments with which a scan goes on. @param {Record<string, unknown>} coverage */
function going(coverage) {
  return "next" in coverage ? object(coverage.next) : null;
}

/**
 * The arguments of the next page: smaller pages where this one was cut, so that no row is skipped.
 * @param {Record<string, unknown>} answer
 * @param {Record<string, unknown>} metadata
 * @param {number} rows
 * @param {Record<string, unknown>} args
 */
function following(answer, metadata, rows, args) {
  const here = number(answer.page ?? metadata.currentPage) ?? 1;
  const total = number(answer.total ?? metadata.totalItems) ?? 0;
  const limit = number(args.limit) ?? number(metadata.itemsPerPage) ?? LIMIT;
  const before = (here - 1) * limit;
  if (!rows || before + rows >= total) return null;
  if (rows >= limit) return { ...args, page: here + 1 };
  return { ...args, limit: rows, page: Math.floor((before + rows) / rows) + 1 };
}
