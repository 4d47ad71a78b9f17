/** Times along an axis. */

/** @typedef {{ from: number; to: number }} Span milliseconds since the Unix epoch */

/** Milliseconds between two ticks: common time intervals. */
const STEPS_MS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600].map((seconds) => seconds * 1000);

/**
 * Returns round times within a span, at common intervals.
 *
 * @param {Span} span
 * @param {number} most approximate maximum number
 */
export function roundTimes({ from, to }, most) {
  const step = STEPS_MS.find((one) => (to - from) / one <= most) ?? to - from;
  const times = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) times.push(at);
  return times;
}

/**
 * Returns the latest group of times, in which consecutive times are at most `gapMs` apart.
 *
 * @param {readonly number[]} times
 * @param {number} gapMs
 */
export function lastTogether(times, gapMs) {
  const sorted = times.toSorted((a, b) => a - b);
  const gap = sorted.findLastIndex((at, i) => i > 0 && at - (sorted[i - 1] ?? at) > gapMs);
  return sorted.slice(Math.max(0, gap));
}
