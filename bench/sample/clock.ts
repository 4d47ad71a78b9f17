import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The clock of a world, which the product shares through a file. It goes on as the real one does, and can jump ahead. */
export type WorldClock = {
  /** Arguments for Node, so that a program has this clock. */
  nodeArgs: string[];
  /** Current time in milliseconds since the Unix epoch. */
  now(): number;
  /** Jumps to a time, unless it is over. */
  jumpTo(millis: number): void;
};

export function worldClock(folder: string, startsAt: number): WorldClock {
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
