import { describe, expect, test, vi } from 'vitest';
import type { SnapshotFile } from '../../decisions/snapshot.ts';
import { takeSnapshotOnChange, takeSnapshots } from '../../actions/take-snapshot.ts';
import { silent, SetClock } from '../../../../test/support/fake-deps.ts';
import { SnapshotEvent } from '../../schemas/snapshot-manifest.ts';
import { MemorySnapshots } from '../support/snapshots.ts';

const file = (path: string, body = path): SnapshotFile => ({ path, type: 'text/html', body });

function world({ timeScale = 1 }: { timeScale?: number } = {}) {
  const snapshots = new MemorySnapshots();
  const clock = new SetClock('2026-11-22T12:00:00.000Z');
  const site = { files: [file('index.html'), file('a.html'), file('partners/index.html')], broken: false };
  const pauses: number[] = [];
  const error = vi.fn<typeof silent.error>();
  const deps = { clock, log: { ...silent, error }, timeScale, snapshots };
  const settings = {
    files: async (at: string) => {
      if (site.broken) throw new Error('the table cannot be read');
      return site.files.map((one) => ({ ...one, body: one.body.replace('{at}', at) }));
    },
    hashOf: (body: string) => body,
    pause: async (milliseconds: number) => void pauses.push(milliseconds),
    elapsed: () => 0,
  };
  const run = () => takeSnapshots(deps, settings);
  const runOnChange = () => takeSnapshotOnChange(deps, settings);
  const manifest = () => JSON.parse(snapshots.files.get('snapshot.json')?.body ?? 'null') as unknown;
  return { snapshots, clock, site, pauses, error, run, runOnChange, manifest };
}

describe('a run of the snapshot', () => {
  test('writes two snapshots, half a minute apart, and what has not changed only once', async () => {
    const { snapshots, pauses, run, manifest } = world();
    await expect(run()).resolves.toEqual({ written: 3 });
    expect(pauses).toEqual([30_000]);
    expect(snapshots.written).toEqual([
      'snapshot.json',
      'a.html',
      'index.html',
      'partners/index.html',
      'snapshot.json',
      'snapshot.json',
    ]);
    expect(manifest()).toEqual({
      at: '2026-11-22T12:00:00.000Z',
      files: { 'index.html': 'index.html', 'a.html': 'a.html', 'partners/index.html': 'partners/index.html' },
    });
    await run();
    expect(snapshots.written.slice(6)).toEqual(['snapshot.json', 'snapshot.json']);
  });

  test('writes what has changed, and removes what is gone, but no files of others', async () => {
    const { snapshots, site, run } = world();
    await run();
    await snapshots.put(file('robots.txt'));
    snapshots.written.length = 0;
    site.files = [file('index.html', 'new'), file('a.html')];
    await run();
    expect(snapshots.written).toEqual(['snapshot.json', 'index.html', 'snapshot.json', 'snapshot.json']);
    expect(snapshots.removed).toEqual(['partners/index.html']);
    expect([...snapshots.files.keys()].toSorted()).toEqual(['a.html', 'index.html', 'robots.txt', 'snapshot.json']);
  });

  test('leaves the last snapshot if the records cannot be read, and fails, so that its alarm goes off', async () => {
    const { snapshots, site, error, run, manifest } = world();
    await run();
    const before = manifest();
    site.broken = true;
    await expect(run()).rejects.toThrow('could not be written');
    expect(error).toHaveBeenCalledTimes(2);
    expect(manifest()).toEqual(before);
    expect(snapshots.files.get('index.html')?.body).toBe('index.html');
  });

  test('repeats what could not be written, and forgets no file of a snapshot that was interrupted', async () => {
    const { snapshots, site, run, manifest } = world();
    snapshots.broken = /^index/;
    await expect(run()).rejects.toThrow('could not be written');
    expect(snapshots.files.has('a.html')).toBe(true);
    expect(manifest()).toMatchObject({ at: '1970-01-01T00:00:00.000Z' });
    snapshots.broken = undefined;
    site.files = [file('index.html')];
    await run();
    expect([...snapshots.files.keys()].toSorted()).toEqual(['index.html', 'snapshot.json']);
  });

  test('writes a file that is again as before an interrupted snapshot', async () => {
    const { snapshots, site, run } = world();
    site.files = [file('index.html'), file('status.svg', 'operational')];
    await run();
    snapshots.broken = /^index/;
    site.files = [file('index.html', 'an incident'), file('status.svg', 'major outage')];
    await expect(run()).rejects.toThrow('could not be written');
    expect(snapshots.files.get('status.svg')?.body).toBe('major outage');
    snapshots.broken = undefined;
    site.files = [file('index.html', 'over'), file('status.svg', 'operational')];
    await run();
    expect(snapshots.files.get('status.svg')?.body).toBe('operational');
  });

  test('writes everything again if the manifest cannot be read', async () => {
    const { snapshots, run } = world();
    await run();
    await snapshots.put({ path: 'snapshot.json', type: 'application/json', body: '{"half' });
    snapshots.written.length = 0;
    await run();
    expect(snapshots.written).toEqual(expect.arrayContaining(['index.html', 'a.html', 'partners/index.html']));
  });

  test('pauses for less at a larger time scale', async () => {
    const { pauses, run } = world({ timeScale: 60 });
    await run();
    expect(pauses).toEqual([500]);
  });
});

