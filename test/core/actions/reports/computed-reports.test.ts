import { expect, test } from 'vitest';
import { type Compute, ComputedReports } from '../../../../core/actions/reports/computed-reports.ts';
import { reportKind, type ReportReader } from '../../../../core/domain/ports/reports.ts';
import { emptyConfig } from '../../../../schemas/config/config.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import { SetClock } from '../../../support/fake-deps.ts';
import { tokenRecord } from '../../../support/console-world.ts';

const SUM = reportKind<{ of: string }, number>('test.sum');
const OTHER = reportKind<{ of: string }, number>('test.other');

const reader = (name: string, services: string[] | null = null, expires_at: Timestamp | null = null): ReportReader => ({
  name,
  grants: [tokenRecord(name, ['deployments:read'], { services, expires_at })],
});
const ADA = reader('ada');

/** Reports of which each takes `seconds` of the clock, and ends only if the test says so. */
function world(seconds: number) {
  const clock = new SetClock('2026-11-20T12:00:00.000Z');
  const begun: string[] = [];
  const ends: ((error?: Error) => void)[] = [];
  const compute: Compute = ({ name, input }) =>
    new Promise((resolve, reject) => {
      begun.push(`${name} ${(input as { of: string }).of}`);
      ends.push((error) => {
        clock.set(clock.millis + seconds * 1000);
        if (error === undefined) resolve(begun.length);
        else reject(error);
      });
    });
  const config = { version: 'first' };
  const reports = new ComputedReports(
    { clock, config: { current: async () => ({ ...emptyConfig, ...config }) } },
    compute,
  );
  /** Ends the oldest computation, and lets what waits for it go on. */
  const end = async (error?: Error): Promise<void> => {
    ends.shift()?.(error);
    await settled();
  };
  return { clock, config, reports, begun, end };
}

