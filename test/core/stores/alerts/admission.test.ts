import { endedMarks } from '../../../../core/stores/keys.ts';
import type { TableStores } from '../../stores/stores.ts';
import { beforeEach, describe, expect, test } from 'vitest';
import type { EnvironmentName, IncidentId, ServiceName } from '../../../../schemas/config/names.ts';
import type { Signal } from '../../../../schemas/alerts/signal.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { silent } from '../../../support/fake-deps.ts';
import { IntakeTable, lastFault } from '../../../../core/stores/alerts/intake.ts';
import { arrival, arrivals, silenced, stranger } from '../../../support/signals.ts';
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
  isPending,
  timeline,
  statuses,
  closed,
  stores,
  serviceEnvironment,
  TRACE,
  inTheTable,
} from '../../stores/promises.ts';

inTheTable(() => {
  describe('admitting signals', () => {
    test('the first one opens an incident, which waits for its start', async () => {
      const admitted = await admit(here());
      expect(admitted).toMatchObject({ counts: { opened: 1, joined: 0, recorded: 0, known: 0 } });
      expect(admitted.wake).toEqual(admitted.opened);
      const [id] = admitted.opened;
      expect(await record(id as IncidentId)).toMatchObject({
        ...serviceEnvironment,
        status: 'open',
        severity: 'critical',
        title: 'checkout answers with errors',
        unmatched: null,
        signal_count: 1,
        firing: 1,
        requests_rollback: true,
        seq: 0,
        run: 1,
        started_run: 0,
        pages: 0,
        mitigations: 0,
        opened_at: stores.clock.now(),
        resolved_at: null,
        verification: 'not_needed',
        trace: expect.stringContaining(TRACE) as string,
      });
      expect(await isPending(id as IncidentId)).toBe(true);
      expect(await timeline(id as IncidentId)).toEqual(['incident.opened']);
    });

    test('a redelivery changes nothing, but still triggers the start', async () => {
      const id = await opened();
      const before = await record(id);
      const again = await admit(here());
      expect(again).toMatchObject({ wake: [id], opened: [], counts: { opened: 0, joined: 0, recorded: 0, known: 1 } });
      expect(await record(id)).toEqual({ ...before, renotified: 1 });
    });

    test('a repetition with a newer value is listed; the record keeps what was admitted', async () => {
      const annotations: Signal['annotations'] = [['description', '12 % of the requests fail']];
      const id = await opened(here({ title: 'checkout fails 12 %', annotations }));
      const listed = async () => (await stores.incidents.signals(id, { limit: 10 })).items;
      const first = await listed();
      await admit(here({ title: 'checkout fails 12 %', annotations }));
      expect(await listed()).toEqual(first);
      const newer = {
        title: 'checkout fails 41 %',
        annotations: [['description', '41 % of the requests fail']],
      } as const;
      const repeated = here({ title: newer.title, annotations: newer.annotations.map(([name, text]) => [name, text]) });
      expect(await admit(repeated)).toMatchObject({ counts: { known: 1, joined: 0 } });
      const at = stores.clock.now();
      expect(await listed()).toEqual([{ ...first[0], ...newer, rewordedAt: at }]);
      expect((await stores.incidents.overview(id))?.signals).toMatchObject([newer]);
      expect((await stores.incidents.inputs(id, 10)).signals).toMatchObject([
        { title: 'checkout fails 12 %', annotations },
      ]);
      await admit(ended(repeated));
      expect(await listed()).toMatchObject([{ ...newer, rewordedAt: at, status: 'resolved' }]);
    });

    test('a repetition that was received earlier than the one that is listed changes nothing, however late it is processed', async () => {
      const id = await opened(here({ title: 'checkout fails 12 %' }));
      const titles = async () => (await stores.incidents.signals(id, { limit: 10 })).items.map(({ title }) => title);
      const receivedAt = stores.clock.now();
      later(20);
      await admit(here({ title: 'checkout fails 41 %' }));
      later(20);
      await stores.incidents.admit(arrivals([here({ title: 'checkout fails 33 %' })]), {
        at: receivedAt,
        trace: TRACE,
      });
      expect(await titles()).toEqual(['checkout fails 41 %']);
      await admit(here({ title: 'checkout fails 45 %' }));
      expect(await titles()).toEqual(['checkout fails 45 %']);
    });

    test('another episode joins, and the workflow gets a message', async () => {
      const id = await opened();
      expect(await admit(other({ severity: 'warning', requestsRollback: false }))).toMatchObject({
        wake: [id],
        counts: { joined: 1 },
      });
      expect(await record(id)).toMatchObject({ signal_count: 2, firing: 2, severity: 'critical', seq: 1 });
      expect(await mailOf(id)).toEqual([
        { kind: 'signals', fired: 1, resolved: 0, critical: false, pages: false, requestsRollback: false },
      ]);
    });

    test('a critical one raises the severity of the incident', async () => {
      const id = await opened(here({ severity: 'warning' }));
      await admit(other());
      expect(await record(id)).toMatchObject({ severity: 'critical' });
      expect(await mailOf(id)).toMatchObject([{ critical: true }]);
    });

    test('a resolved one ends its episode, once', async () => {
      const id = await opened();
      expect(await admit(ended(here()))).toMatchObject({ wake: [id] });
      expect(await admit(ended(here()))).toMatchObject({ counts: { known: 1 } });
      expect(await record(id)).toMatchObject({ firing: 0, signal_count: 1, seq: 1, status: 'open' });
      expect(await mailOf(id)).toEqual([
        { kind: 'signals', fired: 0, resolved: 1, critical: false, pages: false, requestsRollback: false },
      ]);
      expect((await stores.incidents.signals(id, { limit: 10 })).items).toMatchObject([{ status: 'resolved' }]);
    });

    test('a late firing notification after the end changes nothing', async () => {
      const id = await opened();
      await admit(ended(here()));
      expect(await admit(here())).toMatchObject({ opened: [], counts: { known: 1 } });
      expect(await record(id)).toMatchObject({ firing: 0, signal_count: 1 });
    });

    describe('an alert that is reported as firing after its end, with a start from before it', () => {
      const due = async () =>
        (await stores.incidents.held(stores.clock.now())).filter(
          ({ signal }) => signal.service === serviceEnvironment.service,
        );
      const ofPeer = (seconds: number) => here({ startsAt: plusSeconds(here().startsAt, seconds) });
      const verified = async (id: IncidentId) => stores.incidents.resolve(id, (await record(id)).seq, null, 'Resolved');

      /** Opens an incident, ends its alert, and resolves it. */
      const over = async (): Promise<IncidentId> => {
        const id = await opened();
        await admit(ended(here()));
        expect(await verified(id)).toBe('resolved');
        return id;
      };

      test.each([
        ['', () => here()],
        [', as by the other sender of a pair', () => ofPeer(-7)],
      ])('reopens its incident at any later time, once%s', async (_, again) => {
        const id = await over();
        later(8 * 3600);
        const { seq } = await record(id);
        expect(await admit(again())).toMatchObject({ wake: [id], opened: [], counts: { joined: 1, known: 0 } });
        const reopened = { status: 'open', run: 2, firing: 1, signal_count: 1, resolved_at: null };
        expect(await record(id)).toMatchObject(reopened);
        expect(await mailOf(id, seq)).toMatchObject([{ kind: 'reopened', critical: true, pages: true }]);
        for (const copy of [here(), ofPeer(-7), ofPeer(7)])
          expect(await admit(copy)).toMatchObject({ opened: [], counts: { known: 1 } });
        expect(await mailOf(id, seq)).toHaveLength(1);
        const { items } = await stores.incidents.signals(id, { limit: 9 });
        expect(items.filter(({ status }) => status === 'firing')).toMatchObject([{ returned: true }]);
        await admit(ended(again()));
        expect(await record(id)).toMatchObject({ firing: 0 });
      });

      test('is held for the delay of a pair, and then fires', async () => {
        const id = await over();
        later(59);
        expect(await admit(ofPeer(7))).toMatchObject({ opened: [], wake: [], counts: { known: 1, recorded: 0 } });
        expect(await admit(ofPeer(7))).toMatchObject({ counts: { known: 1 } });
        expect(await record(id)).toMatchObject({ status: 'resolved', firing: 0 });
        expect(await due()).toEqual([]);
        later(1);
        const [held] = await due();
        expect(held).toMatchObject({ signal: { status: 'firing' }, incident: id });
        await admit(...(await due()).map(({ signal }) => signal));
        expect(await record(id)).toMatchObject({ status: 'open', firing: 1 });
        expect(await due()).toEqual([]);
      });

      test('is released by another end, as of the other sender of a pair', async () => {
        const id = await over();
        later(5);
        await admit(ofPeer(7));
        later(5);
        await admit(ended(ofPeer(7)));
        later(600);
        expect(await due()).toEqual([]);
        expect(await record(id)).toMatchObject({ status: 'resolved' });
      });

      test.each([
        ['with its incident', () => here()],
        ['without one', () => here({ severity: 'info', requestsRollback: false })],
      ])('can be released, %s', async (_, one) => {
        const isOpened = (await admit(one())).opened.length > 0;
        later(1);
        await admit(ended(one()));
        await admit(one());
        later(61);
        for (const held of await due()) await stores.incidents.releaseHeld(held);
        expect(await due()).toEqual([]);
        const recorded = await stores.incidents.alertsWithoutIncident({ limit: 50, muted: false });
        const own = recorded.items.filter(({ signal }) => signal.service === serviceEnvironment.service);
        expect(own.map(({ signal }) => signal.status)).toEqual(isOpened ? [] : ['resolved']);
      });

      test('may be a retry after a refusal or an outage of Firebreak, and is held', async () => {
        const intake = new IntakeTable((stores as TableStores).table, stores.clock, silent);
        const id = await over();
        later(100);
        await intake.refused();
        later(300);
        expect(await admit(here())).toMatchObject({ opened: [], counts: { known: 1 } });
        expect(await record(id)).toMatchObject({ status: 'resolved' });
        expect(await due()).toMatchObject([{ incident: id }]);
        later(1);
        await admit(here());
        expect(await record(id)).toMatchObject({ status: 'open' });
        await closed(id);
      });

      test('an outage ends with the first beat after minutes, or after a start; the first beat of all ends none', async () => {
        const { table } = stores as TableStores;
        const intake = new IntakeTable(table, stores.clock, silent);
        const fault = async (how?: { started: boolean }) => {
          await intake.beat(how);
          return (await lastFault(table)) === stores.clock.now();
        };
        later(3600);
        expect(await fault()).toBe(false);
        later(60);
        expect(await fault()).toBe(false);
        later(181);
        expect(await fault()).toBe(true);
        later(10);
        expect(await fault({ started: true })).toBe(true);
        later(301);
      });

      test('is late if it was received before the end, however late it is processed', async () => {
        const receivedAt = stores.clock.now();
        later(1);
        const id = await over();
        later(3600);
        expect(await stores.incidents.admit(arrivals([here()]), { at: receivedAt, trace: TRACE })).toMatchObject({
          opened: [],
          counts: { known: 1 },
        });
        expect(await due()).toEqual([]);
        expect(await record(id)).toMatchObject({ status: 'resolved' });
      });

      test('is ended by no end that was received before it', async () => {
        const receivedAt = stores.clock.now();
        later(1);
        const id = await over();
        later(61);
        await admit(here());
        await stores.incidents.admit(arrivals([ended(here())]), { at: receivedAt, trace: TRACE });
        expect(await record(id)).toMatchObject({ status: 'open', firing: 1 });
      });

      test('whose end Firebreak assumed reopens its incident, too', async () => {
        const id = await opened();
        await stores.incidents.endEpisodes(id, [here().episode], 'gone');
        await verified(id);
        later(61);
        expect(await admit(here())).toMatchObject({ wake: [id], opened: [] });
        expect(await record(id)).toMatchObject({ status: 'open', firing: 1 });
      });

      test('in an open incident joins it, and its problem is not over', async () => {
        const id = await opened();
        await admit(other());
        await admit(ended(here()));
        later(61);
        expect(await admit(here())).toMatchObject({ wake: [id], opened: [], counts: { joined: 1 } });
        expect(await record(id)).toMatchObject({ firing: 2, signal_count: 2 });
      });
    });

    describe('an alert that fires again after its incident was resolved', () => {
      const again = (more: Partial<Signal> = {}) => here({ startsAt: stores.clock.now(), ...more });

      /** Opens an incident, ends its alert, and resolves it. */
      const overAfter = async (seconds: number): Promise<IncidentId> => {
        const id = await opened();
        await admit(ended(here()));
        await stores.incidents.resolve(id, (await record(id)).seq, null, 'Resolved');
        later(seconds);
        return id;
      };

      test('within minutes reopens it, for its next run', async () => {
        const id = await overAfter(299);
        const { seq } = await record(id);
        const admitted = await admit(again());
        expect(admitted).toMatchObject({ wake: [id], opened: [], counts: { opened: 0, joined: 1 } });
        expect(await record(id)).toMatchObject({
          status: 'open',
          resolved_at: null,
          resolved_by: null,
          reopened_at: stores.clock.now(),
          signal_count: 2,
          firing: 1,
          run: 2,
          seq: seq + 1,
          consumed_seq: seq,
        });
        expect(await isPending(id)).toBe(true);
        expect(await mailOf(id, seq)).toEqual([
          { kind: 'reopened', critical: true, pages: true, requestsRollback: true },
        ]);
        expect((await stores.incidents.openAt(serviceEnvironment))?.id).toBe(id);
        expect((await stores.incidents.open()).map((one) => one.id)).toContain(id);
        expect((await timeline(id)).filter((kind) => kind === 'incident.reopened')).toHaveLength(1);
        for (const mark of endedMarks(id)) expect(await (stores as TableStores).table.get(mark)).toBeUndefined();
      });

      test('once, if it is delivered again or another alert fires', async () => {
        const id = await overAfter(10);
        await admit(again());
        await admit(again());
        expect(await admit(other())).toMatchObject({ wake: [id], opened: [], counts: { joined: 1 } });
        expect(await record(id)).toMatchObject({ run: 2, firing: 2, signal_count: 3 });
      });

      test('as often as it flaps, and resolves it each time', async () => {
        const id = await overAfter(5);
        for (const run of [2, 3]) {
          const one = again();
          expect(await admit(one)).toMatchObject({ wake: [id], opened: [] });
          later(5);
          await admit(ended(one));
          const { seq } = await record(id);
          expect(await stores.incidents.resolve(id, seq, null, 'Resolved')).toBe('resolved');
          expect(await record(id)).toMatchObject({ run, firing: 0, status: 'resolved' });
          later(5);
        }
      });

      test.each([
        ['later than that', 301, () => again()],
        ['only beside another alert', 10, () => other({ startsAt: stores.clock.now() })],
      ])('%s opens another incident', async (_, seconds, next) => {
        const id = await overAfter(seconds);
        const { opened: ids } = await admit(next());
        expect(ids).toHaveLength(1);
        expect(ids).not.toContain(id);
      });

      test('with its parent incident opens another incident', async () => {
        const id = await opened();
        const reason = { because: 'many', name: '', text: 'many' } as const;
        const parent = await stores.incidentGroups.openParent('production', reason, 'many', TRACE);
        await stores.incidentGroups.join(parent, id);
        await admit(ended(here()));
        await stores.incidents.resolve(id, (await record(id)).seq, null, 'Resolved');
        later(10);
        expect((await admit(again())).opened).toHaveLength(1);
        await closed(parent);
      });
    });

    describe('an alert that ends and fires again between two notifications', () => {
      const from = (seconds: number) => plusSeconds(here().startsAt, seconds);
      const again = (seconds: number, more: Partial<Signal> = {}) => here({ startsAt: from(seconds), ...more });
      const over = (startedAt: number, endedAt: number) =>
        again(startedAt, { status: 'resolved', endsAt: from(endedAt) });
      const listed = async (id: IncidentId) =>
        (await stores.incidents.signals(id, { limit: 50 })).items
          .map(({ startsAt, status, endsAt }) => [startsAt, status, endsAt])
          .toSorted((a, b) => (String(a) < String(b) ? -1 : 1));

      test('an end of a later episode also ends earlier ones', async () => {
        const id = await opened();
        expect(await admit(over(60, 70))).toMatchObject({ wake: [id], counts: { known: 0 } });
        expect(await record(id)).toMatchObject({ firing: 0, signal_count: 1 });
        expect(await stores.incidents.firingEpisodes(id)).toEqual([]);
        expect(await listed(id)).toEqual([[from(0), 'resolved', from(70)]]);
        expect(await admit(again(60))).toMatchObject({ opened: [], counts: { known: 1 } });
        expect(await record(id)).toMatchObject({ firing: 0, signal_count: 1 });
      });

      test('an end also ends an episode that turns out to have begun earlier', async () => {
        const id = await opened(again(60));
        await admit(over(0, 70));
        expect(await record(id)).toMatchObject({ firing: 0, signal_count: 1 });
        expect(await listed(id)).toEqual([[from(60), 'resolved', from(70)]]);
      });

      test('a new start replaces the previous one: one alert fires, and two have fired', async () => {
        const id = await opened();
        expect(await admit(again(60))).toMatchObject({ wake: [id], opened: [], counts: { joined: 1 } });
        expect(await record(id)).toMatchObject({ firing: 1, signal_count: 2, seq: 1 });
        expect(await stores.incidents.firingEpisodes(id)).toMatchObject([{ episode: again(60).episode }]);
        expect(await listed(id)).toEqual([
          [from(0), 'resolved', from(60)],
          [from(60), 'firing', null],
        ]);
        await admit(over(60, 70));
        expect(await record(id)).toMatchObject({ firing: 0, signal_count: 2 });
      });

      test.each([
        ['beginning', () => here()],
        ['end', () => over(0, 10)],
      ])('the %s of the previous episode arrives late', async (_, late) => {
        const id = await opened(again(60));
        await admit(late());
        expect(await record(id)).toMatchObject({ firing: 1, signal_count: 1 });
        expect(await listed(id)).toEqual([[from(60), 'firing', null]]);
      });

      test('an end of an unknown episode does not reopen an ended one', async () => {
        const id = await opened();
        await admit(over(0, 10));
        await admit(over(60, 70));
        await admit(again(60));
        await admit(here());
        expect(await record(id)).toMatchObject({ firing: 0, signal_count: 1 });
      });

      test('an alert that was assumed to have ended and fires again is a new episode', async () => {
        const id = await opened();
        await stores.incidents.endEpisodes(id, [here().episode], 'gone');
        await admit(again(60));
        expect(await record(id)).toMatchObject({ firing: 1, signal_count: 2 });
        await stores.incidents.endEpisodes(id, [here().episode], 'gone');
        expect(await record(id)).toMatchObject({ firing: 1 });
        await admit(over(60, 70));
        expect(await record(id)).toMatchObject({ firing: 0 });
      });

      test('an alert that still fires after its incident was closed is listed in the next one, and ends there', async () => {
        const id = await opened(again(60));
        await closed(id);
        later(400);
        const [next] = (await admit(again(0))).opened;
        expect(await listed(next as IncidentId)).toEqual([[from(0), 'firing', null]]);
        await admit(over(60, 70));
        expect(await record(next as IncidentId)).toMatchObject({ firing: 0, signal_count: 1 });
        expect(await listed(next as IncidentId)).toEqual([[from(0), 'resolved', from(70)]]);
      });

      test('both in one notification are admitted in order', async () => {
        const id = await opened();
        await admit(over(0, 10), again(60));
        expect(await record(id)).toMatchObject({ firing: 1, signal_count: 2 });
        expect(await listed(id)).toEqual([
          [from(0), 'resolved', from(10)],
          [from(60), 'firing', null],
        ]);
      });
    });

    test('an alert without a start that still fires after its incident was closed ends in the next one', async () => {
      const at = (seconds: number) => plusSeconds(here().startsAt, seconds);
      const probe = (more: Partial<Signal>) => here({ source: 'generic', episodic: false, ...more });
      await closed(await opened(probe({ startsAt: at(0) })));
      later(400);
      const [next] = (await admit(probe({ startsAt: at(400) }))).opened;
      await admit(probe({ startsAt: at(500), status: 'resolved', endsAt: at(500) }));
      expect(await record(next as IncidentId)).toMatchObject({ firing: 0 });
      expect((await stores.incidents.signals(next as IncidentId, { limit: 5 })).items).toMatchObject([
        { status: 'resolved', startsAt: at(400), endsAt: at(500) },
      ]);
    });

    test('an alert that resolves before it was seen firing opens nothing, and its late start neither', async () => {
      expect(await admit(ended(here()))).toMatchObject({ opened: [], wake: [], counts: { recorded: 1 } });
      expect(await admit(here())).toMatchObject({ opened: [], counts: { known: 1 } });
    });

    test('a warning is only recorded, and joins an open incident', async () => {
      const warning = { severity: 'warning', requestsRollback: false } as const;
      expect(await admit(here(warning))).toMatchObject({ opened: [], wake: [], counts: { recorded: 1 } });
      const id = await opened(other());
      expect(await admit(here({ ...warning, fingerprint: `${serviceEnvironment.service}/3` }))).toMatchObject({
        wake: [id],
        counts: { joined: 1 },
      });
    });

    test('a warning that requests a rollback later opens an incident of its own', async () => {
      const warning = here({ severity: 'warning', requestsRollback: false });
      await admit(warning);
      const id = await opened({ ...warning, requestsRollback: true });
      expect(await record(id)).toMatchObject({
        severity: 'warning',
        requests_rollback: true,
        signal_count: 1,
        firing: 1,
      });
      expect((await stores.incidents.signals(id, { limit: 10 })).items).toHaveLength(1);
    });

    test('an alert of the incident that requests a rollback later notifies the workflow, and is not counted again', async () => {
      const id = await opened(here({ requestsRollback: false }));
      expect(await record(id)).toMatchObject({ requests_rollback: false });
      await admit(here());
      expect(await record(id)).toMatchObject({ requests_rollback: true, signal_count: 1, firing: 1 });
      expect(await mailOf(id)).toEqual([
        { kind: 'signals', fired: 0, resolved: 0, critical: false, pages: false, requestsRollback: true },
      ]);
      expect(await timeline(id)).toEqual(['alerts.rollback_requested', 'incident.opened']);
    });

    test('an alert that was not measured is measured when it requests a rollback later', async () => {
      const unmeasured = 'its rule could not be evaluated (Error)';
      const id = await opened(here({ requestsRollback: false, monitoringFailure: true, unmeasured }));
      const listed = async () => (await stores.incidents.signals(id, { limit: 10 })).items;
      expect(await listed()).toMatchObject([{ monitoringFailure: true, unmeasured }]);
      await admit(here());
      expect(await listed()).toMatchObject([{ monitoringFailure: false }]);
      expect((await listed())[0]).not.toHaveProperty('unmeasured');
    });

    test('the first measurement since no alert fires any more is reported once, also by a repetition', async () => {
      const measured = here({ requestsRollback: false });
      const elsewhere = { fingerprint: `${serviceEnvironment.service}/b`, episode: `${serviceEnvironment.service}/b` };
      const unmeasured = here({ requestsRollback: false, monitoringFailure: true, unmeasured: 'NoData', ...elsewhere });
      const id = await opened(measured);
      expect(await record(id)).not.toHaveProperty('unmeasured');
      await admit({ ...measured, status: 'resolved', endsAt: measured.startsAt });
      await admit(unmeasured);
      expect(await record(id)).toMatchObject({ unmeasured: true, firing: 1 });
      const { unmeasured: _, ...now } = { ...unmeasured, monitoringFailure: false };
      await admit(now);
      await admit(now);
      expect(await record(id)).not.toHaveProperty('unmeasured');
      expect((await mailOf(id)).slice(2)).toMatchObject([{ fired: 0, measured: true, requestsRollback: false }]);
      expect((await timeline(id))[0]).toBe('alerts.measured');
    });

    test('a raised severity opens an incident for an alert that was only recorded', async () => {
      const info = here({ severity: 'info', requestsRollback: false });
      await admit(info);
      expect(await admit(info)).toMatchObject({ counts: { known: 1 } });
      const id = await opened({ ...info, severity: 'critical' });
      expect(await record(id)).toMatchObject({ severity: 'critical', page: true, signal_count: 1, firing: 1 });
    });

    test('a raised severity raises the incident and notifies the workflow, and is not counted again', async () => {
      const id = await opened(here({ severity: 'warning' }));
      await admit(here());
      expect(await record(id)).toMatchObject({ severity: 'critical', signal_count: 1, firing: 1 });
      expect(await mailOf(id)).toEqual([
        { kind: 'signals', fired: 1, resolved: 0, critical: true, pages: true, requestsRollback: false },
      ]);
      expect(await timeline(id)).toEqual(['alerts.raised', 'incident.opened']);
      await admit(here({ severity: 'warning' }), here());
      expect(await record(id)).toMatchObject({ seq: 1 });
    });

    test('a severity raised while the alert is muted takes effect when the mute ends', async () => {
      const info = here({ severity: 'info', requestsRollback: false });
      await admit(info);
      const muted = await take(arrival({ ...info, severity: 'critical' }, { mute: silenced }));
      expect(muted).toMatchObject({ opened: [], counts: { recorded: 1 } });
      const id = await opened({ ...info, severity: 'critical' });
      expect(await record(id)).toMatchObject({ severity: 'critical', firing: 1 });
    });

    test('the same alert key in two services or two environments means two alerts', async () => {
      const neighbour = here({ service: `${serviceEnvironment.service}-b` as ServiceName });
      const staging = here({ environment: 'staging' as EnvironmentName });
      expect((await admit(here())).opened).toHaveLength(1);
      expect((await admit(neighbour)).opened).toHaveLength(1);
      expect((await admit(staging)).opened).toHaveLength(1);
      await admit(ended(neighbour));
      expect((await stores.incidents.openAt(serviceEnvironment))?.firing).toBe(1);
    });

    describe('of several senders', () => {
      const from = (sender: string, more: Partial<Signal> = {}) => here({ sender, ...more });
      const shown = async (id: IncidentId) =>
        (await stores.incidents.signals(id, { limit: 9 })).items.map(({ sender, status }) => `${sender} ${status}`);

      test('an end counts only from the sender of the alert', async () => {
        const id = await opened(from('token:a'));
        const strangers = await admit(ended(from('token:b')));
        expect(strangers).toMatchObject({
          counts: { recorded: 0, joined: 0 },
          ignoredEnds: [{ incident: id, signal: { sender: 'token:b' }, reporters: ['token:a'] }],
        });
        expect(await record(id)).toMatchObject({ firing: 1, signal_count: 1 });
        expect((await admit(ended(from('token:b')))).ignoredEnds).toHaveLength(1);
        expect(await admit(ended(from('token:a')))).toMatchObject({ ignoredEnds: [] });
        expect(await record(id)).toMatchObject({ firing: 0, signal_count: 1 });
        expect(await shown(id)).toEqual(['token:a resolved']);
      });

      test('an end from before the alert does not hide it', async () => {
        await admit(ended(from('token:b')));
        const id = await opened(from('token:a'));
        expect((await admit(ended(from('token:b')))).ignoredEnds).toMatchObject([{ incident: id }]);
        expect(await record(id)).toMatchObject({ firing: 1 });
      });

      test('an alert that another sender has fired and ended opens an incident', async () => {
        const info = from('token:b', { severity: 'info', requestsRollback: false });
        await admit(info);
        await admit(ended(info));
        expect((await admit(from('token:a'))).opened).toHaveLength(1);
      });

      test('the same alert of two senders ends when both have ended it', async () => {
        const id = await opened(from('token:a'));
        expect(await admit(from('token:b'))).toMatchObject({ counts: { joined: 1 } });
        expect(await record(id)).toMatchObject({ firing: 2, signal_count: 2 });
        expect(await admit(ended(from('token:b')))).toMatchObject({ ignoredEnds: [] });
        expect(await record(id)).toMatchObject({ firing: 1 });
        expect(await shown(id)).toEqual(expect.arrayContaining(['token:a firing', 'token:b resolved']));
        await admit(ended(from('token:a')));
        expect(await record(id)).toMatchObject({ firing: 0 });
      });

      test('the one who replays a report does not become its sender', async () => {
        const id = await opened(from('person:ada', { reporter: 'token:a' }));
        await admit(ended(from('token:a')));
        expect(await record(id)).toMatchObject({ firing: 0 });
      });
    });

    test('two services at once are two incidents', async () => {
      const neighbour = here({
        service: `${serviceEnvironment.service}-b` as ServiceName,
        fingerprint: `${serviceEnvironment.service}/b`,
      });
      expect((await admit(here(), neighbour)).opened).toHaveLength(2);
    });

    test('unmatched alerts are separated by their own names', async () => {
      later(3601);
      const unmatched = (called: string, fingerprint: string) =>
        stranger(called, { environment: serviceEnvironment.environment, fingerprint });
      const [a, b, none] = [`${serviceEnvironment.service}-x`, `${serviceEnvironment.service}-y`, ''];
      const first = await admit(
        unmatched(a, `${a}/1`),
        unmatched(b, `${b}/1`),
        unmatched(none, `${serviceEnvironment.service}/none`),
      );
      expect(first.opened).toHaveLength(3);
      expect(await admit(unmatched(a, `${a}/2`))).toMatchObject({
        opened: [],
        wake: [first.opened[0]],
        counts: { joined: 1 },
      });
      expect(await record(first.opened[0] as IncidentId)).toMatchObject({
        service: 'unmatched',
        unmatched: a,
        title: `${a}: checkout answers with errors`,
      });
      for (const id of first.opened) await closed(id);
    });

    describe('services outside the catalogue', () => {
      /** Alerts of different unknown services and environments. */
      const strangers = (from: number, count: number, more: Partial<Signal> = {}): Signal[] =>
        Array.from({ length: count }, (_, n) =>
          stranger(`${serviceEnvironment.service}-${from + n}`, {
            environment: `environment-${from + n}` as EnvironmentName,
            fingerprint: `${serviceEnvironment.service}/${from + n}`,
            episode: `${serviceEnvironment.service}/${from + n}`,
            ...more,
          }),
        );
      const over = async (...signals: Signal[]) => {
        const { wake } = await admit(...signals.map(ended));
        for (const id of wake) await closed(id);
      };
      beforeEach(() => later(3601));

      test('have an incident each up to five, and beyond that one shared incident, which shows their number', async () => {
        const all = strangers(0, 40);
        const own = await admit(...all.slice(0, 5));
        expect(own).toMatchObject({ counts: { opened: 5, joined: 0 } });
        const rest = await admit(...all.slice(5));
        expect(rest).toMatchObject({ withoutIncident: [], counts: { opened: 1, joined: 34, recorded: 0, known: 0 } });
        const [shared] = rest.opened as [IncidentId];
        expect(await record(shared)).toMatchObject({
          service: 'unmatched',
          environment: 'unknown',
          unmatched: '',
          title: '35 alerts of services outside the catalogue',
          severity: 'critical',
          page: true,
          signal_count: 35,
          firing: 35,
        });
        expect((await timeline(shared)).length).toBeLessThan(8); // fewer than one for each batch
        await over(...all);
      });

      test('are recognized wherever they were admitted, and end there', async () => {
        const all = strangers(0, 9);
        const { opened: ids } = await admit(...all);
        const shared = ids[5] as IncidentId;
        expect(await admit(...all)).toMatchObject({ opened: [], withoutIncident: [], counts: { joined: 0, known: 9 } });
        await admit(...all.slice(6).map(ended));
        expect(await record(shared)).toMatchObject({ signal_count: 4, firing: 1 });
        expect((await mailOf(shared)).at(-1)).toMatchObject({ resolved: expect.any(Number) as number, fired: 0 });
        await over(...all.slice(0, 6));
      });

      test('join the shared incident only if they would open one', async () => {
        const all = strangers(0, 6);
        const shared = (await admit(...all)).opened[5] as IncidentId;
        const quiet = strangers(10, 3, { severity: 'warning' });
        expect(await admit(...quiet)).toMatchObject({ wake: [], counts: { opened: 0, joined: 0, recorded: 3 } });
        expect(await record(shared)).toMatchObject({ signal_count: 1 });
        await over(...all);
      });

      test('keep their slot for an hour, so that opening and closing frees none', async () => {
        const all = strangers(0, 5);
        await admit(...all);
        await over(...all);
        const [next, afterwards] = strangers(5, 2) as [Signal, Signal];
        const { opened: shared } = await admit(next);
        expect(await record(shared[0] as IncidentId)).toMatchObject({ environment: 'unknown' });
        later(3601);
        const { opened: own } = await admit(afterwards);
        expect(await record(own[0] as IncidentId)).toMatchObject({ unmatched: afterwards.unmatched });
        await over(next, afterwards);
      });

      test('keep their slot while their incident is open', async () => {
        const all = strangers(0, 5);
        await admit(...all);
        later(10 * 3601);
        const next = strangers(5, 1);
        expect(await record((await admit(...next)).opened[0] as IncidentId)).toMatchObject({ environment: 'unknown' });
        await over(...all, ...next);
      });

      test('page again when more of them join after an hour, and not before', async () => {
        const all = strangers(0, 9);
        const shared = (await admit(...all.slice(0, 6))).opened[5] as IncidentId;
        await admit(...all.slice(6, 7));
        expect((await mailOf(shared)).at(-1)).not.toHaveProperty('again');
        later(3601);
        await admit(...all.slice(7, 8));
        expect((await mailOf(shared)).at(-1)).toMatchObject({ pages: true, again: true });
        await admit(...all.slice(8));
        expect((await mailOf(shared)).at(-1)).not.toHaveProperty('again');
        await over(...all);
      });
    });

    test('a failed deployment is counted, but does not keep the incident open', async () => {
      const id = await opened();
      await admit(other({ source: 'deployment', severity: 'warning', requestsRollback: false }));
      expect(await record(id)).toMatchObject({ signal_count: 2, firing: 1 });
    });

    test('it does not count as having fired when it is over', async () => {
      const id = await opened();
      const failed = other({ source: 'deployment', severity: 'warning', requestsRollback: false });
      await admit(failed);
      await admit(ended(failed));
      expect(await record(id)).toMatchObject({ signal_count: 2, firing: 1 });
      expect((await mailOf(id)).at(-1)).toMatchObject({ kind: 'signals', fired: 0, resolved: 1 });
      expect((await timeline(id))[0]).toBe('alerts.resolved');
      expect(await statuses(id)).toEqual({ [here().fingerprint]: 'firing', [failed.fingerprint]: 'resolved' });
    });

    test('it ends at the latest with its incident, which ends no firing alert', async () => {
      const id = await opened();
      const failed = other({ source: 'deployment', severity: 'warning', requestsRollback: false });
      await admit(failed);
      await stores.incidents.endEvents(id); // not yet
      expect(await statuses(id)).toMatchObject({ [failed.fingerprint]: 'firing' });
      later(60);
      await closed(id);
      const at = stores.clock.now();
      later(5);
      await stores.incidents.endEvents(id);
      await stores.incidents.endEvents(id);
      const { items } = await stores.incidents.signals(id, { limit: 9 });
      expect(items.find(({ source }) => source === 'deployment')).toMatchObject({ status: 'resolved', endsAt: at });
      expect(await statuses(id)).toMatchObject({ [here().fingerprint]: 'firing' });
      expect((await admit(ended(failed))).counts).toMatchObject({ known: 1 });
    });

    test('an alert that keeps firing after its incident was closed opens the next one, but not at once', async () => {
      const id = await opened();
      await closed(id);
      later(300);
      expect(await admit(here())).toMatchObject({ opened: [], counts: { known: 1 } });
      later(1);
      const next = await opened();
      expect(next > id).toBe(true);
      expect(await record(next)).toMatchObject({ signal_count: 1, firing: 1 });
    });

    test('an end that arrives after its incident was closed is recorded without further effect', async () => {
      const id = await opened();
      await closed(id);
      const next = await opened(other());
      await admit(ended(here()));
      expect(await record(next)).toMatchObject({ firing: 1, seq: 0 });
      expect(await admit(here())).toMatchObject({ counts: { known: 1 } });
    });
  });
});
