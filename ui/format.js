/** @file Times in the person's own time zone, money and counts, as their language writes them. */

/**
 * How times and numbers are written; what the host says wrongly is left to the browser.
 * @param {string | undefined} locale BCP 47
 * @param {string | undefined} timeZone IANA
 * @returns {Format}
 */
export function formats(locale, timeZone) {
  const language = valid(() => new Intl.NumberFormat(locale)) ? locale : undefined;
  const zone = valid(() => new Intl.DateTimeFormat("en", { timeZone })) ? timeZone : undefined;
  /** @param {Intl.DateTimeFormatOptions} options */
  const dates = (options) => new Intl.DateTimeFormat(language, { ...options, timeZone: zone });
  const time = dates({ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
  const day = dates({ weekday: "short", day: "numeric", month: "short", year: "numeric" });
  const stamp = dates({
    ...{ day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" },
    ...{ hourCycle: "h23", timeZoneName: "short" },
  });
  const brief = dates({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const date = dates({ day: "numeric", month: "short" });
  const zoned = new Intl.DateTimeFormat("en", { timeZone: zone, timeZoneName: "short" });
  const key = new Intl.DateTimeFormat("en-CA", { timeZone: zone, dateStyle: "short" });
  const counts = new Intl.NumberFormat(language);
  /** @param {number} dollars */
  const money = (dollars) =>
    new Intl.NumberFormat(language, {
      style: "currency",
      currency: "USD",
      maximumFractionDigits: dollars && Math.abs(dollars) < 0.01 ? 6 : 4,
    }).format(dollars);
  return {
    time: (at) => time.format(at),
    day: (at) => day.format(at),
    stamp: (at) => stamp.format(at),
    brief: (at) => brief.format(at),
    date: (at) => date.format(at),
    zone: (at) => zoned.formatToParts(at).find((part) => part.type === "timeZoneName")?.value ?? "",
    key: (at) => key.format(at),
    money,
    number: (value) => counts.format(value),
  };
}

/** @param {() => unknown} make */
function valid(make) {
  try {
    make();
    return true;
  } catch {
    return false;
  }
}
