import { expect, test } from 'vitest';
import { mergedRollout } from '../../../../core/domain/changes/rollout.ts';
import { ChangeReport, type RolloutRecord } from '../../../../schemas/changes/change-report.ts';
import type { ChangeId, Version } from '../../../../schemas/config/names.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { deploy, inTheTable, later, serviceEnvironment, stores } from '../../stores/promises.ts';

const key = () => `acme/${serviceEnvironment.service}#1`;
const record = (rev: number, more: Partial<RolloutRecord> = {}): RolloutRecord => {
  const at = stores.clock.now();
  const report = ChangeReport.parse({ source: 'github', key: key(), at, subject: { image: 'a' }, status: 'started' });
  return { rollout: mergedRollout(undefined, report), changes: [], unmapped_in: null, received_at: at, rev, ...more };
};

inTheTable(() => {
  const unmapped = async () =>
    (await stores.rollouts.unmapped()).flatMap(({ rollout, rev }) => (rollout.key === key() ? [rev] : []));

  test('a rollout is written once for each revision', async () => {
    expect(await stores.rollouts.get({ source: 'github', key: key() })).toBeUndefined();
    const first = record(1);
    expect(await stores.rollouts.put(first)).toBe(true);
    expect(await stores.rollouts.put(record(1))).toBe(false);
    expect(await stores.rollouts.get({ source: 'github', key: key() })).toEqual(first);
    expect(await stores.rollouts.put(record(3))).toBe(false);
    expect(await stores.rollouts.put(record(2, { unmapped_in: 'v1' }))).toBe(true);
  });

  test('a rollout is listed as unmapped until it is mapped', async () => {
    await stores.rollouts.put(record(1, { unmapped_in: 'v1' }));
    expect(await unmapped()).toEqual([1]);
    later(60);
    await stores.rollouts.put(record(2, { unmapped_in: 'v1' }));
    expect(await unmapped()).toEqual([2]);
    later(60);
    await stores.rollouts.put(record(3));
    expect(await unmapped()).toEqual([]);
  });

  test('rollouts wait for commits of a repository, each once', async () => {
    const of = { source: 'github', key: key() } as const;
    const repository = `acme/${serviceEnvironment.service}`;
    for (const commit of ['a', 'a', 'b']) await stores.rollouts.await(of, { repository, commit });
    expect(await stores.rollouts.awaiting(repository, new Set(['b', 'c']))).toEqual([of]);
    expect(await stores.rollouts.awaiting(repository, new Set(['a']))).toEqual([of]);
    expect(await stores.rollouts.awaiting('acme/other', new Set(['a']))).toEqual([]);
  });

  test('a change moves to its corrected start, and is found everywhere', async () => {
    const { change } = await deploy('v1', 60, { status: 'failed' });
    await deploy('v0', 90);
    const started_at = plusSeconds(change.started_at, -300);
    const revised = await stores.changes.revise(change.id, (known) => ({ ...known, started_at, status: 'succeeded' }));
    expect(revised).toMatchObject({ id: change.id, started_at, status: 'succeeded' });
    expect(await stores.changes.get(change.id)).toEqual(revised);
    const recent = await stores.changes.recent(serviceEnvironment, 9);
    expect(recent.map(({ version }) => version)).toEqual(['v1', 'v0']);
    const failures = (await stores.changes.failures()).filter((one) => one.change.id === change.id);
    expect(failures.map((one) => one.change)).toEqual([revised]);
    const { service } = serviceEnvironment;
    const { items } = await stores.changes.list({ service, limit: 9 });
    expect(items.filter((one) => one.service === service).map(({ version }) => version)).toEqual(['v0', 'v1']);
  });

  test('a change can have an ID of its own, which is recorded once', async () => {
    const id = `chg_${serviceEnvironment.service.replace(/\D/g, '').padStart(26, '0')}` as ChangeId;
    const own = { id, reported_by: 'github' };
    const input = { ...serviceEnvironment, version: 'v1' as Version, kind: 'deploy', status: 'started' } as const;
    const first = await stores.changes.record({ ...input, started_at: stores.clock.now() }, own);
    expect(first).toMatchObject({ created: true, change: { id, reported_by: 'github' } });
    later(30);
    const again = await stores.changes.record({ ...input, started_at: stores.clock.now() }, own);
    expect(again).toEqual({ created: false, change: first.change });
  });
});
