import { appendFileSync, existsSync } from 'node:fs';
import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';
import { isShowing, type OutgoingCall, namesOf } from './calls.ts';

/**
 * Loaded into the product before it starts (`node --import`): sees every call that it makes to AWS and to vendors, and
 * at one of them kills the whole process group, as a power cut would.
 *
 * A boundary is `before <call> #<n>`, when the n-th call of this name is about to leave, or `after <call> #<n>`, when
 * its answer has arrived and nobody has read it. `before call #<n>` is the n-th call of any name, those apart that only
 * show elsewhere what is so. `at <n> ms` is a moment, whatever is going on then: in the midst of a transaction of the
 * database, say.
 *
 * Set by kill/run.ts: FIREBREAK_KILL_AT the boundary, FIREBREAK_KILL_LOG a file for the boundaries passed,
 * FIREBREAK_KILL_ARMED a file without which nothing is recorded or killed.
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

// The AWS SDK, and the client of PagerDuty: node:http. Only when the body is there is it known what the call does.
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

// `fetch`, by which the CD system is called.
type FetchRequest = { method: string; path: string; origin: string };
subscribe('undici:request:create', (message) => {
  const { request } = message as { request: FetchRequest };
  if (request.path !== '/') leaving(request, { method: request.method, path: request.path, target: '', body: '' }); // '/' asks whether the database is up
});
subscribe('undici:request:headers', (message) => answered((message as { request: object }).request));

/** Not what the forwarder in front of the database sends to the database, which is a part of the emulated service. */
function isOurs(request: ClientRequest): boolean {
  const target = String(request.getHeader('x-amz-target') ?? '');
  return !target.startsWith('DynamoDB') || String(request.getHeader('host')).startsWith('127.0.0.1:');
}
