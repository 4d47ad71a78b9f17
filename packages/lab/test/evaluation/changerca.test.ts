import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { judgedPublic, publicTable } from '../../bench/measurements/public.ts';
import { evaluate } from '../../evaluation/monitored/evaluate.ts';
import { publishedCases } from '../../evaluation/public/changerca.ts';

/* A folder written by hand in the layout of the published repository. Nothing of its data is here. */

const DETECTED = 1_700_000_000;
const MINUTES = Array.from({ length: 40 }, (_, index) => index - 25);

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'firebreak-changerca-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const percent = (share: number | null): string => (share === null ? 'NaN' : String(100 * share));

/**
 * Writes a case: `cart`, which `front` calls, gets one instance of v2 in place of one of four of v1 two minutes before the alert.
 *
 * @param bad share of requests to the new instance that succeed from then on. @param own whether it has a file
 */
function writeCase(name: string, { bad, own }: { bad: number; own: boolean }): void {
  const folder = join(dir, 'data', 'day', name);
  mkdirSync(folder, { recursive: true });
  const write = (file: string, lines: readonly string[]) => writeFileSync(join(folder, file), `${lines.join('\n')}\n`);
  const at = (minute: number) => DETECTED + 60 * minute;
  const step = {
    v1: 3,
    v2: 1,
    release_pod: ['cart-v2-b-e'],
    delete_pod: ['cart-v1-a-d'],
    release_complete_timestamp: at(-1) - 5,
  };
  const plan = { cart: { release_time: at(-2), process: { [at(-2)]: step } } };
  write(`${name}.json`, [
    JSON.stringify({ plan, fault_release_service: 'cart', detect_timestamp: DETECTED, GIED_result: 'cart' }),
  ]);
  write('dependency.csv', ['Source,Target,Weight', 'front,cart,1', 'front,10.0.0.1,1']);
  const pod = (file: string, share: (minute: number) => number | null | undefined) =>
    write(file, [
      'Time,Timestamp,SuccessRate,Latency',
      ...MINUTES.flatMap((minute) => {
        const value = share(minute);
        return value === undefined ? [] : [`then,${at(minute)},${percent(value)},1`];
      }),
    ]);
  for (const one of ['a', 'b', 'c']) pod(`cart-v1-a-${one}_front_cart.csv`, () => 1);
  // The file of the deleted instance goes on with the points of its replacement.
  pod('cart-v1-a-d_front_cart.csv', (minute) => (minute < -1 ? 1 : own ? bad : undefined));
  if (own) pod('cart-v2-b-e_front_cart.csv', (minute) => (minute < -1 ? undefined : bad));
  pod('front-v1-a-f_front_cart.csv', () => 1);
  write('destination_success.csv', [
    'time,timestamp,front_cart',
    ...MINUTES.map((minute) => `then,${at(minute)},${percent(minute < -1 ? 399 / 400 : (3 + bad) / 4 - 1 / 400)}`),
  ]);
}

const QUERY = 'sum by (version, code) (increase(http_requests_total{service="cart"}[5m]))';

/** Returns the requests to `cart` by version and code, in the last five minutes of the data. */
function requestsAtTheEnd(): Record<string, number> {
  const [{ incidents: [one] = [] } = {}] = publishedCases(dir);
  if (one === undefined) throw new Error('there is no incident');
  const now = DETECTED + 14 * 60 - one.world.epoch;
  const found = evaluate(QUERY, { start: now, step: 1, count: 1, now }, one.telemetry);
  return Object.fromEntries(
    found.map(({ labels, values }) => [`${labels['version']} ${labels['code']}`, Math.round((values[0] ?? 0) / 5)]),
  );
}

test('success rates become requests by version, and a deleted instance ends', () => {
  writeCase('c_1', { bad: 0.25, own: true });
  // 400 requests per minute, by the fractions of the totals, in equal parts.
  expect(requestsAtTheEnd()).toEqual({ 'v1 200': 300, 'v1 500': 0, 'v2 200': 25, 'v2 500': 75 });
});

test('a new instance without a file has failed all requests that the totals leave over', () => {
  writeCase('c_1', { bad: 0, own: false });
  expect(requestsAtTheEnd()).toEqual({ 'v1 200': 300, 'v1 500': 0, 'v2 200': 0, 'v2 500': 100 });
});

test('a new instance without a file and without errors in the totals has served nothing', () => {
  writeCase('c_1', { bad: 1, own: false });
  expect(requestsAtTheEnd()).toEqual({ 'v1 200': 399, 'v1 500': 0 });
});

test('the engine judges each alert, and the table counts what it did', async () => {
  writeCase('c_1', { bad: 0, own: true });
  writeCase('c_2', { bad: 1, own: true });
  const [bad, good] = await judgedPublic(dir);
  expect(bad?.incidents.map(({ service, kind, named }) => [service, kind, named])).toContainEqual([
    'cart',
    'acted',
    true,
  ]);
  expect(good?.incidents.map(({ service, kind }) => [service, kind])).not.toContainEqual(['cart', 'acted']);
  const table = publicTable([bad ?? expect.unreachable(), good ?? expect.unreachable()]);
  expect(table).toMatch(/^cases acted on +1 of +2 +\(at least 2\.5 %\)$/m);
  expect(table).toMatch(/^cases with a wrong rollback +0 of +2 +\(at most 77\.6 %\)$/m);
});

test('a folder without cases is refused', () => {
  expect(() => [...publishedCases(dir)]).toThrow('has no cases');
});
