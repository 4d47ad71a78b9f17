import type { Mute } from '../../../../core/domain/alerts/routing.ts';
import { describe, expect, test } from 'vitest';
import type { Admitted } from '../../../../core/domain/ports/incidents.ts';
import type { EnvironmentName, IncidentId } from '../../../../schemas/config/names.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { arrival, silenced } from '../../../support/signals.ts';
import {
  here,
  other,
  ended,
  take,
  admit,
  later,
  opened,
  record,
  mailOf,
  closed,
  stores,
  serviceEnvironment,
  inTheTable,
} from '../../stores/promises.ts';

const byExperiment: Mute = { by: 'experiment', name: '01JE0000000000000000000000', until: null, reason: 'planned' };

inTheTable(() => {
  describe('admitting by routes', () => {
    const warning = { severity: 'warning', requestsRollback: false } as const;
    const apartOf = ({ withoutIncident: apart }: Admitted) =>
      apart.map(({ arrival: { signal: one }, status }) => [one.fingerprint.split('/')[1], status]);
    const mutedHere = async () =>
      (await stores.incidents.muted()).filter(({ signal: { service } }) => service === serviceEnvironment.service);

    test('an incident may not page', async () => {
      const delivery = { page: false, incident: true, channels: ['#payments', '#ops'] };
      const { opened: ids } = await take(arrival(here(warning), { delivery }));
      expect(await record(ids[0] as IncidentId)).toMatchObject({
        severity: 'warning',
        page: false,
        notified_channels: ['#payments', '#ops'],
      });
    });

    test('a warning may page, also in an open incident', async () => {
      const { opened: ids } = await take(arrival(here(warning), { delivery: { page: true, incident: true } }));
      const [id = '' as IncidentId] = ids;
      expect(await record(id)).toMatchObject({ severity: 'warning', page: true });
      await take(arrival(other(warning), { delivery: { page: true, incident: true } }));
      expect(await mailOf(id)).toMatchObject([{ critical: false, pages: true }]);
    });

    test('a critical alert whose route does not page does not page', async () => {
      const id = await opened();
      await take(arrival(other({ requestsRollback: false }), { delivery: { page: false } }));
      expect(await mailOf(id)).toMatchObject([{ critical: true, pages: false }]);
    });

    test('alerts without an incident are returned separately with their current status, until one has it', async () => {
      expect(apartOf(await admit(here(warning)))).toEqual([['1', 'firing']]);
      expect(apartOf(await admit(here(warning)))).toEqual([['1', 'firing']]);
      expect(apartOf(await admit(ended(here(warning))))).toEqual([['1', 'resolved']]);
      expect(apartOf(await admit(here(warning)))).toEqual([['1', 'resolved']]);
      const id = await opened(other());
      expect(apartOf(await admit(other(), ended(other())))).toEqual([]);
      expect(apartOf(await admit(here({ ...warning, fingerprint: `${serviceEnvironment.service}/3` })))).toEqual([]);
      expect(await record(id)).toMatchObject({ signal_count: 2 });
    });

    test('alerts without an incident are listed, newest first', async () => {
      const listed = async (muted: boolean) =>
        (await stores.incidents.alertsWithoutIncident({ limit: 50, muted })).items.filter(
          ({ signal: { service } }) => service === serviceEnvironment.service,
        );
      await admit(here(warning));
      later(1);
      await take(arrival(other(warning), { mute: silenced }));
      expect(await listed(false)).toMatchObject([
        { signal: { fingerprint: here().fingerprint, first_seen_at: plusSeconds(stores.clock.now(), -1) }, mute: null },
      ]);
      expect(await listed(true)).toMatchObject([{ signal: { fingerprint: other().fingerprint }, mute: silenced }]);
    });

    test('all muted alerts are found, not only those of the first page', async () => {
      const names = Array.from({ length: 510 }, (_, n) => `${serviceEnvironment.service}/many-${n}`);
      for (let n = 0; n < names.length; n += 85)
        await take(
          ...names.slice(n, n + 85).map((fingerprint) => arrival(here({ fingerprint }), { mute: byExperiment })),
        );
      const found = await mutedHere();
      expect(new Set(found.map(({ signal: { fingerprint } }) => fingerprint))).toEqual(new Set(names));
    });

    test('alerts without an incident have the last times at which they began to fire', async () => {
      const times: string[] = [];
      for (let n = 0; n < 22; n += 1) {
        const one = here({ ...warning, startsAt: stores.clock.now() });
        times.unshift(stores.clock.now());
        await admit(one, one);
        later(60);
        await admit(ended(one));
        later(60);
      }
      const { items } = await stores.incidents.alertsWithoutIncident({ limit: 50, muted: false });
      const found = items.filter(({ signal: { service } }) => service === serviceEnvironment.service);
      expect(found.map(({ firedAt }) => firedAt)).toEqual([times.slice(0, 20)]);
      const days = Map.groupBy(times, (at) => at.slice(0, 10));
      expect(found.map(({ starts }) => starts)).toEqual([
        [...days.values()].map((ofDay) => ({ at: ofDay[0], times: ofDay.length })),
      ]);
    });

    test('recent incidents are those that opened since a time, newest first', async () => {
      const since = stores.clock.now();
      const ids = [await opened(), await opened(here({ environment: 'staging' as EnvironmentName }))];
      const { service } = serviceEnvironment;
      const recent = async (more: object) => {
        const { items, isComplete } = await stores.incidents.recent({ since, limit: 50, service, ...more });
        return [items.map(({ id }) => id), isComplete];
      };
      expect(await recent({})).toEqual([ids.toReversed(), true]);
      expect(await recent({ limit: 1 })).toEqual([ids.slice(1), false]);
      expect(await recent({ since: plusSeconds(since, 1) })).toEqual([ids.slice(1), true]);
    });

    test('a failed deployment is returned separately as an event, however often it is reported', async () => {
      const failed = here({ ...warning, source: 'deployment' });
      expect(apartOf(await admit(failed))).toEqual([['1', 'firing']]);
      expect(apartOf(await admit(failed))).toEqual([['1', 'firing']]);
    });

    test('a failed deployment is over once reported, and a late report does not reopen it', async () => {
      const failed = here({ ...warning, source: 'deployment' });
      await admit(failed);
      later(5);
      expect(apartOf(await admit(ended(failed)))).toEqual([['1', 'resolved']]);
      const { items } = await stores.incidents.alertsWithoutIncident({ limit: 50, muted: false });
      expect(items.filter(({ signal: { service } }) => service === serviceEnvironment.service)).toMatchObject([
        { signal: { status: 'resolved', endsAt: stores.clock.now() } },
      ]);
      expect((await admit(ended(failed))).counts).toMatchObject({ known: 1 });
      expect((await admit(failed)).counts).toMatchObject({ known: 1, recorded: 0 });
    });

    test('a muted critical alert opens nothing, and is evaluated again when the mute ends', async () => {
      const quiet = await take(arrival(here(), { mute: silenced }));
      expect(quiet).toMatchObject({ opened: [], wake: [], counts: { recorded: 1 } });
      expect(apartOf(quiet)).toEqual([['1', 'firing']]);
      expect(await mutedHere()).toMatchObject([{ signal: { episode: here().episode }, mute: { by: 'silence' } }]);
      expect(await take(arrival(here(), { mute: silenced }))).toMatchObject({ opened: [], counts: { known: 1 } });
      const id = await opened();
      expect(await record(id)).toMatchObject({ severity: 'critical', page: true, requests_rollback: true, firing: 1 });
      expect(await mutedHere()).toEqual([]);
    });

    test('an alert of an experiment joins an open incident silently, and raises it when it is no longer expected', async () => {
      const id = await opened(here({ ...warning, requestsRollback: true }));
      const expected = arrival(other({ title: 'DataLoss' }), { mute: byExperiment });
      const mutes = async () =>
        (await stores.incidents.signals(id, { limit: 9 })).items.flatMap(({ mute }) => mute ?? []);
      expect(await take(expected)).toMatchObject({ opened: [], counts: { joined: 1 } });
      expect(await mutes()).toEqual([byExperiment]);
      expect(await record(id)).toMatchObject({ severity: 'warning', firing: 2, signal_count: 2 });
      expect(await mutedHere()).toMatchObject([{ signal: { title: 'DataLoss' }, mute: { by: 'experiment' } }]);
      expect((await take(expected)).counts).toMatchObject({ known: 1 });
      await take(arrival(expected.signal));
      expect(await record(id)).toMatchObject({ severity: 'critical', firing: 2, signal_count: 2 });
      expect((await mailOf(id)).at(-1)).toMatchObject({ kind: 'signals', fired: 1, critical: true, pages: true });
      expect(await mutedHere()).toEqual([]);
      expect(await mutes()).toEqual([]);
      expect((await take(arrival(expected.signal))).counts).toMatchObject({ known: 1 });
    });

    test('an alert that ends while muted is not muted any more', async () => {
      await take(arrival(here(), { mute: silenced }));
      await admit(ended(here()));
      expect(await mutedHere()).toEqual([]);
      expect(await admit(here())).toMatchObject({ opened: [], counts: { known: 1 } });
    });

    test('an event during the mute is not evaluated again', async () => {
      await take(arrival(here({ source: 'deployment', severity: 'warning' }), { mute: silenced }));
      expect(await mutedHere()).toEqual([]);
    });

    test('a muted alert joins an open incident silently', async () => {
      const id = await opened(here({ ...warning, requestsRollback: true }));
      expect(await take(arrival(other(), { mute: silenced }))).toMatchObject({ wake: [id], counts: { joined: 1 } });
      expect(await record(id)).toMatchObject({ severity: 'warning', firing: 2, signal_count: 2 });
      expect(await mailOf(id)).toEqual([
        { kind: 'signals', fired: 1, resolved: 0, critical: false, pages: false, requestsRollback: false, muted: true },
      ]);
      expect(await mutedHere()).toEqual([]);
    });

    test('a rollback request of a muted alert takes effect when the mute ends', async () => {
      const id = await opened(here({ requestsRollback: false }));
      await take(arrival(here(), { mute: silenced }));
      expect(await record(id)).toMatchObject({ requests_rollback: false, seq: 0 });
      await admit(here());
      expect(await record(id)).toMatchObject({ requests_rollback: true, signal_count: 1 });
      expect(await mailOf(id)).toMatchObject([{ fired: 0, requestsRollback: true }]);
    });

    test('a rollback request of a muted alert without an incident opens one when the mute ends', async () => {
      await admit(here(warning));
      expect(await take(arrival(here({ severity: 'warning' }), { mute: silenced }))).toMatchObject({ opened: [] });
      const [one] = await mutedHere();
      expect(one).toMatchObject({ signal: { requestsRollback: true } });
      const id = await opened(here({ severity: 'warning' }));
      expect(await record(id)).toMatchObject({ requests_rollback: true });
    });

    test('an alert that is silenced after its incident was closed opens the next one when the silence ends', async () => {
      const id = await opened();
      await closed(id);
      later(301);
      expect(await take(arrival(here(), { mute: silenced }))).toMatchObject({ opened: [], counts: { recorded: 1 } });
      expect(await mutedHere()).toHaveLength(1);
      expect(await opened()).not.toBe(id);
    });
  });
});
