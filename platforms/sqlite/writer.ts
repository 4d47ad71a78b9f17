import { type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { clockStart } from './clock.ts';
import { openWriting } from './connection.ts';
import { OpenLog } from './open-log.ts';
import { commitTogether } from './group-commit.ts';
import { type News, newsOf, type Outcome, type Request } from './transactions.ts';

/**
 * A message to this thread: transactions with their numbers, the port of another thread that also writes, or the end. The
 * end of the first port is that of the file.
 */
export type ToWriter = { number: number; request: Request } | { port: MessagePort } | 'close';
export type WriterData = { file: string; port: MessagePort };

/**
 * `news`: what the transactions of others mean for a thread that has joined. The first message says that it is served, and has
 * the start of the clock (`clock.ts`).
 */
export type FromWriter = {
  clockStart?: number;
  outcomes: { number: number; outcome: Outcome }[];
  news?: News | undefined;
};

/**
 * The thread that owns the writing connection. Whatever has arrived, from all threads, is committed together. A delay to
 * collect more is slower at any load: while one commit is flushed, the next ones collect by themselves.
 */
const { file, port: first } = workerData as WriterData;
const { database, sql } = openWriting(file);
const log = new OpenLog(file, database);
const ports = new Set<MessagePort>();
const start = clockStart();

/** Milliseconds between two looks at the log while nothing is written. */
const LOG_CHECK_MS = 5000;

function serve(port: MessagePort): void {
  ports.add(port);
  port.on('message', (message: ToWriter) => answer([{ port, message }, ...waiting()]));
  port.once('close', () => ports.delete(port)); // also if its thread has ended
  port.postMessage({ outcomes: [], clockStart: start } satisfies FromWriter);
}

type Arrived = { port: MessagePort; message: ToWriter };

function waiting(): Arrived[] {
  const all: Arrived[] = [];
  for (const port of ports)
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port))
      all.push({ port, message: next.message as ToWriter });
  return all;
}

function answer(arrived: readonly Arrived[]): void {
  const sent = arrived.flatMap(({ port, message }) =>
    typeof message === 'object' && 'request' in message ? [{ port, ...message }] : [],
  );
  if (sent.length > 0) commit(sent);
  for (const { port, message } of arrived) {
    if (message === 'close') close(port);
    else if ('port' in message) serve(message.port);
  }
}

function commit(sent: readonly { port: MessagePort; number: number; request: Request }[]): void {
  const outcomes = commitTogether(
    sql,
    sent.map(({ request }) => request),
  );
  const failure = log.failure(); // before the answers, which say that all is on the disk
  const all = sent.map((one, n) => ({ ...one, outcome: outcomes[n] as Outcome }));
  for (const port of ports) {
    const own = all.filter((one) => one.port === port).map(({ number, outcome }) => ({ number, outcome }));
    const news = port === first ? undefined : newsOf(all.filter((one) => one.port !== port));
    if (own.length > 0 || news !== undefined) port.postMessage({ outcomes: own, news } satisfies FromWriter);
  }
  if (failure !== undefined) throw failure;
}

/** Ends the thread if the log is gone. */
function checkLog(): void {
  const failure = log.failure();
  if (failure !== undefined) throw failure;
}

function close(port: MessagePort): void {
  if (port === first) {
    clearInterval(logChecks); // the last close deletes the log
    database.close();
  }
  for (const one of port === first ? [...ports] : [port]) one.close();
}

const logChecks = setInterval(checkLog, LOG_CHECK_MS).unref();
serve(first);
