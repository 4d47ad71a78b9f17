import { appendFileSync, existsSync } from 'node:fs';
import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';
import { isShowing, type OutgoingCall, namesOf } from './calls.ts';

/**
 * Loaded into the product before it starts (`node --import`). Observes all its calls to AWS and to vendors, and at one
 * of them kills the whole process group, like a power failure.
 *
 * A boundary is `before <call> #<n>`, when the n-th call of this name is about to be sent, or `after <call> #<n>`, when
 * its response has arrived and was not read yet. `before call #<n>` is the n-th call of any name, except for calls of
 * projections. `at <n> ms` is a point in time, which can be, for example, in the middle of a database transaction.
 *
 * kill/run.ts sets these variables: FIREBREAK_KILL_AT is the boundary, FIREBREAK_KILL_LOG a file for the boundaries
 * passed, FIREBREAK_KILL_ARMED a file without which nothing is recorded or killed.
 */
const { FIREBREAK_KILL_AT: killAt = '', FIREBREAK_KILL_LOG: log = '', FIREBREAK_KILL_ARMED: armed = '' } = process.env;

const counts = new Map<string, number>();
const labels = new WeakMap<object, string[]>();

const moment = Number(/^at (\d+) ms$/.exec(killAt)?.[1] ?? NaN);
if (!Number.isNaN(moment)) setTimeout(kill, moment).unref();

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

function leaving(request: object, call: OutgoingCall): void {
  const names = namesOf(call);
  const numbered = [...names, ...(names.every(isShowing) ? [] : ['call'])].map((name) => {
    const n = (counts.get(name) ?? 0) + 1;
    counts.set(name, n);
    return `${name} #${n}`;
  });
  labels.set(request, numbered);
  passed('before', numbered);
}

const answered = (request: object): void => {
  const numbered = labels.get(request);
  if (numbered !== undefined) passed('after', numbered);
};

// The AWS SDK and the client of PagerDuty use node:http. The operation of a call is known only from its body.
subscribe('http.client.request.created', (message) => {
  const { request } = message as { request: ClientRequest };
  if (!isOurs(request)) return;
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
    const target = String(request.getHeader('x-amz-target') ?? '');
    leaving(request, { method: request.method, path: request.path, target, body: Buffer.concat(chunks).toString() });
    return end(...args);
  }) as typeof request.end;
});
subscribe('http.client.response.finish', (message) => answered((message as { request: object }).request));

// The CD system is called with `fetch`.
type FetchRequest = { method: string; path: string; origin: string };
subscribe('undici:request:create', (message) => {
  const { request } = message as { request: FetchRequest };
  // '/' is the health check of the database.
  if (request.path !== '/') leaving(request, { method: request.method, path: request.path, target: '', body: '' });
});
subscribe('undici:request:headers', (message) => answered((message as { request: object }).request));

/**
 * Returns whether a request is from the product. Excludes requests from the forwarder to the database, which are part
 * of the emulated service.
 */
function isOurs(request: ClientRequest): boolean {
  const target = String(request.getHeader('x-amz-target') ?? '');
  return !target.startsWith('DynamoDB') || String(request.getHeader('host')).startsWith('127.0.0.1:');
}
