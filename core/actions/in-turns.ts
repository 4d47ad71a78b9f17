import { setImmediate } from 'node:timers/promises';

/** How long work may block the thread, in milliseconds. Freeze checks are answered during an evaluation. */
const TURN_MS = 8;

/** Maps items in order, and yields to the event loop in between. */
export async function inTurns<T, R>(items: readonly T[], work: (item: T) => R): Promise<R[]> {
  const done: R[] = [];
  let since = performance.now();
  for (const item of items) {
    done.push(work(item));
    if (performance.now() - since < TURN_MS) continue;
    await setImmediate();
    since = performance.now();
  }
  return done;
}
