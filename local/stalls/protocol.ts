import type { LogSettings } from '../../functions/assembly/log.ts';

/** The threads that are watched. The main thread answers requests; the background thread does everything else. */
export const THREADS = ['main', 'background'] as const;
export type ThreadName = (typeof THREADS)[number];

/** What the main thread gives to the thread that watches. */
export type WorkerSettings = {
  /** Its elements change with each beat of the thread at this place of `THREADS`. 0: it is not watched. */
  beats: Int32Array;
  logSettings: LogSettings;
  /** Where the input in progress is stored before a restart. */
  file: string;
  /** Whether systemd waits for notifications. */
  canNotify: boolean;
  /** The time after which systemd restarts a process that does not notify it. Undefined: it does not. */
  watchdogMs: number | undefined;
};

/** A state of the service, as sd_notify names it. */
export type SystemdState = 'READY=1' | 'STOPPING=1' | 'WATCHDOG=1';

/** The message to the main thread after a stall. */
export type Ended = { thread: ThreadName; stalledMs: number };

/** The global of each watched thread under which the worker finds the function that describes the code in progress. */
export const DESCRIBE = 'firebreak.describe-input-in-progress';