test.each([
  ['of a small stage on AWS', { onChange: true }, true],
  ['without a payload on AWS', { version: '0', 'detail-type': 'Scheduled Event' }, false],
])('the event %s is understood', (_what, event, onChange) => {
  expect(SnapshotEvent.parse(event)).toEqual({ onChange });
});

describe('a run that writes on a change', () => {
  const MINUTE_MS = 60_000;

  test('takes one snapshot, and no other one while only the time on its pages would change', async () => {
    const { snapshots, clock, site, pauses, runOnChange } = world();
    site.files = [file('index.html', 'Last updated {at}')];
    await expect(runOnChange()).resolves.toEqual({ written: 1 });
    expect(pauses).toEqual([]);
    snapshots.written.length = 0;
    clock.set(clock.millis + MINUTE_MS);
    await expect(runOnChange()).resolves.toEqual({ written: 0 });
    expect(snapshots.written).toEqual([]);
  });

  test.each([
    ['a file changed', [file('index.html', 'A new incident, {at}')]],
    ['a file is new', [file('index.html', 'Last updated {at}'), file('incidents/a.html')]],
    ['a file is gone', []],
  ])('writes at once when %s', async (_what, files) => {
    const { clock, site, runOnChange, manifest } = world();
    site.files = [file('index.html', 'Last updated {at}')];
    await runOnChange();
    site.files = files;
    clock.set(clock.millis + MINUTE_MS);
    await runOnChange();
    expect(manifest()).toMatchObject({
      at: '2026-11-22T12:01:00.000Z',
      files: Object.fromEntries(files.map(({ path }) => [path, expect.any(String) as string])),
    });
    expect(Object.keys((manifest() as { files: object }).files)).toHaveLength(files.length);
  });

  test('renews what has not changed before pages say that they are old, which is after five minutes', async () => {
    const { clock, site, runOnChange, snapshots } = world();
    site.files = [file('index.html', 'Last updated {at}')];
    const times = new Set<string | undefined>();
    for (let minute = 0; minute < 9; minute += 1) {
      await runOnChange();
      const { body = '' } = snapshots.files.get('index.html') ?? {};
      times.add(body);
      expect(Date.parse(clock.now()) - Date.parse(body.replace('Last updated ', ''))).toBeLessThan(5 * MINUTE_MS);
      clock.set(clock.millis + MINUTE_MS);
    }
    expect(times.size).toBe(3);
  });

  test('fails if the records cannot be read, so that its alarm goes off', async () => {
    const { site, runOnChange } = world();
    await runOnChange();
    site.broken = true;
    await expect(runOnChange()).rejects.toThrow('the table cannot be read');
  });
});
