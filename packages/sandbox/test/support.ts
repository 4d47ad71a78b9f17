import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import type { FaultRule } from '../core/faults.ts';
import { startStandIns, type StandIns } from '../core/index.ts';
import type { RecordedCall } from '../core/journal.ts';

/** One documented call and its response, with bodies as sent. */
export type Exchange = {
  request: { method: string; path: string; headers: Record<string, string>; body: string };
  response: { status: number; headers: Record<string, string>; body: string };
};

export const exchange = (name: string): Exchange =>
  JSON.parse(
    readFileSync(new URL(`../../../test/fixtures/${name}.exchange.json`, import.meta.url), 'utf8'),
  ) as Exchange;

/** Sends the request of an exchange, optionally with another body. */
export const send = (
  url: string,
  { request: { method, path, headers, body } }: Exchange,
  change: Record<string, unknown> = {},
): Promise<Response> => {
  const changed = Object.keys(change).length > 0;
  const text = changed ? JSON.stringify({ ...(JSON.parse(body) as object), ...change }) : body;
  return fetch(url + path, { method, headers, body: text });
};

/** Creates a folder that is removed after the test. */
export function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'firebreak-standins-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Returns a clock that stands at 2026-11-20T06:48:00.000Z until it is moved. */
export function clock() {
  let millis = Date.parse('2026-11-20T06:48:00.000Z');
  return { now: () => millis, forward: (by: number) => void (millis += by) };
}

/** Ends the waits before late effects of stand-ins. */
const releases = new WeakMap<StandIns, () => void>();

/** Starts stand-ins that are closed after the test, or earlier by `close`, which can be called twice. */
export async function start(options: Partial<Parameters<typeof startStandIns>[0]> = {}): Promise<StandIns> {
  let release = new AbortController();
  const holdBack = async (ms: number, closing: AbortSignal): Promise<boolean> => {
    await sleep(ms, undefined, { signal: AbortSignal.any([closing, release.signal]) }).catch(() => undefined);
    return !closing.aborted;
  };
  const standIns = await startStandIns({ dir: folder(), holdBack, ...options });
  let closed: Promise<void> | undefined;
  const close = () => (closed ??= standIns.close());
  onTestFinished(close);
  const started = { ...standIns, close };
  releases.set(started, () => {
    release.abort();
    release = new AbortController();
  });
  return started;
}

/** Delay of a late effect that comes when the test says so, in milliseconds. */
export const UNTIL_RELEASED = 300_000;

/** Lets late effects come that are held back now. */
export const release = (standIns: StandIns): void => releases.get(standIns)?.();

/** Sends a request to the routes below `/sandbox`. */
export async function sandbox<T>({ app }: StandIns, method: string, path: string, body?: unknown): Promise<T> {
  const response = await app.request(`/sandbox${path}`, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const json: unknown = await response.json();
  if (!response.ok) throw new Error(`${method} /sandbox${path}: ${response.status} ${JSON.stringify(json)}`);
  return json as T;
}

export const setFault = (standIns: StandIns, rule: FaultRule | FaultRule[]): Promise<unknown> =>
  sandbox(standIns, 'PUT', '/faults', rule);

/** Returns recorded calls, newest first. */
export const calls = async (standIns: StandIns, query = ''): Promise<RecordedCall[]> =>
  (await sandbox<{ items: RecordedCall[] }>(standIns, 'GET', `/calls${query}`)).items;

export type Incident = { id: string; status: string; incident_key: string; title: string; urgency: string };

/** Returns the incidents of PagerDuty's REST API. */
export async function incidents({ urls }: StandIns, query = ''): Promise<Incident[]> {
  const headers = { authorization: 'Token token=u+test' };
  const response = await fetch(`${urls.pagerduty}/incidents?${query}`, { headers });
  return ((await response.json()) as { incidents: Incident[] }).incidents;
}