/** Lets all that waits only for promises go on. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const later = (clock: SetClock, seconds: number): void => clock.set(clock.millis + seconds * 1000);

test('is computed once for all who ask at the same time with the same permissions, and says when it began', async () => {
  const { reports, begun, end } = world(2);
  const soon = '2026-11-20T13:00:00.000Z' as Timestamp;
  const all = Promise.all(
    [ADA, reader('ben'), reader('cleo', null, soon)].map((one) => reports.read(SUM, { of: 'a' }, one)),
  );
  await settled();
  await end();
  const once = { as_of: '2026-11-20T12:00:00.000Z', value: 1 };
  expect(await all).toEqual([once, once, once]);
  expect(begun).toEqual(['test.sum a']);
});

test('is never shared with a reader of other permissions', async () => {
  const { reports, begun, end } = world(2);
  const first = reports.read(SUM, { of: 'a' }, ADA);
  const second = reports.read(SUM, { of: 'a' }, reader('cora', ['cart']));
  await settled();
  await end();
  await end();
  expect([(await first).value, (await second).value]).toEqual([1, 2]);
  expect(begun).toHaveLength(2);
});

test('reports of a kind are computed one at a time, those of another kind beside them', async () => {
  const { reports, begun, end } = world(1);
  const all = [SUM, SUM, OTHER].map((kind, n) => reports.read(kind, { of: `${n}` }, null));
  await settled();
  expect(begun).toEqual(['test.sum 0', 'test.other 2']);
  await end();
  expect(begun).toEqual(['test.sum 0', 'test.other 2', 'test.sum 1']);
  await end();
  await end();
  await Promise.all(all);
});

test('is kept twenty times as long as it took, at most a minute', async () => {
  for (const [took, kept] of [
    [1, 20],
    [10, 60],
  ] as const) {
    const { clock, reports, begun, end } = world(took);
    const read = () => reports.read(SUM, { of: 'a' }, null);
    const first = read();
    await settled();
    await end();
    await first;
    later(clock, kept - 0.001);
    expect((await read()).value).toBe(1);
    later(clock, 0.001);
    const second = read();
    await settled();
    await end();
    expect((await second).value).toBe(2);
    expect(begun).toHaveLength(2);
  }
});

test('a correction is in the next result, also if one was computed meanwhile', async () => {
  const { reports, begun, end } = world(1);
  const before = reports.read(SUM, { of: 'a' }, ADA);
  await settled();
  reports.forget();
  const after = reports.read(SUM, { of: 'a' }, ADA);
  await end();
  await end();
  expect([(await before).value, (await after).value]).toEqual([1, 2]);
  expect((await reports.read(SUM, { of: 'a' }, ADA)).value).toBe(2);
  expect(begun).toHaveLength(2);
});

test('an edit of the configuration is in the next result', async () => {
  const { config, reports, begun, end } = world(2);
  for (const version of ['first', 'edited']) {
    config.version = version;
    const read = reports.read(SUM, { of: 'a' }, ADA);
    await settled();
    await end();
    await read;
  }
  expect(begun).toEqual(['test.sum a', 'test.sum a']);
});

test('a failure is not kept, and does not hold up what waits', async () => {
  const { reports, end } = world(1);
  const failed = reports.read(SUM, { of: 'a' }, ADA);
  const next = reports.read(SUM, { of: 'b' }, ADA);
  const reason = failed.catch((error: unknown) => String(error));
  await settled();
  await end(new Error('no disk'));
  expect(await reason).toBe('Error: no disk');
  await end();
  expect((await next).value).toBe(2);
  const again = reports.read(SUM, { of: 'a' }, ADA);
  await settled();
  await end();
  expect((await again).value).toBe(3);
});

test('refuses a reader who used up the budget before anything is computed, and no other reader', async () => {
  const { clock, reports, begun, end } = world(1);
  const read = async (of: string, by: ReportReader) => {
    const result = reports.read(SUM, { of }, by);
    await settled();
    await end();
    await result;
  };
  // Each costs a second, in which half of it is added.
  for (let n = 0; n < 39; n += 1) await read(`${n}`, ADA);
  await expect(reports.read(SUM, { of: 'more' }, ADA)).rejects.toMatchObject({
    status: 429,
    code: 'too-many-requests',
    headers: { 'retry-after': '1' },
  });
  expect(begun).toHaveLength(39);
  expect((await reports.read(SUM, { of: '38' }, ADA)).value).toBe(39); // was computed before
  await read('more', reader('ben'));
  await read('all', null);
  later(clock, 1);
  await read('later', ADA);
  expect(begun).toHaveLength(42);
});

test('a slow report costs no more than a second, because all are slow on a busy machine', async () => {
  const { reports, end } = world(60);
  const all = Array.from({ length: 16 }, (_, n) => reports.read(SUM, { of: `${n}` }, ADA));
  for (const one of all) {
    await settled();
    await end();
    await one;
  }
  const next = reports.read(SUM, { of: 'next' }, ADA);
  await settled();
  await end();
  expect((await next).value).toBe(17);
});

test('says when to ask again if too many reports wait', async () => {
  const { reports, begun } = world(1);
  const all = Array.from({ length: 17 }, (_, n) => reports.read(SUM, { of: `${n}` }, reader(`reader ${n}`)));
  await expect(all.at(-1)).rejects.toMatchObject({ status: 503, code: 'unavailable', headers: { 'retry-after': '8' } });
  expect(begun).toHaveLength(1);
});

test('what people look at live is reused for a second at most, other reports never, but both are shared', async () => {
  for (const [reuse, seconds] of [
    ['live', 1],
    ['never', 0],
  ] as const) {
    const { clock, reports, begun, end } = world(5);
    const kind = reportKind<{ of: string }, number>('test.kind', reuse);
    const read = () => reports.read(kind, { of: 'a' }, ADA);
    const both = [read(), read()];
    await settled();
    await end();
    expect((await Promise.all(both)).map(({ value }) => value)).toEqual([1, 1]);
    later(clock, seconds - 0.001);
    if (seconds > 0) expect((await read()).value).toBe(1);
    later(clock, 0.001);
    void read();
    await settled();
    expect(begun).toHaveLength(2);
    await end();
  }
});

test('people can keep pages open that read something live, however busy the machine is', async () => {
  const { reports, end } = world(0.5);
  const kind = reportKind<{ of: string }, number>('test.kind', 'live');
  for (let n = 0; n < 100; n += 1) {
    const read = reports.read(kind, { of: `${n}` }, ADA);
    await settled();
    await end();
    expect((await read).value).toBe(n + 1);
  }
});
