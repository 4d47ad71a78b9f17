import { AsyncLocalStorage } from 'node:async_hooks';
import { appendFileSync, existsSync } from 'node:fs';
import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';
import { isMainThread, MessagePort } from 'node:worker_threads';
import { type Transaction, transactionNames } from '../kill/calls.ts';
import { QuietTurns, TURN_MS } from './quiet-turns.ts';

/**
 * Loaded into all threads of the product before it starts (`node --import`). Holds the transactions of each thread until
 * nothing else happens in it, and then commits all of them together: a round. So the number of rounds between two events is the number of commits that follow
 * one another on the longest path, however fast the disk is.
 *
 * FIREBREAK_ROUNDS is the file for the rounds and the calls of vendors, one JSON value a line. Nothing is held while
 * FIREBREAK_ROUNDS_ARMED, a file, does not exist.
 */
const { FIREBREAK_ROUNDS: log = '', FIREBREAK_ROUNDS_ARMED: armed = '' } = process.env;

/** A round of transactions by their names, or a call that was sent to this path, in a thread. */
export type Event = ({ round: string[] } | { call: string }) & { isMainThread: boolean };

const record = (event: { round: string[] } | { call: string }): void => {
  if (existsSync(armed)) appendFileSync(log, `${JSON.stringify({ ...event, isMainThread } satisfies Event)}\n`);
};

type Held = { request: Transaction };

let held: { message: Held; send: () => void }[] = [];
const turns = new QuietTurns();
let answersAwaited = 0;
let timer: NodeJS.Timeout | undefined;

/** Whether something outside of this thread is awaited: a file, the response of a vendor, or a commit of an earlier round. */
const isAwaited = (): boolean =>
  answersAwaited > 0 || process.getActiveResourcesInfo().some((resource) => resource.startsWith('FSReq'));

function turn(): void {
  if (!turns.areOver(isAwaited())) return;
  clearInterval(timer);
  timer = undefined;
  const round = held;
  held = [];
  const names = round.flatMap(({ message }) => transactionNames(message.request));
  record({ round: names.toSorted() });
  for (const { send } of round) send();
}

function hold(message: Held, send: () => void): void {
  held.push({ message, send });
  turns.reset();
  timer ??= setInterval(turn, TURN_MS);
}

const isTransaction = (message: unknown): message is Held =>
  typeof message === 'object' && message !== null && 'request' in message;

const { postMessage } = MessagePort.prototype;
MessagePort.prototype.postMessage = function (this: MessagePort, ...args: Parameters<typeof postMessage>) {
  const [message] = args as [unknown];
  if (!isTransaction(message)) return postMessage.apply(this, args);
  const send = () => {
    postMessage.apply(this, args); // throws if it cannot be sent, so that no answer comes
    answersAwaited += 1;
  };
  if (existsSync(armed)) hold(message, send);
  else send();
};

// No job runs: chance decides which rounds its transactions are in.
const { run } = AsyncLocalStorage.prototype;
AsyncLocalStorage.prototype.run = function (
  this: AsyncLocalStorage<unknown>,
  store: unknown,
  ...work: [() => unknown]
) {
  const isJob = typeof store === 'function' && (store() as { kind?: string } | undefined)?.kind === 'job';
  return isJob ? undefined : run.call(this, store, ...work);
} as typeof run;

const called = (path: string): void => {
  answersAwaited += 1;
  record({ call: path });
};
const answered = (): void => {
  answersAwaited -= 1;
  turns.reset();
};
subscribe('firebreak:transaction', (message) => {
  if ((message as { when: 'before' | 'after' }).when === 'after') answered();
});
subscribe('http.client.request.start', (message) => called((message as { request: ClientRequest }).request.path));
subscribe('http.client.response.finish', answered);
subscribe('http.client.request.error', answered);
subscribe('undici:request:create', (message) => called((message as { request: { path: string } }).request.path));
subscribe('undici:request:trailers', answered);
subscribe('undici:request:error', answered);
