import { execFile } from 'node:child_process';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { createLog } from '../../functions/assembly/log.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import { type Answer, identityOf } from './answer.ts';
import { evaluateIn } from './evaluate-in.ts';
import { DESCRIBE, type Ended, type SystemdState, type ThreadName, THREADS, type WorkerSettings } from './protocol.ts';
import { CHECK_EVERY_MS, HEALTHY, judge } from './stall.ts';

/**
 * The thread that watches the others. It imports little of the product, because each import takes memory again, and does
 * not use `process.stderr`, which the main thread would have to write.
 */
const { beats, logSettings, file, canNotify, watchdogMs } = workerData as WorkerSettings;

const NOTIFY_MAX_MS = 10_000;

const clock = { now: () => new Date().toISOString() as Timestamp };
const log = createLog(clock, logSettings, (line) => {
  try {
    writeSync(2, line);
  } catch {
    // Nobody reads standard error. The stall must be handled nevertheless.
  }
});

const newestBeats = (): number[] => THREADS.map((_, place) => Atomics.load(beats, place));

let watched = HEALTHY;
let seen = newestBeats();
let checkedAt = performance.now();
/** The last answer during the current stall. */
let answer: Answer | undefined;
let canRunNotify = true;

function check(): void {
  const now = performance.now();
  const newest = newestBeats();
  const haveBeaten = newest.map((beat, place) => beat === 0 || beat !== seen[place]);
  const result = judge(watched, { haveBeaten, elapsedMs: now - checkedAt }, watchdogMs);
  [watched, seen, checkedAt] = [result.watched, newest, now];
  for (const consequence of result.consequences) {
    if (consequence === 'report') report();
    else if (consequence === 'store') store();
    else if (consequence === 'notify') notify('WATCHDOG=1');
    else if (consequence === 'over') forget();
    else end(THREADS[consequence.ended] ?? 'main', consequence.stalledMs);
  }
}

/** Returns the thread that a report is about. */
const stalledThread = (): ThreadName => THREADS[watched.longest] ?? 'main';
const stalledMs = (): number => watched.stalledMs[watched.longest] ?? 0;

function report(): void {
  const thread = stalledThread();
  log.warn(`the ${thread} thread does not respond`, { stalled_seconds: seconds(stalledMs()) });
  ask(thread, ({ input, stack }) =>
    log.warn(`what the ${thread} thread is busy with`, { ...identityOf(input), stack }),
  );
}

/** Stores the input of now, or, as long as the thread doesn't say it, that of the report. */
function store(): void {
  const thread = stalledThread();
  write(thread);
  log.error(`the ${thread} thread does not respond; systemd is about to restart Firebreak`, {
    stalled_seconds: seconds(stalledMs()),
    ...identityOf(answer?.input),
  });
  ask(thread, () => {
    if (watched.stored) write(thread);
  });
}

function end(thread: ThreadName, lastedMs: number): void {
  log.warn(`the ${thread} thread responds again`, { stalled_seconds: seconds(lastedMs) });
  parentPort?.postMessage({ thread, stalledMs: lastedMs } satisfies Ended);
}

/** Forgets what the threads were busy with: the input was processed after all. */
function forget(): void {
  answer = undefined;
  rmSync(file, { force: true });
}

/** Asks a thread what it does. */
function ask(thread: ThreadName, then: (answer: Answer) => void): void {
  evaluateIn(thread, `globalThis[${JSON.stringify(DESCRIBE)}]()`, (text, reply) => {
    if (text === undefined) return log.error(`the ${thread} thread cannot say what it is busy with`, { reply });
    if (stalledMs() === 0) return; // it answered because the stall has ended
    answer = JSON.parse(text) as Answer;
    then(answer);
  });
}

/** Writes the stored input synchronously: the process can be killed at any moment. */
function write(thread: ThreadName): void {
  const draft = `${file}.new`;
  const { input = null, stack = [] } = answer ?? {};
  const stored = { thread, input, stack, at: clock.now(), stalled_seconds: seconds(stalledMs()) };
  const descriptor = openSync(draft, 'w', 0o600);
  writeSync(descriptor, JSON.stringify(stored));
  fsyncSync(descriptor);
  closeSync(descriptor);
  renameSync(draft, file);
}

/** Notifies systemd by its own program, because Node cannot send to a Unix datagram socket. */
function notify(state: SystemdState): void {
  if (!canNotify) return;
  execFile('systemd-notify', [state], { timeout: NOTIFY_MAX_MS }, (error) => {
    if (error !== null && canRunNotify)
      log.error('systemd could not be notified; it will restart Firebreak', { state, error: error.message });
    canRunNotify = error === null;
  });
}

const seconds = (milliseconds: number): number => Math.round(milliseconds / 100) / 10;

setInterval(check, CHECK_EVERY_MS);
parentPort?.on('message', notify);
