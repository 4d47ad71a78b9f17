import { readFileSync } from 'node:fs';

/**
 * Loaded into the product before it starts (`node --import`). Sets its clock forward, at the start or while it runs, to
 * simulate time that has passed. Timers are not affected.
 *
 * FIREBREAK_KILL_CLOCK is a file with the number of seconds.
 */
const { FIREBREAK_KILL_CLOCK: file = '' } = process.env;

/** Interval for reading the file, in milliseconds. */
const LOOK_MS = 100;

const ahead = (): number => Number(readFileSync(file, 'utf8')) * 1000;
let aheadMs = ahead();
setInterval(() => (aheadMs = ahead()), LOOK_MS).unref();

const { now } = Date;
Date.now = () => now() + aheadMs;
globalThis.Date = new Proxy(Date, {
  construct: (date, args: [], own) => Reflect.construct(date, args.length === 0 ? [Date.now()] : args, own) as object,
});
