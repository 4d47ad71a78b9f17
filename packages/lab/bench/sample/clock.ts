import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The clock of a simulated system. The product reads its offset from a file, so both have the same time. It advances at the
 * speed of the real clock, and can jump ahead.
 */
export type SimulatedClock = {
  /** Arguments for Node, so that a program has this clock. */
  nodeArgs: string[];
  /** Current time in milliseconds since the Unix epoch. */
  now(): number;
  /** Jumps ahead to a time. Does nothing if the time has passed. */
  jumpTo(millis: number): void;
};

export function simulatedClock(folder: string, startsAt: number): SimulatedClock {
  const file = join(folder, 'clock');
  let offset = Math.round(startsAt) - Date.now();
  const write = (): void => {
    writeFileSync(`${file}.new`, String(offset));
    renameSync(`${file}.new`, file);
  };
  write();
  return {
    nodeArgs: ['--import', new URL(`clock.mjs?file=${encodeURIComponent(file)}`, import.meta.url).href],
    now: () => Date.now() + offset,
    jumpTo: (millis) => {
      offset = Math.max(offset, Math.round(millis) - Date.now());
      write();
    },
  };
}
