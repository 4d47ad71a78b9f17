/** Formats times. They are in UTC, as everywhere in Firebreak. */

/** Milliseconds that the stand-ins' clock is ahead of the browser's clock. */
let ahead = 0;

/** @param {string} at the stand-ins' current time */
export const setClock = (at) => void (ahead = Date.parse(at) - Date.now());

/** Returns milliseconds since the Unix epoch by the stand-ins' clock. */
export const now = () => Date.now() + ahead;

/** Formats a time as `06:48:00`. @param {string | number} at */
export const clock = (at) => new Date(at).toISOString().slice(11, 19);

/** Formats a time as `06:48:00.123`. @param {string | number} at */
export const preciseClock = (at) => new Date(at).toISOString().slice(11, 23);

const DAY = new Intl.DateTimeFormat('en', { weekday: 'long', month: 'long', day: 'numeric', timeZone: 'UTC' });

/** Formats a date as `Friday, November 20`, or `Today`. @param {number} at */
export const day = (at) => (DAY.format(at) === DAY.format(now()) ? 'Today' : DAY.format(at));

/** Formats a duration as `1 h 4 min`, `4 min 8 s`, `12 s`, or `< 1 s`. @param {number} ms */
export function duration(ms) {
  if (ms < 1000) return '< 1 s';
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

/** @param {string | null} end null if it has not ended @param {string} begin */
export const between = (begin, end) => duration((end === null ? now() : Date.parse(end)) - Date.parse(begin));

/** Returns a count with a noun: `1 call`, `2 calls`. @param {number} count @param {string} noun */
export const counted = (count, noun) => `${count} ${noun}${count === 1 ? '' : 's'}`;
