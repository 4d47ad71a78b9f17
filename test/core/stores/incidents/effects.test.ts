import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { NewChange } from '../../../../schemas/changes/change.ts';
import type { ChangeId, EnvironmentName, IncidentId, ServiceName, Version } from '../../../../schemas/config/names.ts';
import type { Signal } from '../../../../schemas/alerts/signal.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import {
  here,
  admit,
  later,
  opened,
  record,
  mailOf,
  timeline,
  closed,
  judged,
  keyOf,
  rollbackBegun,
  end,
  acts,
  deploy,
  stores,
  serviceEnvironment,
  inTheTable,
} from '../../stores/promises.ts';

const [A, B, C] = ['1'.repeat(40), '2'.repeat(40), '3'.repeat(40)];

inTheTable(() => {
  describe('effects', () => {
    const page = { key: 'p', kind: 'page', target: 'pagerduty', class: 'keyed', detail: 'Page 1' } as const;

    test('an effect that is already complete is recorded once, with its entry', async () => {
      const id = await opened();
      const effect = { key: 'a', kind: 'page-acknowledge', target: 'pagerduty', class: 'convergent' } as const;
      await stores.effects.record(id, { ...effect, state: 'succeeded', detail: 'It is acknowledged' });
      await stores.effects.record(id, { ...effect, state: 'failed', detail: 'It was not' });
      expect(await stores.effects.get(id, 'a')).toMatchObject({ state: 'succeeded', detail: 'It is acknowledged' });
      expect(await timeline(id)).toEqual(['page-acknowledge.succeeded', 'incident.opened']);
    });

    test('an intent is recorded once, and reports its outcome', async () => {
      const id = await opened();
      expect(await stores.effects.intend(id, page, { page: 1 })).toMatchObject({ state: 'intended' });
      expect(await record(id)).toMatchObject({ pages: 1 });
      await stores.effects.conclude(id, 'p', 'succeeded', 'accepted');
      await stores.effects.conclude(id, 'p', 'succeeded', 'accepted');
      expect(await stores.effects.intend(id, page, { page: 1 })).toMatchObject({
        state: 'succeeded',
        detail: 'accepted',
      });
      expect(await stores.effects.get(id, 'p')).toMatchObject({ state: 'succeeded' });
      expect(await timeline(id)).toEqual(['page.succeeded', 'incident.opened']);
    });

    test('a started rollback is counted, and blocks others of the same service and environment', async () => {
      const id = await opened();
      expect(await rollbackBegun(id)).toMatchObject({ ok: true, effect: { state: 'intended' } });
      expect(await rollbackBegun(id)).toMatchObject({ ok: true });
      expect(await record(id)).toMatchObject({ status: 'mitigating' });
      expect(await stores.effects.rollbacksSince(serviceEnvironment, plusSeconds(stores.clock.now(), -3600))).toBe(1);
      expect(await rollbackBegun(id, 2)).toMatchObject({ ok: false, reason: { code: 'already_running' } });
      const { id: rival } = await stores.incidents.declare({
        ...serviceEnvironment,
        environment: 'rival' as EnvironmentName,
        title: '',
        severity: 'info',
        by: '',
        trace: '',
      });
      expect(await rollbackBegun(rival)).toMatchObject({ ok: false, reason: { code: 'locked' } });
      expect(await record(rival)).toMatchObject({ status: 'open' });
    });

    test('a forgotten lock expires', async () => {
      const id = await opened();
      await rollbackBegun(id);
      later(2.5 * 3600); // longer than any rollback is followed
      expect(await rollbackBegun(id, 2)).toMatchObject({ ok: false });
      later(0.5 * 3600 + 1);
      expect(await rollbackBegun(id, 2)).toMatchObject({ ok: true });
    });

    test('the newest act on a flag is found by the flag', async () => {
      const id = await opened();
      const intend = async (key: string, name: string, on: boolean) => {
        const effect = {
          key,
          kind: 'flag',
          target: 'ff',
          class: 'convergent',
          detail: '',
          flag: { name, on },
        } as const;
        const act = { serviceEnvironment, resource: name, isProposed: false, automatic: false };
        expect(await stores.effects.intendAction(id, effect, act)).toMatchObject({ ok: true });
        await stores.effects.conclude(id, key, 'succeeded', 'set');
      };
      await intend(`${id}.roll-back.1`, 'new-cart', false);
      await intend(`${id}.roll-back.2`, 'dark-mode', false);
      await intend(`${id}.flag-on.1`, 'dark-mode', true);
      const newest = async (flag: string, at = serviceEnvironment) => stores.effects.ofFlag(at, flag);
      expect(await newest('new-cart')).toMatchObject({ incident: id, effect: { flag: { on: false } } });
      expect(await newest('dark-mode')).toMatchObject({ effect: { key: `${id}.flag-on.1`, state: 'succeeded' } });
      expect(await newest('other')).toBeUndefined();
      const elsewhere = { ...serviceEnvironment, environment: 'elsewhere' as EnvironmentName };
      expect(await newest('new-cart', elsewhere)).toBeUndefined();
    });

    test('the count of rollbacks covers the last hour', async () => {
      const id = await opened();
      await rollbackBegun(id);
      expect(await stores.effects.rollbacksSince(serviceEnvironment, stores.clock.now())).toBe(1);
      expect(await stores.effects.rollbacksSince(serviceEnvironment, plusSeconds(stores.clock.now(), 1))).toBe(0);
    });

    test('no effect starts for a closed incident', async () => {
      const id = await opened();
      await closed(id);
      expect(await rollbackBegun(id)).toMatchObject({ ok: false, reason: { code: 'incident_closed' } });
    });

    test('a successful one is recorded as a change, pins the version, releases the lock, and notifies the workflow, once', async () => {
      const id = await opened();
      const suspect = (await deploy('v2', 600)).change;
      await judged(id, 1);
      await rollbackBegun(id);
      later(5);
      const done = end(id, 1, { versionChange: { from: 'v2' as Version, to: 'v1' as Version, suspect: suspect.id } });
      await stores.effects.concludeRollback(id, done);
      await stores.effects.concludeRollback(id, { ...done, outcome: 'failed' });
      expect(await rollbacksCounted()).toEqual([
        { name: 'firebreak_rollbacks_total', labels: ['succeeded', serviceEnvironment.service], by: 1 },
      ]);
      expect(await record(id)).toMatchObject({ status: 'mitigated', verification: 'pending', seq: 1 });
      expect(await mailOf(id)).toEqual([{ kind: 'mitigation', number: 1, outcome: 'succeeded', page: 'no' }]);
      expect(await stores.effects.get(id, keyOf(id))).toMatchObject({
        state: 'succeeded',
        detail: 'Rolled back to v1',
      });
      const [bad, rollback] = await stores.changes.recent(serviceEnvironment, 9);
      expect(bad).toMatchObject({ version: 'v2', rolled_back_by: id });
      expect(rollback).toMatchObject({
        version: 'v1',
        kind: 'rollback',
        status: 'succeeded',
        previous_version: 'v2',
        made_for: id,
        started_at: plusSeconds(stores.clock.now(), -5),
        finished_at: stores.clock.now(),
      });
      expect(await rollbackBegun(id, 2)).toMatchObject({ ok: true });
    });

    test.each(['started', 'succeeded'] as const)(
      'one that the deploying system has reported as %s before is that one change',
      async (status) => {
        later(3700); // past the limit of rollbacks in an hour
        const id = await opened();
        await deploy('v1', 9000);
        const suspect = (await deploy('v2', 600)).change;
        await judged(id, 1);
        await rollbackBegun(id);
        later(5);
        const started_at = stores.clock.now();
        const reported = { ...serviceEnvironment, version: 'v1', kind: 'deploy', status, started_at, author: 'ci' };
        const extra = {
          id: `chg_${createHash('sha256').update(id).digest('hex').slice(0, 26)}` as ChangeId,
          reported_by: 'argo-cd',
        };
        await stores.changes.record(NewChange.parse(reported), extra);
        later(5);
        const moved = { from: 'v2' as Version, to: 'v1' as Version, suspect: suspect.id };
        await stores.effects.concludeRollback(id, end(id, 1, { versionChange: moved }));
        const [, , rollback, ...more] = await stores.changes.recent(serviceEnvironment, 9);
        expect(more).toEqual([]);
        expect(rollback).toMatchObject({
          id: extra.id,
          kind: 'rollback',
          status: 'succeeded',
          previous_version: 'v2',
          made_for: id,
          reported_by: 'argo-cd',
          author: 'ci',
          started_at,
          finished_at: status === 'started' ? stores.clock.now() : started_at,
        });
        expect(await stores.changes.inProgress()).toEqual([]);
        // A later event of the sender still finds and revises the record.
        expect(await stores.changes.revise(extra.id, (now) => ({ ...now, url: 'https://cd.example/1' }))).toMatchObject(
          {
            made_for: id,
            url: 'https://cd.example/1',
          },
        );
      },
    );

    test.each<[string, { commit: string; deploy_commit?: string }, string]>([
      ['known', { commit: 'a'.repeat(40), deploy_commit: 'd'.repeat(40) }, 'd'.repeat(40)],
      ['not known', { commit: 'd'.repeat(40) }, 'd'.repeat(40)],
    ])(
      'if the commit of the application is %s, it keeps that of the repository for deployments, which its pin never has',
      async (_, { commit, ...extra }, applied) => {
        const id = await opened();
        for (const [version, seconds] of [
          ['v1', 9000],
          ['v2', 600],
        ] as const) {
          const started_at = plusSeconds(stores.clock.now(), -seconds);
          const sent = { ...serviceEnvironment, version, commit, started_at };
          await stores.changes.record(NewChange.parse(sent), { reported_by: 'argo-cd', ...extra });
        }
        const [, suspect] = await stores.changes.recent(serviceEnvironment, 9);
        await judged(id, 1);
        await rollbackBegun(id);
        later(5);
        const moved = { from: 'v2' as Version, to: 'v1' as Version, suspect: suspect?.id as ChangeId };
        await stores.effects.concludeRollback(id, end(id, 1, { versionChange: moved }));
        expect((await stores.changes.recent(serviceEnvironment, 9)).at(-1)).toMatchObject({
          kind: 'rollback',
          commit,
          deploy_commit: applied,
        });
        const [pin] = await stores.pins.of(serviceEnvironment);
        expect(pin?.commit).toBe(extra.deploy_commit === undefined ? undefined : commit);
      },
    );

    test.each<[string, { commit?: string }, { toCommit: string; byRevert?: true }, object]>([
      ['without a commit', {}, { toCommit: A }, { version: '6.4 (1111111)', reported_version: '6.4', commit: A }],
      [
        'with the commit of its revert',
        { commit: C },
        { toCommit: A, byRevert: true },
        { version: '6.4 (3333333)', commit: C },
      ],
    ])(
      'to a commit of a branch, which the deploying system has reported %s, is that one change',
      async (_, sent, how, shown) => {
        later(3700);
        const id = await opened();
        await deploy('6.4', 9000, { commit: A });
        const suspect = (await deploy('6.4', 600, { commit: B })).change;
        await judged(id, 1);
        await rollbackBegun(id);
        later(5);
        const started_at = stores.clock.now();
        await stores.changes.record(NewChange.parse({ ...serviceEnvironment, version: '6.4', started_at, ...sent }), {
          reported_by: 'github',
        });
        later(5);
        const moved = { from: '6.4 (2222222)' as Version, to: '6.4 (1111111)' as Version, suspect: suspect.id, ...how };
        await stores.effects.concludeRollback(id, end(id, 1, { versionChange: moved }));
        const [, , rollback, ...more] = await stores.changes.recent(serviceEnvironment, 9);
        expect(more).toEqual([]);
        expect(rollback).toMatchObject({ kind: 'rollback', made_for: id, reported_by: 'github', ...shown });
        expect((await stores.changes.live()).find(({ id: live }) => live === rollback?.id)).toMatchObject(shown);
      },
    );

    test('of a version that was deployed over the suspect and has not helped pins both, each with its own commit', async () => {
      later(3700);
      const id = await opened();
      await deploy('v1', 9000, { commit: A });
      const suspect = (await deploy('v2', 600, { commit: B })).change;
      await deploy('v3', 300, { commit: C });
      await judged(id, 1);
      await rollbackBegun(id);
      later(5);
      const moved = { from: 'v3' as Version, to: 'v1' as Version, suspect: suspect.id };
      await stores.effects.concludeRollback(id, end(id, 1, { versionChange: moved }));
      const pins = await stores.pins.of(serviceEnvironment);
      expect(Object.fromEntries(pins.map(({ version, commit }) => [version, commit]))).toEqual({ v2: B, v3: C });
      expect(
        (await stores.pins.list({ limit: 9, all: false })).items.filter(({ incident_id: of }) => of === id),
      ).toHaveLength(2);
    });

    test('to a version whose name was seen with another commit since the decision has its commit', async () => {
      later(3700);
      const id = await opened();
      await deploy('6.4', 9000, { commit: A });
      const suspect = (await deploy('v2', 600)).change;
      await deploy('6.4', 300, { commit: B, status: 'failed' });
      await judged(id, 1);
      await rollbackBegun(id);
      later(5);
      const moved = { from: 'v2' as Version, to: '6.4' as Version, suspect: suspect.id, toCommit: A };
      await stores.effects.concludeRollback(id, end(id, 1, { versionChange: moved }));
      expect((await stores.changes.recent(serviceEnvironment, 9)).at(-1)).toMatchObject({
        version: '6.4 (1111111)',
        reported_version: '6.4',
        commit: A,
        made_for: id,
      });
    });

    test('an earlier deploy of its target is another change', async () => {
      const id = await opened();
      await stores.changes.record(
        NewChange.parse({ ...serviceEnvironment, version: 'v1', started_at: plusSeconds(stores.clock.now(), -60) }),
        { reported_by: 'argo-cd' },
      );
      const suspect = (await deploy('v2', 30)).change;
      await judged(id, 1);
      await rollbackBegun(id);
      const moved = { from: 'v2' as Version, to: 'v1' as Version, suspect: suspect.id };
      await stores.effects.concludeRollback(id, end(id, 1, { versionChange: moved }));
      const all = await stores.changes.recent(serviceEnvironment, 9);
      expect(all.map(({ version, kind }) => [version, kind])).toEqual([
        ['v1', 'deploy'],
        ['v2', 'deploy'],
        ['v1', 'rollback'],
      ]);
    });

    const rollbacksCounted = async () =>
      (await stores.counters.read()).filter(
        ({ name, labels }) => name === 'firebreak_rollbacks_total' && labels[1] === serviceEnvironment.service,
      );

    test('a failed one leaves the incident open, and releases the lock', async () => {
      const id = await opened();
      await judged(id, 1);
      await rollbackBegun(id);
      await stores.effects.concludeRollback(id, end(id, 1, { outcome: 'refused', page: 'again', text: 'no' }));
      expect(await rollbacksCounted()).toEqual([]);
      expect(await record(id)).toMatchObject({ status: 'open', verification: 'not_needed' });
      expect(await stores.effects.get(id, keyOf(id))).toMatchObject({ state: 'failed' });
      expect(await stores.changes.recent(serviceEnvironment, 9)).toEqual([]);
      expect(await rollbackBegun(id, 2)).toMatchObject({ ok: true });
    });

    test('an alert that fires during verification reports whether it looks back to before it', async () => {
      const id = await opened();
      await judged(id, 1);
      await rollbackBegun(id);
      later(5);
      await stores.effects.concludeRollback(id, end(id, 1));
      later(200);
      const window: Signal['labels'] = [['short_window', '5m']];
      const fires = (fingerprint: string, labels: Signal['labels']) =>
        admit(here({ fingerprint, labels, episode: fingerprint, startsAt: stores.clock.now() }));
      await fires(`${serviceEnvironment.service}/back`, window);
      await fires(`${serviceEnvironment.service}/anew`, []);
      later(200);
      await fires(`${serviceEnvironment.service}/later`, window);
      const looking = (await mailOf(id)).flatMap((one) => (one.kind === 'signals' ? [one.looks_back === true] : []));
      expect(looking).toEqual([true, false, false]);
    });

    test('one that ends after its incident was closed is only on the timeline', async () => {
      const id = await opened();
      await judged(id, 1);
      await rollbackBegun(id);
      await closed(id);
      await stores.effects.concludeRollback(id, end(id, 1));
      expect(await record(id)).toMatchObject({ status: 'resolved', seq: 0 });
      expect(await timeline(id)).toContain('mitigation.succeeded');
    });

    test('a decision against a rollback does not affect another one in progress', async () => {
      const id = await opened();
      await judged(id, 1);
      await judged(id, 2);
      await rollbackBegun(id, 2);
      await stores.effects.concludeRollback(id, end(id, 1, { outcome: 'not_taken' }));
      expect(await record(id)).toMatchObject({ status: 'mitigating' });
      expect(await rollbackBegun(id, 3)).toMatchObject({ ok: false });
    });
  });

  describe('the limit for all services', () => {
    beforeEach(() => later(3601)); // actions of other tests are more than an hour old

    test('is listed by its kind until it has an outcome', async () => {
      const id = await opened();
      const key = `${id}.flag-on.1`;
      const own = async () =>
        (await stores.effects.unfinished('flag'))
          .filter(({ incident }) => incident === id)
          .map(({ effect }) => effect.key);
      const flag = { target: 'flags', class: 'convergent', detail: 'on', flag: { name: 'basket', on: true } } as const;
      await stores.effects.intend(id, { ...flag, key, kind: 'flag' });
      await stores.effects.intend(id, { ...flag, key: `${id}.page`, kind: 'page' });
      expect(await own()).toEqual([key]);
      await stores.effects.conclude(id, key, 'succeeded', 'done');
      expect(await own()).toEqual([]);
    });

    const tenBegun = async (id: IncidentId) => {
      for (let n = 1; n <= 10; n += 1) expect(await acts(id, `${id}.ten-${n}`)).toMatchObject({ ok: true });
    };
    const limit = { ok: false, reason: { code: 'organisation_limit' } };

    test('ten start within an hour without a person, but not eleven', async () => {
      const id = await opened();
      await tenBegun(id);
      const elsewhere = { ...serviceEnvironment, service: `${serviceEnvironment.service}-b` as ServiceName };
      expect(await acts(id, `${id}.11`, { serviceEnvironment: elsewhere })).toMatchObject(limit);
      expect(await stores.effects.get(id, `${id}.11`)).toBeUndefined();
      expect((await stores.effects.automaticSince(plusSeconds(stores.clock.now(), -3600))).all).toBe(10);
    });

    test('actions that a person requested or approved are not counted, and may exceed it', async () => {
      const id = await opened();
      for (let n = 1; n <= 3; n += 1) await acts(id, `${id}.person-${n}`, { automatic: false });
      expect((await stores.effects.automaticSince(plusSeconds(stores.clock.now(), -3600))).all).toBe(0);
      await tenBegun(id);
      expect(await acts(id, `${id}.11`, { automatic: false })).toMatchObject({ ok: true });
    });

    test('one that has started may continue, and counts once', async () => {
      const id = await opened();
      await tenBegun(id);
      expect(await acts(id, `${id}.ten-4`)).toMatchObject({ ok: true });
      expect((await stores.effects.automaticSince(plusSeconds(stores.clock.now(), -3600))).all).toBe(10);
    });

    test('those older than an hour are not counted', async () => {
      const id = await opened();
      await tenBegun(id);
      later(3599);
      expect(await acts(id, `${id}.11`)).toMatchObject(limit);
      later(1);
      expect(await acts(id, `${id}.11`)).toMatchObject({ ok: true });
    });

    test('five start within an hour for alerts of one sender; others continue', async () => {
      const id = await opened();
      const since = () => plusSeconds(stores.clock.now(), -3600);
      for (let n = 1; n <= 5; n += 1)
        expect(await acts(id, `${id}.of-${n}`, { senders: ['token:shop'] })).toMatchObject({ ok: true });
      const ofSender = { ok: false, reason: { code: 'sender_limit' } };
      expect(await acts(id, `${id}.6`, { senders: ['token:shop'] })).toMatchObject(ofSender);
      expect(await acts(id, `${id}.of-1`, { senders: ['token:shop'] })).toMatchObject({ ok: true });
      expect(await acts(id, `${id}.6`, { automatic: false, senders: ['token:shop'] })).toMatchObject({ ok: true });
      expect(await acts(id, `${id}.7`, { senders: ['token:shop', 'ingest'] })).toMatchObject({ ok: true });
      expect(await acts(id, `${id}.8`)).toMatchObject({ ok: true });
      expect((await stores.effects.automaticSince(since())).of(['token:shop'])).toBe(6);
      expect((await stores.effects.automaticSince(since())).of(['token:shop', 'ingest'])).toBe(1);
      expect((await stores.effects.automaticSince(since())).of([])).toBe(0);
      expect((await stores.effects.automaticSince(since())).all).toBe(7);
      later(3600);
      expect(await acts(id, `${id}.9`, { senders: ['token:shop'] })).toMatchObject({ ok: true });
    });

    test('one that could not start is not counted', async () => {
      const id = await opened();
      await acts(id, `${id}.1`, { resource: serviceEnvironment.service });
      expect(await acts(id, `${id}.2`, { resource: serviceEnvironment.service })).toMatchObject({ ok: false });
      expect((await stores.effects.automaticSince(plusSeconds(stores.clock.now(), -3600))).all).toBe(1);
    });
  });
});
