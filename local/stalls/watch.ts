import { Worker } from 'node:worker_threads';
import type { Log } from '../../core/domain/ports/system.ts';
import type { LogSettings } from '../../functions/assembly/log.ts';
import { metricLine } from '../process-metrics.ts';
import { stalledInputFile } from './answer.ts';
import { startBeating } from './beats.ts';
import { type Ended, type SystemdState, THREADS, type WorkerSettings } from './protocol.ts';

/** The variables by which systemd tells a service how to notify it (sd_notify, sd_watchdog_enabled). */
export type Systemd = {
  PATH?: string | undefined;
  NOTIFY_SOCKET?: string | undefined;
  WATCHDOG_USEC?: string | undefined;
  /** The process whose notifications count. */
  WATCHDOG_PID?: string | undefined;
};

export type StallWatch = {
  /** For `startBeating` in other threads. */
  beats: Int32Array;
  metrics(): string;
  /** Tells systemd that the service is ready, or that it stops. */
  notify(state: SystemdState): void;
  close(): Promise<void>;
};

/**
 * Starts a thread that measures how long the threads of the product do not respond, and reports it while it lasts. If
 * systemd restarts a service that does not respond (`WatchdogSec`), the thread also notifies systemd while they respond, and
 * stores the input in progress before the restart. Nothing else ends the process because of a stall.
 */
export function watchStalls(options: {
  dataDir: string;
  logSettings: LogSettings;
  systemd: Systemd;
  log: Log;
}): StallWatch {
  const { systemd, log, logSettings } = options;
  const beats = new Int32Array(new SharedArrayBuffer(THREADS.length * Int32Array.BYTES_PER_ELEMENT));
  const stopBeating = startBeating(beats, 'main');
  const settings: WorkerSettings = {
    beats,
    logSettings,
    file: stalledInputFile(options.dataDir),
    canNotify: Boolean(systemd.NOTIFY_SOCKET),
    watchdogMs: watchdogMs(systemd),
  };
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: settings,
    execArgv: [], // what is loaded into the main thread is not for this one
    env: { PATH: systemd.PATH, NOTIFY_SOCKET: systemd.NOTIFY_SOCKET },
  });
  worker.unref();
  const measured = { main: { stalls: 0, seconds: 0 }, background: { stalls: 0, seconds: 0 } };
  worker.on('message', ({ thread, stalledMs }: Ended) => {
    measured[thread].stalls += 1;
    measured[thread].seconds += stalledMs / 1000;
  });
  worker.on('error', (error) => log.error('the thread that measures stalls has ended', { error: String(error) }));
  return {
    beats,
    metrics: () =>
      THREADS.map((thread) => {
        const { stalls, seconds } = measured[thread];
        const name = `firebreak_${thread}_thread`;
        return (
          metricLine(`${name}_stalls_total`, 'counter', `Stalls of the ${thread} thread of 2 s or more`, stalls) +
          metricLine(`${name}_stall_seconds_total`, 'counter', 'Time of these stalls', seconds)
        );
      }).join(''),
    notify: (state) => worker.postMessage(state),
    close: async () => {
      stopBeating();
      await worker.terminate();
    },
  };
}

/** Returns the time after which systemd restarts this process. Undefined: it does not, or it means another process. */
export function watchdogMs(
  { NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID }: Systemd,
  pid = process.pid,
): number | undefined {
  const milliseconds = Number(WATCHDOG_USEC) / 1000;
  const isMeant = !WATCHDOG_PID || Number(WATCHDOG_PID) === pid;
  return NOTIFY_SOCKET && isMeant && milliseconds > 0 ? milliseconds : undefined;
}
