import { readFileSync } from 'node:fs';

/**
 * Loaded into the product before it starts (`node --import`): sets its clock forward, now or while it runs, as if it had
 * been dead for a while, or had run for another one. Timers are as they are.
 *
 * FIREBREAK_KILL_CLOCK is a file that says by how many seconds.
 */
const { FIREBREAK_KILL_CLOCK: file = '' } = process.env;

/** How often the file is looked at. Milliseconds. */
const LOOK_MS = 100;

const ahead = (): number => Number(readFileSync(file, 'utf8')) * 1000;
let aheadMs = ahead();
setInterval(() => (aheadMs = ahead()), LOOK_MS).unref();

const { now } = Date;
Date.now = () => now() + aheadMs;
globalThis.Date = new Proxy(Date, {
  construct: (date, args: [], own) => Reflect.construct(date, args.length === 0 ? [Date.now()] : args, own) as object,
});
