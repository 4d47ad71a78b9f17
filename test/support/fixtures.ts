import { hash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { eventually, type Firebreak, INGEST_TOKEN } from './firebreak.ts';

/** A request as a sender sent it. SOURCES.md beside it documents its origin. */
export type Inbound = {
  method: string;
  headers: Record<string, string>;
  /** The exact bytes, as UTF-8. */
  body: string;
  /** The configuration of the receiver, if the request has a credential. */
  secret?: {
    bearerToken?: string;
    username?: string;
    password?: string;
    hmacSecret?: string;
    timestampHeader?: string;
  };
};

type Vendor = 'alertmanager' | 'grafana';

const FOLDER = fileURLToPath(new URL('../fixtures', import.meta.url));

/** Returns all requests of a vendor, by name: one request, or several in order of arrival. */
export function inbound(vendor: Vendor): { name: string; requests: Inbound[] }[] {
  return readdirSync(`${FOLDER}/${vendor}`)
    .filter((file) => /\.(request|sequence)\.json$/.test(file))
    .map((file) => ({
      name: file.replace(/\.(request|sequence)\.json$/, ''),
      requests: read(`${FOLDER}/${vendor}/${file}`),
    }));
}

/** Returns the requests of one file, by vendor and name: `alertmanager/resolved`. */
export function fixture(path: `${Vendor}/${string}`): Inbound[] {
  const [vendor, name] = path.split('/');
  const found = inbound(vendor as Vendor).find((file) => file.name === name);
  if (found === undefined) throw new Error(`no fixture ${path}`);
  return found.requests;
}

function read(file: string): Inbound[] {
  const { requests, ...request } = JSON.parse(readFileSync(file, 'utf8')) as Inbound & { requests?: Inbound[] };
  return requests ?? [request];
}

const CREDENTIALS = ['authorization', 'x-grafana-alerting-signature'];

/** Sends a request as received, with a token of the receiver if it has no credential of its own. */
export async function deliver(
  firebreak: Firebreak,
  path: string,
  { method, headers, body }: Pick<Inbound, 'method' | 'headers' | 'body'>,
  token = INGEST_TOKEN,
): Promise<{ status: number; body: any; headers: Headers }> {
  const sent = new Headers(headers);
  for (const name of ['host', 'content-length', 'accept-encoding']) sent.delete(name); // the HTTP client sets these
  if (!CREDENTIALS.some((name) => sent.has(name))) sent.set('authorization', `Bearer ${token}`);
  const answer = await fetch(`${firebreak.url}${path}`, { method, headers: sent, body, redirect: 'manual' });
  return { status: answer.status, headers: answer.headers, body: await answer.json() };
}

/** Returns the request for another service: with its label, and the fingerprint that it would have. */
export function forService(request: Inbound, from: string, to: string): Inbound {
  const group = JSON.parse(request.body) as { alerts: { labels: { service?: string }; fingerprint: string }[] };
  for (const alert of group.alerts) {
    if (alert.labels.service === from) alert.labels.service = to;
    alert.fingerprint = hash('sha256', `${to} ${alert.fingerprint}`).slice(0, 16);
  }
  return { ...request, body: JSON.stringify(group) };
}

/** Returns the request for another environment. */
export function inEnvironment(request: Inbound, environment: string): Inbound {
  const group = JSON.parse(request.body) as { alerts: { labels: { env?: string } }[] };
  for (const { labels } of group.alerts) if (labels.env !== undefined) labels.env = environment;
  return { ...request, body: JSON.stringify(group) };
}

const COUNTS = ['signals', 'opened', 'joined', 'recorded', 'known'] as const;
export type Made = Record<(typeof COUNTS)[number], number>;

/**
 * Waits until every signal of an accepted request is in the table, so that a test can assert that nothing happened.
 * Returns the router's results from its log.
 */
export async function routed(firebreak: Firebreak, answer: { status: number; body: any }): Promise<Made> {
  if (answer.status !== 202) throw new Error(`not accepted: ${answer.status} ${JSON.stringify(answer.body)}`);
  const { receipt, accepted } = answer.body;
  return eventually(async () => {
    const made = madeOf(firebreak).get(receipt);
    return made !== undefined && made.signals >= accepted && made;
  }, `the signals of ${receipt} in the table`);
}

/** How far each product's log was read, and the results for each receipt. */
const event = new WeakMap<Firebreak, { read: number; made: Map<string, Made> }>();

function madeOf(firebreak: Firebreak): ReadonlyMap<string, Made> {
  const log = event.get(firebreak) ?? { read: 0, made: new Map<string, Made>() };
  event.set(firebreak, log);
  const end = firebreak.output.lastIndexOf('\n') + 1;
  for (const line of firebreak.output.slice(log.read, end).split('\n')) {
    if (!line.includes('"signals routed"')) continue;
    const told = JSON.parse(line) as Made & { receipt: string };
    const made = log.made.get(told.receipt) ?? { signals: 0, opened: 0, joined: 0, recorded: 0, known: 0 };
    for (const count of COUNTS) made[count] += told[count];
    log.made.set(told.receipt, made);
  }
  log.read = end;
  return log.made;
}

/** Like `eventually`, for expensive requests: at most ten attempts per second. */
export const seen = <T>(look: () => Promise<T | undefined | false | null>, what: string): Promise<T> =>
  eventually(async () => (await look()) || sleep(75).then(() => undefined), what);
