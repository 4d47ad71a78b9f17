import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_EVERY_MS = 1000;

/** Looks one after another in which an idle program does not use another second of CPU. */
const IDLE_LOOKS = 4;

/** Returns the megabytes of memory that a process uses (resident set). */
export const memoryOf = (pid: number): number => Number(ps(pid, 'rss')) / 1024;

/** Waits until a process does hardly anything, for example because its queues are empty; for a minute at most. */
export async function untilIdle(pid: number): Promise<void> {
  const end = performance.now() + 60_000;
  for (let [before, looks] = [cpuSeconds(pid), 0]; looks < IDLE_LOOKS && performance.now() < end;) {
    await sleep(LOOK_EVERY_MS);
    const now = cpuSeconds(pid);
    looks = now === before ? looks + 1 : 0;
    before = now;
  }
}

const cpuSeconds = (pid: number): number => Number(ps(pid, 'cputimes'));

const ps = (pid: number, column: string): string =>
  execFileSync('ps', ['-o', `${column}=`, '-p', `${pid}`], { encoding: 'utf8' }).trim();
