import { hash } from 'node:crypto';
import { appendFileSync, existsSync } from 'node:fs';
import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';
import { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads';
import { isShowing, nameOf, type Transaction, transactionNames } from './calls.ts';

/**
 * Loaded into all threads of the product before it starts (`node --import`). Observes its transactions and its calls to
 * vendors, and at one of them kills the whole process group, like a power failure.
 *
 * A boundary is `before <call> #<n>`, when the n-th call of this name is about to be sent, or `after <call> #<n>`, when
 * its result has arrived and was not read yet. `before call #<n>` is the n-th call of any name, except for calls of
 * projections. `at <n> ms` is a point in time, which can be, for example, in the middle of a database transaction.
 *
 * kill/lives.ts sets these variables: FIREBREAK_KILL_AT is the boundary, FIREBREAK_KILL_LOG a file for the boundaries
 * passed, FIREBREAK_KILL_ARMED a file without which nothing is recorded or killed.
 */
const { FIREBREAK_KILL_AT: killAt = '', FIREBREAK_KILL_LOG: log = '', FIREBREAK_KILL_ARMED: armed = '' } = process.env;

/**
 * How often the threads together have passed each name, at a place that the name determines. So many that hardly two names
 * share one.
 */
const SHARED = 'firebreak-kill-counts';
const PLACES = 2 ** 22;
if (isMainThread) setEnvironmentData(SHARED, new SharedArrayBuffer(PLACES * Int32Array.BYTES_PER_ELEMENT));
const counts = new Int32Array(getEnvironmentData(SHARED) as unknown as SharedArrayBuffer);
const placeOf = (name: string): number => Number.parseInt(hash('sha256', name).slice(0, 8), 16) % PLACES;

const labels = new WeakMap<object, string[]>();

const moment = Number(/^at (\d+) ms$/.exec(killAt)?.[1] ?? NaN);
if (isMainThread && !Number.isNaN(moment)) setTimeout(kill, moment).unref();

function kill(): void {
  if (!existsSync(armed)) return;
  appendFileSync(log, `killed ${killAt}\n`);
  process.kill(-process.pid, 'SIGKILL');
}

function passed(when: 'before' | 'after', numbered: readonly string[]): void {
  if (!existsSync(armed)) return;
  const [first = ''] = numbered;
  appendFileSync(log, `${when} ${first}\n`);
  if (numbered.some((name) => `${when} ${name}` === killAt)) kill();
}

function leaving(request: object, names: readonly string[]): void {
  const numbered = [...names, ...(names.every(isShowing) ? [] : ['call'])].map((name) => {
    const n = Atomics.add(counts, placeOf(name), 1) + 1;
    return `${name} #${n}`;
  });
  labels.set(request, numbered);
  passed('before', numbered);
}

const answered = (request: object): void => {
  const numbered = labels.get(request);
  if (numbered !== undefined) passed('after', numbered);
};

// What the platform commits.
subscribe('firebreak:transaction', (message) => {
  const { when, request } = message as { when: 'before' | 'after'; request: Transaction };
  if (when === 'before') leaving(request, transactionNames(request));
  else answered(request);
});

// The client of PagerDuty uses node:http. The action of a call is known only from its body.
subscribe('http.client.request.created', (message) => {
  const { request } = message as { request: ClientRequest };
  const chunks: Buffer[] = [];
  const keep = (chunk: unknown): void => {
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) chunks.push(Buffer.from(chunk));
  };
  const [write, end] = [request.write.bind(request), request.end.bind(request)];
  request.write = ((...args: Parameters<typeof write>) => {
    keep(args[0]);
    return write(...args);
  }) as typeof request.write;
  request.end = ((...args: Parameters<typeof end>) => {
    keep(args[0]);
    const { method, path } = request;
    leaving(request, [nameOf({ method, path, body: Buffer.concat(chunks).toString() })]);
    return end(...args);
  }) as typeof request.end;
});
subscribe('http.client.response.finish', (message) => answered((message as { request: object }).request));

// Other vendors are called with `fetch`.
type FetchRequest = { method: string; path: string };
subscribe('undici:request:create', (message) => {
  const { request } = message as { request: FetchRequest };
  leaving(request, [nameOf({ method: request.method, path: request.path, body: '' })]);
});
subscribe('undici:request:headers', (message) => answered((message as { request: object }).request));
