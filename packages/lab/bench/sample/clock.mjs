// Loaded before the product (`--import clock.mjs?file=…`): its clock is the real one, plus the milliseconds in a file. Only the calendar
// moves. Timers are as ever.
import { readFileSync } from 'node:fs';

const file = new URL(import.meta.url).searchParams.get('file') ?? '';
const RealDate = Date;

/** Milliseconds for which the file's content is remembered. */
const KEPT_MS = 1;

let [offset, readAt] = [0, -Infinity];

function now() {
  const at = performance.now();
  if (at - readAt > KEPT_MS) {
    readAt = at;
    offset = Number(readFileSync(file, 'utf8')) || offset;
  }
  return RealDate.now() + offset;
}

globalThis.Date = new Proxy(RealDate, {
  construct: (target, given, self) =>
    /** @type {Date} */ (Reflect.construct(target, given.length === 0 ? [now()] : given, self)),
  apply: (target) => new target(now()).toString(),
  get: (target, name, self) => (name === 'now' ? now : /** @type {unknown} */ (Reflect.get(target, name, self))),
});
