import { beforeEach, describe, expect, test } from 'vitest';
import type { Arrival } from '../../../domain/alerts/admission.ts';
import type { GroupReason } from '../../../domain/incidents/incident-group.ts';
import type { ServiceEnvironment } from '../../../domain/ports/common.ts';
import type { Act, RollbackEnd } from '../../../domain/ports/decisions.ts';
import type { Admitted } from '../../../domain/ports/incidents.ts';
import { decide } from '../../../domain/rollback/rollback.ts';
import type { AutomationInput } from '../../../schemas/access/access.ts';
import { NewChange } from '../../../schemas/changes/change.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { Message } from '../../../schemas/incidents/inbox.ts';
import type { EnvironmentName, IncidentId, ServiceName, Version } from '../../../schemas/config/names.ts';
import type { PinView } from '../../../schemas/changes/pin.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { actAt, change, clear, clearing } from '../../domain/arbitraries.ts';
import { arrival, arrivals, signal, silenced, stranger } from '../../support/signals.ts';
import type { Stores } from './stores.ts';

const TRACE = 'trace';
const AN_HOUR = 3601;
const note: Message = { kind: 'resume', by: 'ada', note: '' };

let services = 0;

/**
 * Tests the promises of domain/ports/ for all implementations of the stores: the table, and the in-memory double
 * of the workflow tests. Each test uses its own service.
 */
export function storesKeepTheirPromises(name: string, open: () => Stores): void {
  let stores: Stores;
  let place: ServiceEnvironment;

  beforeEach(() => {
    stores = open();
    services += 1;
    place = { service: `service-${services}` as ServiceName, environment: 'production' as EnvironmentName };
  });

  const here = (more: Partial<Signal> = {}): Signal => signal({ ...place, fingerprint: `${place.service}/1`, ...more });
  const other = (more: Partial<Signal> = {}): Signal => here({ fingerprint: `${place.service}/2`, ...more });
  const ended = (one: Signal): Signal => ({ ...one, status: 'resolved', endsAt: stores.clock.now() });
  let requests = 0;
  /** Each request has its own trace; an incident keeps the first one. */
  const take = (...all: Arrival[]) => {
    requests += 1;
    return stores.incidents.admit(all, { at: stores.clock.now(), trace: `${TRACE} ${requests}` });
  };
  const admit = (...signals: Signal[]) => take(...arrivals(signals));
  const later = (seconds: number): void => stores.clock.set(stores.clock.millis + seconds * 1000);

  /** Opens an incident one second before the next event. */
  async function opened(one: Signal = here()): Promise<IncidentId> {
    const [id] = (await admit(one)).opened;
    if (id === undefined) throw new Error('no incident was opened');
    later(1);
    return id;
  }

  async function record(id: IncidentId) {
    const incident = await stores.incidents.read(id);
    if (incident === undefined) throw new Error(`incident ${id} cannot be read`);
    return incident;
  }

  const mailOf = async (id: IncidentId, after = 0): Promise<Message[]> =>
    (await stores.incidents.listen(id, after, null)).mail.map(({ message }) => message);

  const isPending = async (id: IncidentId): Promise<boolean> =>
    (await stores.incidents.pending(plusSeconds(stores.clock.now(), 1))).includes(id);

  const timeline = async (id: IncidentId): Promise<string[]> =>
    (await stores.incidents.timeline(id, { limit: 50 })).items.map(({ kind }) => kind);

  const statuses = async (id: IncidentId): Promise<Record<string, string>> =>
    Object.fromEntries(
      (await stores.incidents.signals(id, { limit: 50 })).items.map(({ fingerprint, status }) => [fingerprint, status]),
    );

  /** Closes the incident as a person would, regardless of messages. */
  const closed = async (id: IncidentId) => {
    expect(await stores.incidents.resolve(id, (await record(id)).seq, 'person:ada', 'Resolved by ada')).toBe(
      'resolved',
    );
  };

  describe(`${name}: admitting signals`, () => {
    test('the first one opens an incident, which waits for its start', async () => {
      const admitted = await admit(here());
      expect(admitted).toMatchObject({ counts: { opened: 1, joined: 0, recorded: 0, known: 0 } });
      expect(admitted.wake).toEqual(admitted.opened);
      const [id] = admitted.opened;
      expect(await record(id as IncidentId)).toMatchObject({
        ...place,
        status: 'open',
        severity: 'critical',
        title: 'checkout answers with errors',
        unmatched: null,
        signal_count: 1,
        firing: 1,
        asks_rollback: true,
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

    test('another episode joins, and the workflow gets a message', async () => {
      const id = await opened();
      expect(await admit(other({ severity: 'warning', asksRollback: false }))).toMatchObject({
        wake: [id],
        counts: { joined: 1 },
      });
      expect(await record(id)).toMatchObject({ signal_count: 2, firing: 2, severity: 'critical', seq: 1 });
      expect(await mailOf(id)).toEqual([
        { kind: 'signals', fired: 1, resolved: 0, critical: false, pages: false, asksRollback: false },
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
        { kind: 'signals', fired: 0, resolved: 1, critical: false, pages: false, asksRollback: false },
      ]);
      expect((await stores.incidents.signals(id, { limit: 10 })).items).toMatchObject([{ status: 'resolved' }]);
    });

    test('a late firing notification after the end changes nothing', async () => {
      const id = await opened();
      await admit(ended(here()));
      expect(await admit(here())).toMatchObject({ opened: [], counts: { known: 1 } });
      expect(await record(id)).toMatchObject({ firing: 0, signal_count: 1 });
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
      const warning = { severity: 'warning', asksRollback: false } as const;
      expect(await admit(here(warning))).toMatchObject({ opened: [], wake: [], counts: { recorded: 1 } });
      const id = await opened(other());
      expect(await admit(here({ ...warning, fingerprint: `${place.service}/3` }))).toMatchObject({
        wake: [id],
        counts: { joined: 1 },
      });
    });

    test('a warning that requests a rollback later opens an incident of its own', async () => {
      const warning = here({ severity: 'warning', asksRollback: false });
      await admit(warning);
      const id = await opened({ ...warning, asksRollback: true });
      expect(await record(id)).toMatchObject({ severity: 'warning', asks_rollback: true, signal_count: 1, firing: 1 });
      expect((await stores.incidents.signals(id, { limit: 10 })).items).toHaveLength(1);
    });

    test('an alert of the incident that requests a rollback later notifies the workflow, and is not counted again', async () => {
      const id = await opened(here({ asksRollback: false }));
      expect(await record(id)).toMatchObject({ asks_rollback: false });
      await admit(here());
      expect(await record(id)).toMatchObject({ asks_rollback: true, signal_count: 1, firing: 1 });
      expect(await mailOf(id)).toEqual([
        { kind: 'signals', fired: 0, resolved: 0, critical: false, pages: false, asksRollback: true },
      ]);
      expect(await timeline(id)).toEqual(['alerts.asked', 'incident.opened']);
    });

    test('a raised severity opens an incident for an alert that was only recorded', async () => {
      const info = here({ severity: 'info', asksRollback: false });
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
        { kind: 'signals', fired: 1, resolved: 0, critical: true, pages: true, asksRollback: false },
      ]);
      expect(await timeline(id)).toEqual(['alerts.raised', 'incident.opened']);
      await admit(here({ severity: 'warning' }), here());
      expect(await record(id)).toMatchObject({ seq: 1 });
    });

    test('a severity raised while the alert is muted takes effect when the mute ends', async () => {
      const info = here({ severity: 'info', asksRollback: false });
      await admit(info);
      const muted = await take(arrival({ ...info, severity: 'critical' }, { mute: silenced }));
      expect(muted).toMatchObject({ opened: [], counts: { recorded: 1 } });
      const id = await opened({ ...info, severity: 'critical' });
      expect(await record(id)).toMatchObject({ severity: 'critical', firing: 1 });
    });

    test('the same alert key in two services or two environments means two alerts', async () => {
      const neighbour = here({ service: `${place.service}-b` as ServiceName });
      const staging = here({ environment: 'staging' as EnvironmentName });
      expect((await admit(here())).opened).toHaveLength(1);
      expect((await admit(neighbour)).opened).toHaveLength(1);
      expect((await admit(staging)).opened).toHaveLength(1);
      await admit(ended(neighbour));
      expect((await stores.incidents.openAt(place))?.firing).toBe(1);
    });

    test('two services at once are two incidents', async () => {
      const neighbour = here({ service: `${place.service}-b` as ServiceName, fingerprint: `${place.service}/b` });
      expect((await admit(here(), neighbour)).opened).toHaveLength(2);
    });

    test('unmatched alerts are separated by their own names', async () => {
      later(AN_HOUR);
      const unmatched = (called: string, fingerprint: string) =>
        stranger(called, { environment: place.environment, fingerprint });
      const [a, b, none] = [`${place.service}-x`, `${place.service}-y`, ''];
      const first = await admit(
        unmatched(a, `${a}/1`),
        unmatched(b, `${b}/1`),
        unmatched(none, `${place.service}/none`),
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
          stranger(`${place.service}-${from + n}`, {
            environment: `environment-${from + n}` as EnvironmentName,
            fingerprint: `${place.service}/${from + n}`,
            episode: `${place.service}/${from + n}`,
            ...more,
          }),
        );
      const over = async (...signals: Signal[]) => {
        const { wake } = await admit(...signals.map(ended));
        for (const id of wake) await closed(id);
      };
      beforeEach(() => later(AN_HOUR));

      test('have an incident each up to five, and beyond that one shared incident, which shows their number', async () => {
        const all = strangers(0, 40);
        const own = await admit(...all.slice(0, 5));
        expect(own).toMatchObject({ counts: { opened: 5, joined: 0 } });
        const rest = await admit(...all.slice(5));
        expect(rest).toMatchObject({ apart: [], counts: { opened: 1, joined: 34, recorded: 0, known: 0 } });
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
        expect(await admit(...all)).toMatchObject({ opened: [], apart: [], counts: { joined: 0, known: 9 } });
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
        later(AN_HOUR);
        const { opened: own } = await admit(afterwards);
        expect(await record(own[0] as IncidentId)).toMatchObject({ unmatched: afterwards.unmatched });
        await over(next, afterwards);
      });

      test('keep their slot while their incident is open', async () => {
        const all = strangers(0, 5);
        await admit(...all);
        later(10 * AN_HOUR);
        const next = strangers(5, 1);
        expect(await record((await admit(...next)).opened[0] as IncidentId)).toMatchObject({ environment: 'unknown' });
        await over(...all, ...next);
      });

      test('page again when more of them join after an hour, and not before', async () => {
        const all = strangers(0, 9);
        const shared = (await admit(...all.slice(0, 6))).opened[5] as IncidentId;
        await admit(...all.slice(6, 7));
        expect((await mailOf(shared)).at(-1)).not.toHaveProperty('again');
        later(AN_HOUR);
        await admit(...all.slice(7, 8));
        expect((await mailOf(shared)).at(-1)).toMatchObject({ pages: true, again: true });
        await admit(...all.slice(8));
        expect((await mailOf(shared)).at(-1)).not.toHaveProperty('again');
        await over(...all);
      });
    });

    test('a failed deployment is counted, but does not keep the incident open', async () => {
      const id = await opened();
      await admit(other({ source: 'deployment', severity: 'warning', asksRollback: false }));
      expect(await record(id)).toMatchObject({ signal_count: 2, firing: 1 });
    });

    test('it does not count as having fired when it is over', async () => {
      const id = await opened();
      const failed = other({ source: 'deployment', severity: 'warning', asksRollback: false });
      await admit(failed);
      await admit(ended(failed));
      expect(await record(id)).toMatchObject({ signal_count: 2, firing: 1 });
      expect((await mailOf(id)).at(-1)).toMatchObject({ kind: 'signals', fired: 0, resolved: 1 });
      expect((await timeline(id))[0]).toBe('alerts.resolved');
      expect(await statuses(id)).toEqual({ [here().fingerprint]: 'firing', [failed.fingerprint]: 'resolved' });
    });

    test('it ends at the latest with its incident, which ends no firing alert', async () => {
      const id = await opened();
      const failed = other({ source: 'deployment', severity: 'warning', asksRollback: false });
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
      later(3600);
      expect(await admit(here())).toMatchObject({ counts: { known: 1 } });
    });
  });

  describe(`${name}: admitting by routes`, () => {
    const warning = { severity: 'warning', asksRollback: false } as const;
    const apartOf = ({ apart }: Admitted) =>
      apart.map(({ arrival: { signal: one }, status }) => [one.fingerprint.split('/')[1], status]);
    const mutedHere = async () =>
      (await stores.incidents.muted()).filter(({ signal: { service } }) => service === place.service);

    test('an incident may not page', async () => {
      const delivery = { page: false, incident: true, channels: ['#payments', '#ops'] };
      const { opened: ids } = await take(arrival(here(warning), { delivery }));
      expect(await record(ids[0] as IncidentId)).toMatchObject({
        severity: 'warning',
        page: false,
        told_channels: ['#payments', '#ops'],
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
      await take(arrival(other({ asksRollback: false }), { delivery: { page: false } }));
      expect(await mailOf(id)).toMatchObject([{ critical: true, pages: false }]);
    });

    test('alerts without an incident are returned separately with their current status, until one has it', async () => {
      expect(apartOf(await admit(here(warning)))).toEqual([['1', 'firing']]);
      expect(apartOf(await admit(here(warning)))).toEqual([['1', 'firing']]);
      expect(apartOf(await admit(ended(here(warning))))).toEqual([['1', 'resolved']]);
      expect(apartOf(await admit(here(warning)))).toEqual([['1', 'resolved']]);
      const id = await opened(other());
      expect(apartOf(await admit(other(), ended(other())))).toEqual([]);
      expect(apartOf(await admit(here({ ...warning, fingerprint: `${place.service}/3` })))).toEqual([]);
      expect(await record(id)).toMatchObject({ signal_count: 2 });
    });

    test('alerts without an incident are listed, newest first', async () => {
      const listed = async (muted: boolean) =>
        (await stores.incidents.apart({ limit: 50, muted })).items.filter(
          ({ signal: { service } }) => service === place.service,
        );
      await admit(here(warning));
      later(1);
      await take(arrival(other(warning), { mute: silenced }));
      expect(await listed(false)).toMatchObject([
        { signal: { fingerprint: here().fingerprint, first_seen_at: plusSeconds(stores.clock.now(), -1) }, mute: null },
      ]);
      expect(await listed(true)).toMatchObject([{ signal: { fingerprint: other().fingerprint }, mute: silenced }]);
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
      const { items } = await stores.incidents.apart({ limit: 50, muted: false });
      expect(items.filter(({ signal: { service } }) => service === place.service)).toMatchObject([
        { signal: { status: 'resolved', endsAt: stores.clock.now() } },
      ]);
      expect((await admit(ended(failed))).counts).toMatchObject({ known: 1 });
      expect((await admit(failed)).counts).toMatchObject({ known: 1, recorded: 0 });
    });

    test('a muted critical alert opens nothing, and is evaluated again when the mute ends', async () => {
      const quiet = await take(arrival(here(), { mute: silenced }));
      expect(quiet).toMatchObject({ opened: [], wake: [], counts: { recorded: 1 } });
      expect(apartOf(quiet)).toEqual([['1', 'firing']]);
      expect(await mutedHere()).toMatchObject([{ signal: { episode: here().episode }, by: 'silence' }]);
      expect(await take(arrival(here(), { mute: silenced }))).toMatchObject({ opened: [], counts: { known: 1 } });
      const id = await opened();
      expect(await record(id)).toMatchObject({ severity: 'critical', page: true, asks_rollback: true, firing: 1 });
      expect(await mutedHere()).toEqual([]);
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
      const id = await opened(here({ ...warning, asksRollback: true }));
      expect(await take(arrival(other(), { mute: silenced }))).toMatchObject({ wake: [id], counts: { joined: 1 } });
      expect(await record(id)).toMatchObject({ severity: 'warning', firing: 2, signal_count: 2 });
      expect(await mailOf(id)).toEqual([
        { kind: 'signals', fired: 1, resolved: 0, critical: false, pages: false, asksRollback: false },
      ]);
      expect(await mutedHere()).toEqual([]);
    });

    test('a rollback request of a muted alert takes effect when the mute ends', async () => {
      const id = await opened(here({ asksRollback: false }));
      await take(arrival(here(), { mute: silenced }));
      expect(await record(id)).toMatchObject({ asks_rollback: false, seq: 0 });
      await admit(here());
      expect(await record(id)).toMatchObject({ asks_rollback: true, signal_count: 1 });
      expect(await mailOf(id)).toMatchObject([{ fired: 0, asksRollback: true }]);
    });

    test('a rollback request of a muted alert without an incident opens one when the mute ends', async () => {
      await admit(here(warning));
      expect(await take(arrival(here({ severity: 'warning' }), { mute: silenced }))).toMatchObject({ opened: [] });
      const [one] = await mutedHere();
      expect(one).toMatchObject({ signal: { asksRollback: true } });
      const id = await opened(here({ severity: 'warning' }));
      expect(await record(id)).toMatchObject({ asks_rollback: true });
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

  describe(`${name}: many at once`, () => {
    const crowd: GroupReason = { because: 'many', name: '', text: '6 incidents in 5 minutes' };
    const parent = () => stores.incidentGroups.openParent(place.environment, crowd, 'six at once', TRACE);
    const child = async (one = 1) => {
      const [id] = (
        await admit(here({ service: `${place.service}-${one}` as ServiceName, fingerprint: `c/${services}/${one}` }))
      ).opened;
      return id as IncidentId;
    };

    beforeEach(() => {
      place = { ...place, environment: `crowded-${services}` as EnvironmentName };
    });

    test('opened incidents are found by time, oldest first, regardless of who opened them', async () => {
      const since = plusSeconds(stores.clock.now(), 1);
      await child(1);
      later(2);
      const second = await child(2);
      later(1);
      const by = { title: 'a drill', severity: 'warning', by: 'person:ada', trace: TRACE } as const;
      const third = await stores.incidents.declare({ ...place, ...by });
      const began = here().startsAt;
      const found = (await stores.incidentGroups.openedSince(since)).filter(
        ({ environment }) => environment === place.environment,
      );
      expect(found).toMatchObject([
        { id: second, at: plusSeconds(since, 1), began, service: `${place.service}-2`, unmatched: null },
        { id: third.id, service: place.service },
      ]);
      expect(found[1]).not.toHaveProperty('began');
      expect(new Set(found.map(({ scope }) => scope)).size).toBe(2);
    });

    test('resolved incidents do not count as failing, nor mitigated ones after half a minute', async () => {
      const since = stores.clock.now();
      const [failing, mitigating, mitigated, over] = [await child(1), await child(2), await child(3), await child(4)];
      await stores.incidents.post(mitigating, note, { status: 'mitigating' });
      await stores.incidents.post(mitigated, note, { status: 'mitigated' });
      await closed(over);
      later(30);
      const all = (await stores.incidentGroups.openedSince(since)).filter(
        ({ environment }) => environment === place.environment,
      );
      expect(all).toHaveLength(4);
      const found = (await stores.incidentGroups.stillFailing(all)).map(({ id }) => id);
      expect(found.toSorted()).toEqual([failing, mitigating].toSorted());
      const [just] = [await child(5)];
      await stores.incidents.post(just, note, { status: 'mitigated' });
      const fresh = (await stores.incidentGroups.openedSince(since)).filter(({ id }) => id === just);
      expect(await stores.incidentGroups.stillFailing(fresh)).toHaveLength(1);
    });

    test('an environment has one open parent, which is critical and waits for its start', async () => {
      expect(await stores.incidentGroups.parentIn(place.environment)).toBeUndefined();
      const id = await parent();
      expect(await parent()).toBe(id);
      expect(await isPending(id)).toBe(true);
      const found = await stores.incidentGroups.parentIn(place.environment);
      expect(found?.lastJoinedAt).toBe(stores.clock.now());
      expect(found?.incident).toEqual(await record(id));
      expect(found?.incident).toMatchObject({
        service: 'several-services',
        environment: place.environment,
        severity: 'critical',
        title: 'six at once',
        status: 'open',
        firing: 0,
        crowd,
        trace: TRACE,
      });
      expect(await stores.incidentGroups.parentIn(`${place.environment}-b`)).toBeUndefined();
    });

    test('the next parent opens when the last one is resolved', async () => {
      const first = await parent();
      await closed(first);
      expect(await stores.incidentGroups.parentIn(place.environment)).toBeUndefined();
      expect(await parent()).not.toBe(first);
    });

    test('a child joins once', async () => {
      const [into, part] = [await parent(), await child()];
      later(3);
      expect([await stores.incidentGroups.join(into, part), await stores.incidentGroups.join(into, part)]).toEqual([
        'joined',
        'joined',
      ]);
      expect(await record(into)).toMatchObject({ firing: 1, signal_count: 1 });
      expect(await record(part)).toMatchObject({ parent_id: into });
      expect((await stores.incidentGroups.parentIn(place.environment))?.lastJoinedAt).toBe(stores.clock.now());
      expect(await timeline(into)).toEqual(['alerts.joined', 'incident.opened']);
      expect(await timeline(part)).toEqual(['incident.joined', 'incident.opened']);
    });

    test('nothing joins a resolved parent, and no resolved incident joins', async () => {
      const [into, part] = [await parent(), await child()];
      await closed(part);
      expect(await stores.incidentGroups.join(into, part)).toBe('closed');
      expect(await record(into)).toMatchObject({ firing: 0 });
      await closed(into);
      const late = await child(2);
      expect(await stores.incidentGroups.join(into, late)).toBe('closed');
      expect(await record(late)).not.toHaveProperty('parent_id');
      expect(await stores.incidentGroups.join(into, '01TESTNOSUCH00000000000000' as IncidentId)).toBe('closed');
    });

    test('a resolved child is counted once, and the parent closes after the last one', async () => {
      const [into, a, b] = [await parent(), await child(1), await child(2)];
      for (const part of [a, b]) await stores.incidentGroups.join(into, part);
      later(1);
      expect(await stores.incidentGroups.childEnded(into, a)).toMatchObject({ id: into, firing: 1 });
      expect(await stores.incidentGroups.childEnded(into, a)).toMatchObject({ firing: 1 });
      expect(await stores.incidents.resolve(into, 0, null, '')).toBe('not_yet');
      expect(await stores.incidentGroups.childEnded(into, b)).toMatchObject({ firing: 0, signal_count: 2 });
      expect(await stores.incidents.resolve(into, 0, null, 'All have ended')).toBe('resolved');
    });

    test('its children are those that joined and did not leave, in their current state', async () => {
      const [into, a] = [await parent(), await child(1)];
      later(1);
      const [b] = [await child(2), await child(3)];
      expect(await stores.incidentGroups.parts(into)).toEqual([]);
      const joinedAt = stores.clock.now();
      for (const part of [a, b]) await stores.incidentGroups.join(into, part);
      later(1);
      await closed(b);
      expect(await stores.incidentGroups.parts(into)).toEqual([
        { incident: await record(a), joinedAt },
        { incident: await record(b), joinedAt },
      ]);
      expect(await stores.incidents.view(into)).toMatchObject({ parts: { incidents: 2, open: 1, firing: 1 } });
      expect(await stores.incidents.view(a)).not.toHaveProperty('parts');
      expect(await stores.incidentGroups.letGo(into, a, { page: true, text: 'goes on' })).toBe(true);
      expect(await stores.incidents.view(into)).toMatchObject({ parts: { incidents: 1, open: 0, firing: 0 } });
      expect(await stores.incidentGroups.parts(into)).toMatchObject([{ incident: { id: b } }]);
    });

    test('a child that is removed gets one message, and is not counted', async () => {
      const [into, part] = [await parent(), await child()];
      await stores.incidentGroups.join(into, part);
      await closed(into);
      later(1);
      const { seq } = await record(part);
      for (const let_go of [true, false])
        expect(await stores.incidentGroups.letGo(into, part, { page: true, text: 'It goes on by itself' })).toBe(
          let_go,
        );
      expect(await record(part)).not.toHaveProperty('parent_id');
      expect(await record(into)).toMatchObject({ firing: 0 });
      expect(await stores.incidentGroups.childEnded(into, part)).toMatchObject({ firing: 0 });
      expect((await stores.incidents.listen(part, seq, null)).mail).toEqual([
        { seq: seq + 1, message: { kind: 'left', parent: into, page: true } },
      ]);
      expect(await timeline(part)).toEqual(['incident.left', 'incident.joined', 'incident.opened']);
      expect((await stores.incidents.story(into, null))?.children).toMatchObject([{ id: part, status: 'open' }]);
      expect(await stores.incidents.story(part, null)).toMatchObject({ parent: null });
    });

    test('a removed child can join another parent', async () => {
      const [into, part] = [await parent(), await child()];
      await stores.incidentGroups.join(into, part);
      await closed(into);
      await stores.incidentGroups.letGo(into, part, { page: false, text: '' });
      const next = await parent();
      expect(await stores.incidentGroups.join(next, part)).toBe('joined');
      expect(await record(part)).toMatchObject({ parent_id: next });
      expect(await stores.incidentGroups.letGo(into, part, { page: false, text: '' })).toBe(false);
    });

    test('a resolved incident or one that is not a child cannot be removed', async () => {
      const [into, part, alone] = [await parent(), await child(1), await child(2)];
      await stores.incidentGroups.join(into, part);
      await closed(part);
      for (const one of [part, alone, '01TESTNOSUCH00000000000000' as IncidentId])
        expect(await stores.incidentGroups.letGo(into, one, { page: true, text: '' })).toBe(false);
      expect(await record(part)).toMatchObject({ parent_id: into });
    });

    test('an incident that was never a child is not counted', async () => {
      const [into, alone] = [await parent(), await child()];
      expect(await stores.incidentGroups.childEnded(into, alone)).toMatchObject({ firing: 0 });
    });

    test('children share the channel of their parent until they have their own', async () => {
      const [into, part] = [await parent(), await child()];
      await stores.incidentGroups.join(into, part);
      await stores.incidents.setChannel(into, '#incident-2611201');
      expect(await stores.incidents.view(part)).toMatchObject({ parent_id: into, channel: '#incident-2611201' });
      await stores.incidents.setChannel(part, '#incident-2611202');
      expect(await stores.incidents.view(part)).toMatchObject({ channel: '#incident-2611202' });
    });

    test('an incident is found by its channel', async () => {
      const into = await parent();
      expect(await stores.incidents.inChannel(`C-${into}`)).toBeUndefined();
      await stores.incidents.setChannel(into, '#incident-2611203', `C-${into}`);
      expect(await stores.incidents.inChannel(`C-${into}`)).toBe(into);
    });

    test('the story of a parent contains its children, and that of a child its parent', async () => {
      const [into, a] = [await parent(), await child(1)];
      later(1);
      const b = await child(2);
      for (const part of [a, b]) await stores.incidentGroups.join(into, part);
      await stores.incidents.setChannel(into, '#incident-2611201');
      await closed(b);
      const story = await stores.incidents.story(into, null);
      expect(story?.children).toMatchObject([
        { id: a, service: `${place.service}-1`, environment: place.environment, status: 'open', severity: 'critical' },
        { id: b, service: `${place.service}-2`, status: 'resolved' },
      ]);
      expect(story).toMatchObject({ childCount: 2, parent: null });
      const own = { id: into, channel: '#incident-2611201' };
      expect(await stores.incidents.story(a, null)).toMatchObject({ parent: own, children: [], childCount: 0 });
    });
  });

  describe(`${name}: the story of an incident`, () => {
    test('is undefined for an unknown incident', async () => {
      expect(await stores.incidents.story('01TESTNOSUCH00000000000000' as IncidentId, null)).toBeUndefined();
    });

    test('contains the current decisions, effects, and alerts, firing ones first', async () => {
      const id = await opened(here());
      await admit(other({ startsAt: plusSeconds(here().startsAt, 30) }));
      await admit(ended(here()));
      const decision = await judged(id, 1);
      const page = { key: 'p', kind: 'page', target: 'pagerduty', class: 'keyed', detail: 'Page 1' } as const;
      await stores.effects.intend(id, page, { page: 1 });
      later(1);
      await rollbackBegun(id);
      const story = await stores.incidents.story(id, null);
      expect(story?.incident).toEqual(await record(id));
      expect(story?.decisions).toEqual([decision]);
      expect(story?.effects.map(({ kind }) => kind)).toEqual(['page', 'roll-back']);
      expect(story?.signals.map(({ episode, status }) => [episode, status])).toEqual([
        [other({ startsAt: plusSeconds(here().startsAt, 30) }).episode, 'firing'],
        [here().episode, 'resolved'],
      ]);
      await stores.incidents.post(id, note, { title: 'another title' });
      expect((await stores.incidents.story(id, null))?.incident).toMatchObject({ title: 'another title', seq: 3 });
    });

    test('contains the timeline, oldest first, from a position on', async () => {
      const id = await opened();
      const tell = async (text: string) => {
        later(1);
        await stores.incidents.note(id, text, {
          at: stores.clock.now(),
          actor: 'ada',
          kind: 'note',
          text,
          detail: null,
        });
      };
      await tell('one');
      await tell('two');
      const told = (await stores.incidents.story(id, null))?.timeline ?? [];
      expect(told.map(({ entry }) => entry.text)).toEqual([expect.stringMatching(/^Opened/), 'one', 'two']);
      expect(told.map(({ place: at }) => at)).toEqual(told.map(({ place: at }) => at).toSorted());
      const last = told.at(-1)?.place ?? '';
      expect((await stores.incidents.story(id, last))?.timeline).toEqual([]);
      await tell('three');
      expect((await stores.incidents.story(id, last))?.timeline).toMatchObject([{ entry: { text: 'three' } }]);
    });

    test('contains the current state of the mute', async () => {
      const id = await opened();
      expect(await stores.incidents.setMuted(id, null)).toBe(false);
      expect(await stores.incidents.setMuted(id, 'silenced by ada')).toBe(true);
      expect(await stores.incidents.setMuted(id, 'silenced by ada')).toBe(false);
      expect(await stores.incidents.setMuted(id, 'silenced by bo')).toBe(true);
      expect((await stores.incidents.story(id, null))?.incident.muted).toEqual({ text: 'silenced by bo' });
      expect(await stores.incidents.setMuted(id, null)).toBe(true);
      expect(await stores.incidents.setMuted(id, null)).toBe(false);
      expect((await stores.incidents.story(id, null))?.incident.muted).toBeNull();
    });
  });

  describe(`${name}: the inbox`, () => {
    test('returns new messages in order, and the state of the incident', async () => {
      const id = await opened();
      await stores.incidents.post(id, note);
      await stores.incidents.post(id, { kind: 'page', by: 'ada', note: 'help' });
      const heard = await stores.incidents.listen(id, 1, null);
      expect(heard).toMatchObject({
        mail: [{ seq: 2, message: { kind: 'page' } }],
        firing: 1,
        status: 'open',
        severity: 'critical',
      });
      expect((await stores.incidents.listen(id, 2, null)).mail).toEqual([]);
    });

    test('is empty at first, and read messages are not pending', async () => {
      const id = await opened();
      await stores.incidents.post(id, note);
      expect(await isPending(id)).toBe(true);
      await stores.incidents.listen(id, 0, 'bell-1');
      expect(await isPending(id)).toBe(false);
      expect(await record(id)).toMatchObject({ drained: 1, bells: { inbox: 'bell-1' } });
    });

    test('accepts a message with a key once, and confirms it both times', async () => {
      const id = await opened();
      expect([
        await stores.incidents.post(id, note, {}, 'once'),
        await stores.incidents.post(id, note, {}, 'once'),
      ]).toEqual([true, true]);
      expect(await mailOf(id)).toEqual([note]);
    });

    test('changes the incident together with the message', async () => {
      const id = await opened();
      const told = { severity: 'info', title: 'a drill', automationPaused: true, verification: 'failed' } as const;
      await stores.incidents.post(id, note, {
        ...told,
        timeline: { actor: 'ada', kind: 'note', text: 'hm', detail: null },
      });
      expect(await record(id)).toMatchObject({
        severity: 'info',
        title: 'a drill',
        automation_paused: true,
        verification: 'failed',
      });
      expect(await timeline(id)).toEqual(['note', 'incident.opened']);
    });

    test('applies a change to the current state of the incident', async () => {
      const id = await opened();
      await stores.incidents.post(id, note, { verification: 'pending', verifying: { number: 0, runbook: 2 } });
      const seenThen: unknown[] = [];
      await stores.incidents.post(id, note, ({ status, verifying }) => {
        seenThen.push({ status, verifying });
        return { status: 'mitigated' };
      });
      expect(seenThen).toEqual([{ status: 'open', verifying: { number: 0, runbook: 2 } }]);
      expect(await record(id)).toMatchObject({ status: 'mitigated', verification: 'pending' });
    });

    test('of a closed incident accepts nothing', async () => {
      const id = await opened();
      await closed(id);
      expect(await stores.incidents.post(id, note)).toBe(false);
      expect(await stores.incidents.post('01TESTNOSUCH00000000000000' as IncidentId, note)).toBe(false);
    });

    test('returns a limited number of messages: the rest comes next', async () => {
      const id = await opened();
      for (let posted = 0; posted < 103; posted += 1) await stores.incidents.post(id, note);
      const first = await stores.incidents.listen(id, 0, null);
      expect(first.mail).toHaveLength(100);
      expect(await isPending(id)).toBe(true);
      expect((await stores.incidents.listen(id, 100, null)).mail.map(({ seq }) => seq)).toEqual([101, 102, 103]);
    });
  });

  describe(`${name}: closing`, () => {
    test('waits for messages since the last read', async () => {
      const id = await opened();
      await admit(ended(here()));
      later(1);
      expect(await stores.incidents.resolve(id, 0, null, '')).toBe('not_yet');
      expect(await stores.incidents.resolve(id, 1, null, 'The alerts have ended')).toBe('resolved');
      expect(await record(id)).toMatchObject({
        status: 'resolved',
        resolved_at: stores.clock.now(),
        resolved_by: null,
      });
      expect(await timeline(id)).toEqual(['incident.resolved', 'alerts.resolved', 'incident.opened']);
      expect(await isPending(id)).toBe(false);
    });

    test('waits for firing alerts, unless a person closes it', async () => {
      const id = await opened();
      expect(await stores.incidents.resolve(id, 0, null, '')).toBe('not_yet');
      expect(await stores.incidents.resolve(id, 0, 'person:ada', 'Resolved by ada')).toBe('resolved');
      expect(await record(id)).toMatchObject({ resolved_by: 'person:ada' });
    });

    test('waits for a rollback in progress', async () => {
      const id = await opened();
      await rollbackBegun(id);
      await admit(ended(here()));
      expect(await stores.incidents.resolve(id, 1, null, '')).toBe('not_yet');
    });

    test('reports the second time that it is closed', async () => {
      const id = await opened();
      await closed(id);
      expect(await stores.incidents.resolve(id, 99, null, '')).toBe('resolved');
    });

    test('makes room: a new episode of the same alert opens the next incident', async () => {
      const id = await opened();
      await closed(id);
      const again = await opened(here({ startsAt: plusSeconds(here().startsAt, 600) }));
      expect(again).not.toBe(id);
    });
  });

  describe(`${name}: manual incidents, and their runs`, () => {
    const byHand = () =>
      stores.incidents.declare({ ...place, title: 'a drill', severity: 'warning', by: 'person:ada', trace: TRACE });

    test('a person opens one once', async () => {
      const first = await byHand();
      expect(first.created).toBe(true);
      expect(await byHand()).toEqual({ id: first.id, created: false });
      expect(await record(first.id)).toMatchObject({
        title: 'a drill',
        severity: 'warning',
        firing: 0,
        signal_count: 0,
      });
      expect(await admit(here())).toMatchObject({ wake: [first.id], counts: { joined: 1 } });
    });

    test('a starting run receives the unfinished work', async () => {
      const id = await opened();
      await judged(id, 1);
      await judged(id, 2);
      await stores.effects.concludeRollback(id, end(id, 1, { outcome: 'not_taken' }));
      expect(await stores.incidents.begin(id, 1, 'arn:1')).toMatchObject({
        unfinished: [2],
        incident: { started_run: 1, mitigations: 2 },
      });
      expect(await record(id)).toMatchObject({ started_run: 1 });
    });

    test('a rollback that is not verified yet is unfinished', async () => {
      const id = await opened();
      await judged(id, 1);
      await rollbackBegun(id);
      await stores.effects.concludeRollback(id, end(id, 1));
      expect((await stores.incidents.begin(id, 2, 'arn:2'))?.unfinished).toEqual([1]);
      await stores.incidents.post(id, note, { verification: 'passed' });
      expect((await stores.incidents.begin(id, 2, 'arn:2'))?.unfinished).toEqual([]);
    });

    test('a run of an unknown incident cannot start', async () => {
      expect(await stores.incidents.begin('01TESTNOSUCH00000000000000' as IncidentId, 1, 'arn:1')).toBeUndefined();
    });

    test('the next run takes over, and waits for its start', async () => {
      const id = await opened();
      await stores.incidents.begin(id, 1, 'arn:1');
      await stores.incidents.listen(id, 0, null);
      await stores.incidents.handOver(id, 2, 'Handed over');
      await stores.incidents.handOver(id, 2, 'Handed over');
      expect(await record(id)).toMatchObject({ run: 2, started_run: 1 });
      expect(await isPending(id)).toBe(true);
      expect(await timeline(id)).toEqual(['workflow.handed_over', 'incident.opened']);
    });

    test('returns messages up to an unreadable one, and skips that only on request', async () => {
      const id = await opened();
      const future = { kind: 'of-the-future', by: 'ada' } as unknown as Message;
      for (const message of [note, future, note]) await stores.incidents.post(id, message);
      const heard = await stores.incidents.listen(id, 0, 'bell');
      expect(heard).toMatchObject({ mail: [{ seq: 1, message: note }], unread: { seq: 2, kind: 'of-the-future' } });
      expect(await stores.incidents.listen(id, 1, 'bell')).toMatchObject({ mail: [], unread: { seq: 2 } });
      later(60);
      expect(await isPending(id)).toBe(true);
      expect(await record(id)).toMatchObject({ drained: 1 });
      await stores.incidents.handOver(id, 2, 'Handed over', { unread: 2, resolveBy: 'person:ada' });
      expect(await record(id)).toMatchObject({ run: 2, unread: 2, resolve_by: 'person:ada' });
      await stores.incidents.handOver(id, 3, 'Handed over');
      expect(await record(id)).not.toHaveProperty('unread');
      expect(await record(id)).not.toHaveProperty('resolve_by');
      await stores.incidents.skipUnread(id, { seq: 2, kind: 'of-the-future' });
      await stores.incidents.skipUnread(id, { seq: 2, kind: 'of-the-future' });
      expect((await timeline(id)).filter((kind) => kind === 'inbox.skipped')).toHaveLength(1);
      expect(await stores.incidents.listen(id, 2, null)).toMatchObject({ mail: [{ seq: 3, message: note }] });
      expect(await isPending(id)).toBe(false);
    });

    test('a note with the same key is written once', async () => {
      const id = await opened();
      const entry = { at: stores.clock.now(), actor: 'ada', kind: 'note', text: 'hm', detail: { a: 1 } };
      await stores.incidents.note(id, 'k', entry);
      await stores.incidents.note(id, 'k', { ...entry, text: 'again' });
      expect((await stores.incidents.timeline(id, { limit: 9 })).items[0]).toMatchObject(entry);
      expect(await timeline(id)).toEqual(['note', 'incident.opened']);
    });
  });

  describe(`${name}: roles and acknowledgment`, () => {
    const holder = (shown: string) => ({ name: shown.toLowerCase(), shown, slack: null, at: stores.clock.now() });
    const commands = (shown: string) => () => ({
      roles: { commander: holder(shown) },
      timeline: { actor: shown.toLowerCase(), kind: 'role.taken', text: `${shown} commands`, detail: null },
    });

    test('are stored with their timeline entry, beside those of other people', async () => {
      const id = await opened();
      const { incidents } = stores;
      expect(await incidents.amend(id, commands('Ada'))).toBe('done');
      const said = { by: 'grace', at: stores.clock.now() };
      const acknowledged = { actor: 'grace', kind: 'acknowledged', text: 'Acknowledged the incident', detail: null };
      expect(await incidents.amend(id, () => ({ care: { acknowledged: said }, timeline: acknowledged }))).toBe('done');
      expect(await record(id)).toMatchObject({ roles: { commander: { shown: 'Ada' } }, care: { acknowledged: said } });
      expect((await incidents.view(id))?.roles).toEqual({ commander: 'Ada' });
      expect(await timeline(id)).toEqual(['acknowledged', 'role.taken', 'incident.opened']);
      const without = { ...acknowledged, kind: 'role.left' };
      expect(await incidents.amend(id, () => ({ roles: { commander: null }, timeline: without }))).toBe('done');
      expect(await record(id)).toMatchObject({ roles: {}, care: { acknowledged: said } });
    });

    test('are on the timeline with the time of the action', async () => {
      const id = await opened();
      const at = plusSeconds(stores.clock.now(), -30);
      const entry = { actor: 'ada', kind: 'note', text: 'hm', detail: null };
      await stores.incidents.amend(id, () => ({ timeline: { ...entry, at } }));
      await stores.incidents.amend(id, () => ({ timeline: entry }));
      const { items } = await stores.incidents.timeline(id, { limit: 9 });
      const times = items.flatMap((one) => (one.kind === 'note' ? [one.at] : []));
      expect(times.toSorted()).toEqual([at, stores.clock.now()]);
    });

    test('change once per key, and not at all if nothing changes', async () => {
      const id = await opened();
      expect(await stores.incidents.amend(id, commands('Ada'), 'k')).toBe('done');
      expect(await stores.incidents.amend(id, commands('Ada'), 'k')).toBe('as_it_is');
      expect(await stores.incidents.amend(id, () => undefined)).toBe('as_it_is');
      expect(await timeline(id)).toEqual(['role.taken', 'incident.opened']);
    });

    test('are visible to the next reader at once', async () => {
      const id = await opened();
      const first = (shown: string) => (incident: IncidentRecord) =>
        incident.roles?.commander === undefined ? commands(shown)() : undefined;
      const both = ['Ada', 'Grace'].map((shown) => stores.incidents.amend(id, first(shown)));
      expect((await Promise.all(both)).toSorted()).toEqual(['as_it_is', 'done']);
      expect(await timeline(id)).toEqual(['role.taken', 'incident.opened']);
    });

    test('do not change after the incident is resolved, or without an incident', async () => {
      const id = await opened();
      await stores.incidents.resolve(id, (await record(id)).seq, 'ada', 'over');
      expect(await stores.incidents.amend(id, commands('Ada'))).toBe('resolved');
      expect(await stores.incidents.amend('01TESTNOSUCH00000000000000' as IncidentId, commands('Ada'))).toBe('unknown');
    });
  });

  describe(`${name}: alerts without a reported end`, () => {
    test('are listed, and can be ended once', async () => {
      const id = await opened();
      await admit(other());
      await admit(ended(other()));
      const firing = await stores.incidents.firingEpisodes(id);
      expect(firing).toMatchObject([
        { episode: here().episode, source: 'alertmanager', fingerprint: here().fingerprint },
      ]);
      await stores.incidents.endEpisodes(id, [here().episode, other().episode], 'gone');
      await stores.incidents.endEpisodes(id, [here().episode], 'gone');
      expect(await record(id)).toMatchObject({ firing: 0, seq: 3 });
      expect(await stores.incidents.firingEpisodes(id)).toEqual([]);
      expect(await admit(ended(here()))).toMatchObject({ counts: { known: 1 } });
    });

    test('are remembered as found at their source, each episode separately', async () => {
      const source = 'http://prometheus.test/graph';
      const one = here({ links: { runbook: null, dashboard: null, source } });
      const id = await opened(one);
      await admit(other());
      const seen = async () =>
        Object.fromEntries(
          (await stores.incidents.firingEpisodes(id)).map(({ episode, seen: found }) => [episode, found]),
        );
      expect(await seen()).toEqual({ [one.episode]: false, [other().episode]: false });
      await stores.incidents.seeEpisodes(id, []);
      await stores.incidents.seeEpisodes(id, [one.episode]);
      await stores.incidents.seeEpisodes(id, [one.episode]);
      expect(await seen()).toEqual({ [one.episode]: true, [other().episode]: false });
      const again = other({ startsAt: plusSeconds(here().startsAt, 60) });
      await stores.incidents.seeEpisodes(id, [other().episode]);
      await admit(again);
      expect(await seen()).toEqual({ [one.episode]: true, [again.episode]: false });
      const told = await stores.incidents.firingEpisodes(id);
      expect(told.find(({ episode }) => episode === one.episode)?.generatorUrl).toBe(source);
    });

    test('are reported once each, also if the same episode fires again', async () => {
      const id = await opened();
      const report = (more: Partial<Signal>) => admit(other({ source: 'generic', episodic: false, ...more }));
      const after = (seconds: number) => plusSeconds(here().startsAt, seconds);
      await report({ startsAt: after(1) });
      await report({ startsAt: after(2), status: 'resolved', endsAt: after(2) });
      await report({ startsAt: after(3) });
      const firing = await stores.incidents.firingEpisodes(id);
      expect(firing.map(({ source }) => source).toSorted()).toEqual(['alertmanager', 'generic']);
    });
  });

  const inputs = () => clear({ changes: [change('v1', 240), change('v2', 10)] });
  const byTwo = () => clear({ policy: { mode: 'approve', unknownMigration: 'approve', approvals: 2 } });
  const approval = () => clear({ policy: { mode: 'approve', unknownMigration: 'approve' } });
  const judged = (id: IncidentId, number: number, of = inputs()) => stores.decisions.keep(id, number, decide(of), of);

  describe(`${name}: decisions`, () => {
    test('the first decision with a number is stored, with its inputs', async () => {
      const id = await opened();
      const first = await judged(id, 1);
      expect(first).toMatchObject({
        id: `${id}-1`,
        kind: 'roll_back',
        because: 'suspect',
        state: 'final',
        from_version: 'v2',
        to_version: 'v1',
      });
      expect(await judged(id, 1, approval())).toEqual(first);
      expect(await stores.decisions.get(id, 1)).toEqual(first);
      expect(await stores.decisions.inputs(id, 1)).toEqual(inputs());
      expect(await record(id)).toMatchObject({ mitigations: 1, suspects: [{ version: 'v2' }] });
    });

    test('in shadow mode store what would have been decided, and the first mark as wrong', async () => {
      const id = await opened();
      const shadow = clear({ policy: { mode: 'shadow', unknownMigration: 'approve' } });
      expect(await stores.decisions.markWrong(id, 'ada', 'too early')).toBe(0);
      const first = await judged(id, 1, shadow);
      expect(first).toMatchObject({ kind: 'shadow', would: { kind: 'roll_back', reasons: [{ code: 'suspect' }] } });
      const acting = await judged(id, 2);
      expect(acting).not.toHaveProperty('would');
      expect(await stores.decisions.markWrong(id, 'ada', 'it was DNS')).toBe(1);
      expect(await stores.decisions.markWrong(id, 'eve', 'me too')).toBe(1);
      const marked_wrong = { by: 'ada', note: 'it was DNS', at: expect.any(String) };
      expect(await stores.decisions.get(id, 1)).toEqual({ ...first, marked_wrong });
      expect(await stores.decisions.get(id, 2)).toEqual(acting);
    });

    test('a change that a person has cleared is no suspect anywhere until that is taken back', async () => {
      const id = await opened();
      await judged(id, 1);
      const one = clearing(change('v2', 10));
      const message: Message = { kind: 'cleared', by: 'ada', change: one.change_id, judge: true };
      await stores.incidents.post(id, message, ({ cleared = [] }) => ({ cleared: [...cleared, one] }));
      const seen = async () => ({
        read: (await record(id)).suspects,
        view: (await stores.incidents.view(id))?.suspects,
        story: (await stores.incidents.story(id, null))?.incident.suspects,
        here: (await stores.incidents.openAt(place))?.suspects,
        open: (await stores.incidents.open()).find((incident) => incident.id === id)?.suspects,
      });
      expect(await seen()).toEqual({ read: [], view: [], story: [], here: [], open: [] });
      expect((await record(id)).cleared).toEqual([one]);
      expect((await stores.incidents.view(id))?.cleared).toEqual([one]);
      expect(await mailOf(id)).toEqual([message]);
      const back = { ...one, back: { by: 'bo', at: stores.clock.now() } };
      await stores.incidents.post(id, message, { cleared: [back] });
      expect((await seen()).read).toMatchObject([{ version: 'v2' }]);
      expect((await seen()).story).toMatchObject([{ version: 'v2' }]);
    });

    test('earlier suspects stay visible if there are no new ones, except cleared ones', async () => {
      const id = await opened();
      await judged(id, 1);
      await judged(id, 2, clear({ changes: [] }));
      expect((await record(id)).suspects).toMatchObject([{ version: 'v2' }]);
      const cleared = [clearing(change('v9', 10))];
      await judged(id, 3, clear({ changes: [], evidence: { cleared } }));
      expect((await record(id)).suspects).toEqual([]);
    });

    test('does not exist before it was made', async () => {
      const id = await opened();
      expect([await stores.decisions.get(id, 1), await stores.decisions.inputs(id, 1)]).toEqual([undefined, undefined]);
    });

    test('an approval request waits, and is answered by its digest, once', async () => {
      const id = await opened();
      const { digest, state } = await judged(id, 1, approval());
      expect(state).toBe('waiting');
      expect(await stores.decisions.await(id, 1, 'bell-a')).toBe('waiting');
      expect(await record(id)).toMatchObject({ bells: { 'decision-1': 'bell-a' } });
      expect(await stores.decisions.answer(id, 'another digest', 'approved', 'ada', '')).toBe('superseded');
      expect(await stores.decisions.answer(id, digest, 'approved', 'ada', 'go')).toBe('taken');
      expect(await stores.decisions.get(id, 1)).toMatchObject({ state: 'approved', answered_by: 'ada' });
      expect(await mailOf(id)).toEqual([{ kind: 'answered', decision: `${id}-1`, by: 'ada' }]);
      expect(await isPending(id)).toBe(false);
    });

    test('a double click is answered like the first; another answer is too late', async () => {
      const id = await opened();
      const { digest } = await judged(id, 1, approval());
      const answer = (how: 'approved' | 'rejected', by: string) => stores.decisions.answer(id, digest, how, by, '');
      expect([await answer('approved', 'ada'), await answer('approved', 'ada')]).toEqual(['taken', 'taken']);
      expect([await answer('rejected', 'ada'), await answer('approved', 'bo')]).toEqual(['superseded', 'superseded']);
      expect(await mailOf(id)).toHaveLength(1);
    });

    test('a withdrawn request cannot be answered, and an answered one cannot be withdrawn', async () => {
      const id = await opened();
      const [first, second] = [await judged(id, 1, approval()), await judged(id, 2, approval())];
      expect(await stores.decisions.expire(id, 1)).toBe('expired');
      expect(await stores.decisions.answer(id, first.digest, 'approved', 'ada', '')).toBe('superseded');
      expect(await stores.decisions.answer(id, second.digest, 'rejected', 'ada', '')).toBe('taken');
      expect(await stores.decisions.expire(id, 2)).toBe('rejected');
    });

    test('a decision without a request cannot be answered', async () => {
      const id = await opened();
      const { digest } = await judged(id, 1);
      expect(await stores.decisions.answer(id, digest, 'approved', 'ada', '')).toBe('superseded');
      expect(await stores.decisions.expire(id, 1)).toBe('final');
    });

    test('one that needs two approvals waits for a second person', async () => {
      const id = await opened();
      const { digest, approvals } = await judged(id, 1, byTwo());
      expect(approvals).toEqual({ needed: 2, given: [] });
      const approve = (by: string) => stores.decisions.answer(id, digest, 'approved', by, '');
      expect([await approve('ada'), await approve('ada')]).toEqual(['taken', 'needs_another']);
      expect(await approve('Ada ')).toBe('needs_another');
      expect(await stores.decisions.get(id, 1)).toMatchObject({
        state: 'waiting',
        answered_by: null,
        approvals: { needed: 2, given: ['ada'] },
      });
      expect(await mailOf(id)).toEqual([]);
      expect(await approve('bo')).toBe('taken');
      expect(await stores.decisions.get(id, 1)).toMatchObject({
        state: 'approved',
        answered_by: 'bo',
        approvals: { needed: 2, given: ['ada', 'bo'] },
      });
      expect(await mailOf(id)).toEqual([{ kind: 'answered', decision: `${id}-1`, by: 'bo' }]);
      expect(await approve('cy')).toBe('superseded');
    });

    test('one of two people can reject it, even after approving it', async () => {
      for (const by of ['bo', 'ada']) {
        place = { ...place, environment: `by-${by}` as EnvironmentName };
        const id = await opened(here({ fingerprint: `${place.service}/${by}` }));
        const { digest } = await judged(id, 1, byTwo());
        await stores.decisions.answer(id, digest, 'approved', 'ada', '');
        expect(await stores.decisions.answer(id, digest, 'rejected', by, '')).toBe('taken');
        expect(await stores.decisions.get(id, 1)).toMatchObject({ state: 'rejected', answered_by: by });
      }
    });

    test('the requester counts as the first of two', async () => {
      const id = await opened();
      const of = clear({ asked: { by: 'person', who: 'ada' }, policy: { approvals: 2 } });
      const { digest, approvals } = await judged(id, 1, of);
      expect(approvals).toEqual({ needed: 2, given: ['ada'] });
      expect(await stores.decisions.answer(id, digest, 'approved', 'ada', '')).toBe('needs_another');
      expect(await stores.decisions.answer(id, digest, 'approved', 'bo', '')).toBe('taken');
      expect(await stores.decisions.state(id, 1)).toBe('approved');
    });

    test('a request of a runbook is answered by the people it names, and by as many as the policy requires', async () => {
      const byBo = { people: ['bo'], seconds: null };
      const of = (approvals: 1 | 2) =>
        clear({ asked: { by: 'runbook', who: 'r', approval: byBo }, policy: { approvals } });
      const id = await opened();
      const [alone, two] = [await judged(id, 1, of(1)), await judged(id, 2, of(2))];
      const approve = (digest: string, by: string) => stores.decisions.answer(id, digest, 'approved', by, '');
      expect(await stores.decisions.answer(id, alone.digest, 'rejected', 'ada', '')).toBe('not_asked');
      expect([await approve(alone.digest, 'ada'), await approve(alone.digest, 'bo')]).toEqual(['not_asked', 'taken']);
      expect(await stores.decisions.state(id, 1)).toBe('approved');
      expect([await approve(two.digest, 'ada'), await approve(two.digest, 'cy')]).toEqual(['taken', 'not_asked']);
      expect(await stores.decisions.state(id, 2)).toBe('waiting');
      expect(await approve(two.digest, 'bo')).toBe('taken');
      expect(await stores.decisions.get(id, 2)).toMatchObject({
        state: 'approved',
        approvals: { needed: 2, given: ['ada', 'bo'] },
      });
    });

    test('a request without objection can be approved by timeout, unless it was answered', async () => {
      const id = await opened();
      const [, second] = [await judged(id, 1, approval()), await judged(id, 2, approval())];
      expect(await stores.decisions.expire(id, 1, 'approved')).toBe('approved');
      expect(await stores.decisions.get(id, 1)).toMatchObject({ answered_by: 'firebreak:nobody objected in time' });
      await stores.decisions.answer(id, second.digest, 'rejected', 'ada', '');
      expect(await stores.decisions.expire(id, 2, 'approved')).toBe('rejected');
    });

    test('requests of a closed incident cannot be answered', async () => {
      const id = await opened();
      const { digest } = await judged(id, 1, approval());
      await closed(id);
      expect(await stores.decisions.answer(id, digest, 'approved', 'ada', '')).toBe('superseded');
    });
  });

  const keyOf = (id: IncidentId, number = 1): string => `${id}.roll-back.${number}`;
  const intent = (key: string) =>
    ({ key, kind: 'roll-back', target: 'http://cd', class: 'keyed', detail: 'Rolling back v2 to v1' }) as const;
  const rollbackBegun = (id: IncidentId, number = 1) =>
    stores.effects.intendAct(id, intent(keyOf(id, number)), actAt(place));
  const end = (id: IncidentId, number: number, more: Partial<RollbackEnd> = {}): RollbackEnd => ({
    key: keyOf(id, number),
    number,
    place,
    outcome: 'succeeded',
    page: 'no',
    text: 'Rolled back to v1',
    moved: null,
    ...more,
  });

  describe(`${name}: effects`, () => {
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
      expect(await stores.effects.rollbacksSince(place, plusSeconds(stores.clock.now(), -3600))).toBe(1);
      expect(await rollbackBegun(id, 2)).toMatchObject({ ok: false, reason: { code: 'already_running' } });
      const { id: rival } = await stores.incidents.declare({
        ...place,
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

    test('the count of rollbacks covers the last hour', async () => {
      const id = await opened();
      await rollbackBegun(id);
      expect(await stores.effects.rollbacksSince(place, stores.clock.now())).toBe(1);
      expect(await stores.effects.rollbacksSince(place, plusSeconds(stores.clock.now(), 1))).toBe(0);
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
      const done = end(id, 1, { moved: { from: 'v2' as Version, to: 'v1' as Version, suspect: suspect.id } });
      await stores.effects.concludeRollback(id, done);
      await stores.effects.concludeRollback(id, { ...done, outcome: 'failed' });
      expect(await record(id)).toMatchObject({ status: 'mitigated', verification: 'pending', seq: 1 });
      expect(await mailOf(id)).toEqual([{ kind: 'mitigation', number: 1, outcome: 'succeeded', page: 'no' }]);
      expect(await stores.effects.get(id, keyOf(id))).toMatchObject({
        state: 'succeeded',
        detail: 'Rolled back to v1',
      });
      const [bad, rollback] = await stores.changes.recent(place, 9);
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

    test('a failed one leaves the incident open, and releases the lock', async () => {
      const id = await opened();
      await judged(id, 1);
      await rollbackBegun(id);
      await stores.effects.concludeRollback(id, end(id, 1, { outcome: 'refused', page: 'again', text: 'no' }));
      expect(await record(id)).toMatchObject({ status: 'open', verification: 'not_needed' });
      expect(await stores.effects.get(id, keyOf(id))).toMatchObject({ state: 'failed' });
      expect(await stores.changes.recent(place, 9)).toEqual([]);
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
      await fires(`${place.service}/back`, window);
      await fires(`${place.service}/anew`, []);
      later(200);
      await fires(`${place.service}/later`, window);
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

  /** Starts an automatic action on `at` without an approval, unless stated otherwise. */
  const acts = (id: IncidentId, key: string, more: Partial<Act> = {}) =>
    stores.effects.intendAct(id, intent(key), { ...actAt(place), resource: key, ...more });

  describe(`${name}: the limit for all services`, () => {
    beforeEach(() => later(3601)); // actions of other tests are more than an hour old

    const tenBegun = async (id: IncidentId) => {
      for (let n = 1; n <= 10; n += 1) expect(await acts(id, `${id}.ten-${n}`)).toMatchObject({ ok: true });
    };
    const limit = { ok: false, reason: { code: 'organisation_limit' } };

    test('ten start within an hour without a person, but not eleven', async () => {
      const id = await opened();
      await tenBegun(id);
      const elsewhere = { ...place, service: `${place.service}-b` as ServiceName };
      expect(await acts(id, `${id}.11`, { place: elsewhere })).toMatchObject(limit);
      expect(await stores.effects.get(id, `${id}.11`)).toBeUndefined();
      expect(await stores.effects.automaticSince(plusSeconds(stores.clock.now(), -3600))).toBe(10);
    });

    test('actions that a person requested or approved are not counted, and may exceed it', async () => {
      const id = await opened();
      for (let n = 1; n <= 3; n += 1) await acts(id, `${id}.person-${n}`, { automatic: false });
      expect(await stores.effects.automaticSince(plusSeconds(stores.clock.now(), -3600))).toBe(0);
      await tenBegun(id);
      expect(await acts(id, `${id}.11`, { automatic: false })).toMatchObject({ ok: true });
    });

    test('one that has started may continue, and counts once', async () => {
      const id = await opened();
      await tenBegun(id);
      expect(await acts(id, `${id}.ten-4`)).toMatchObject({ ok: true });
      expect(await stores.effects.automaticSince(plusSeconds(stores.clock.now(), -3600))).toBe(10);
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
      expect(await stores.effects.automaticSince(since(), ['token:shop'])).toBe(6);
      expect(await stores.effects.automaticSince(since(), ['token:shop', 'ingest'])).toBe(1);
      expect(await stores.effects.automaticSince(since(), [])).toBe(0);
      expect(await stores.effects.automaticSince(since())).toBe(7);
      later(3600);
      expect(await acts(id, `${id}.9`, { senders: ['token:shop'] })).toMatchObject({ ok: true });
    });

    test('one that could not start is not counted', async () => {
      const id = await opened();
      await acts(id, `${id}.1`, { resource: place.service });
      expect(await acts(id, `${id}.2`, { resource: place.service })).toMatchObject({ ok: false });
      expect(await stores.effects.automaticSince(plusSeconds(stores.clock.now(), -3600))).toBe(1);
    });
  });

  describe(`${name}: the error budget of automation`, () => {
    const agreed = { automatic: false }; // the limit for all services must not apply here
    const demoted = async () => Object.keys((await stores.automation.read()).demoted).includes(place.service);
    const promoted = (mode: 'act' | 'approve' | 'suggest' | null) =>
      stores.automation.write({ services: { [place.service]: { mode, environments: {} } } }, 'person:ada');

    /** Runs one action after the other; `x` was wrong. */
    async function done(id: IncidentId, what: string): Promise<string[]> {
      const told = [];
      for (const [n, one] of [...what].entries()) {
        const key = `${id}.act-${stores.clock.millis}-${n}`;
        await acts(id, key, agreed);
        later(1);
        if (one === 'x') told.push(...(await stores.automation.wrong(id, key, 'not healthy')).demoted);
      }
      return told;
    }

    test.each([
      ['x', false],
      ['ooxoo', false],
      ['xx', true],
      [`x${'o'.repeat(18)}x`, true],
      [`x${'o'.repeat(19)}x`, false],
    ])('of twenty actions, two may not be wrong: %s', async (what, spent) => {
      const told = await done(await opened(), what);
      expect([await demoted(), told]).toEqual([spent, spent ? [place.service] : []]);
    });

    test('a wrong action counts once', async () => {
      const id = await opened();
      await acts(id, 'once', agreed);
      const wrong = { acts: 1, demoted: [] };
      expect(await stores.automation.wrong(id, 'once', 'not healthy')).toEqual(wrong);
      expect(await stores.automation.wrong(id, 'once', 'not healthy')).toEqual(wrong);
      expect(await stores.automation.wrong(id, null, 'says ada')).toEqual(wrong);
      expect(await demoted()).toBe(false);
    });

    test('a mark of a person covers all automatic actions for the incident, and no others', async () => {
      const id = await opened();
      const { id: elsewhere } = await stores.incidents.declare({
        ...place,
        environment: 'other' as EnvironmentName,
        title: '',
        severity: 'info',
        by: '',
        trace: '',
      });
      await acts(id, `${id}.1`, agreed);
      await acts(elsewhere, `${elsewhere}.1`, agreed);
      expect(await stores.automation.wrong(id, null, 'says ada')).toEqual({ acts: 1, demoted: [] });
      expect(await stores.automation.wrong(elsewhere, null, 'says ada')).toEqual({ acts: 1, demoted: [place.service] });
    });

    test('a manual rollback does not count against automation', async () => {
      const id = await opened();
      for (const n of [1, 2, 3]) await acts(id, `${id}.${n}`, { ...agreed, ours: false });
      expect(await stores.automation.wrong(id, null, 'says ada')).toEqual({ acts: 0, demoted: [] });
      expect(await demoted()).toBe(false);
    });

    test('an action on another service counts against that service', async () => {
      const id = await opened();
      const theirs = { ...place, service: `${place.service}-b` as ServiceName };
      for (const n of [1, 2]) await acts(id, `${id}.${n}`, { ...agreed, place: theirs });
      expect(await stores.automation.wrong(id, null, 'says ada')).toEqual({ acts: 2, demoted: [theirs.service] });
      expect(await demoted()).toBe(false);
      expect((await stores.automation.read()).demoted).toHaveProperty([theirs.service]);
    });

    test('is spent until a person sets the mode of the service, and then begins anew', async () => {
      const id = await opened();
      await done(id, 'xx');
      await stores.automation.write({ paused: false, mode: null }, 'person:ada');
      await stores.automation.write({ services: {} }, 'person:ada');
      const lab = { environments: { lab: 'shadow' as const } };
      await stores.automation.write({ services: { [place.service]: lab } }, 'person:ada');
      expect(await demoted()).toBe(true);
      for (const mode of ['approve', 'suggest'] as const) {
        await promoted(mode);
        expect(await demoted()).toBe(true);
      }
      later(1);
      expect((await promoted('act')).demoted).not.toHaveProperty([place.service]);
      expect(await done(id, 'x')).toEqual([]);
      expect(await done(id, 'x')).toEqual([place.service]);
      later(1);
      await promoted(null);
      expect(await demoted()).toBe(false);
    });

    test('a partial write keeps the other settings', async () => {
      await stores.automation.write({ paused: true, reason: 'drill', mode: 'suggest' }, 'person:ada');
      await promoted('act');
      expect(await stores.automation.read()).toMatchObject({ paused: true, reason: 'drill', mode: 'suggest' });
      await stores.automation.write({ paused: false, reason: null, mode: null, services: {} }, 'person:ada');
    });
  });

  describe(`${name}: known bad versions`, () => {
    /** Rolls the newest version back; returns the resulting pin. */
    async function rolledBack(id: IncidentId, from: string, to: string, number = 1): Promise<PinView> {
      const suspect = (await stores.changes.recent(place, 9)).findLast(({ version }) => version === from);
      if (suspect === undefined) throw new Error(`${from} was never deployed`);
      await judged(id, number);
      await acts(id, keyOf(id, number), { automatic: false });
      later(5);
      const moved = { from: from as Version, to: to as Version, suspect: suspect.id };
      await stores.effects.concludeRollback(id, end(id, number, { moved }));
      later(5);
      const pin = (await stores.pins.of(place)).find(({ version }) => version === from);
      if (pin === undefined) throw new Error(`${from} was not pinned`);
      return pin;
    }

    const listed = async (all = false) =>
      (await stores.pins.list({ limit: 500, all })).items.filter(({ service }) => service === place.service);
    const inForce = async () => (await stores.pins.of(place)).map(({ version }) => version);

    test('a rolled-back version is known bad in all queries', async () => {
      const id = await opened();
      await deploy('v1', 9000);
      await deploy('v2', 600);
      const pin = await rolledBack(id, 'v2', 'v1');
      expect(pin).toMatchObject({
        ...place,
        version: 'v2',
        rolled_back_to: 'v1',
        incident_id: id,
        reason: 'rolled back to v1',
        pinned_at: plusSeconds(stores.clock.now(), -5),
        lifted_at: null,
        lifted_by: null,
        state: 'pinned',
        superseded_by: null,
      });
      expect([await listed(), await listed(true), await stores.pins.get(pin.id)]).toEqual([[pin], [pin], pin]);
      expect(await stores.pins.of({ ...place, environment: 'staging' as EnvironmentName })).toEqual([]);
    });

    test('it is superseded while a newer version runs, and known bad again after a rollback', async () => {
      const id = await opened();
      await deploy('v1', 9000);
      await deploy('v2', 600);
      const { id: pin } = await rolledBack(id, 'v2', 'v1');
      await deploy('v3', 0);
      expect([await inForce(), await listed()]).toEqual([[], []]);
      expect(await stores.pins.get(pin)).toMatchObject({ state: 'superseded', superseded_by: 'v3', lifted_at: null });
      expect(await listed(true)).toMatchObject([{ id: pin, state: 'superseded' }]);
      await rolledBack(id, 'v3', 'v1', 2);
      expect(await inForce()).toEqual(['v3', 'v2']);
      expect((await listed()).map(({ version }) => version)).toEqual(['v3', 'v2']);
    });

    test.each([
      ['the same version, deployed again', 'v2', 0, {}],
      ['an older deployment, recorded late', 'v0', 7000, {}],
      ['a deployment that has only started', 'v3', 0, { status: 'started' }],
      ['a failed deployment', 'v3', 0, { status: 'failed' }],
      ['a flag', 'v3', 0, { kind: 'flag' }],
      ['a rollback of another version', 'v0', 0, { kind: 'rollback' }],
      ['a deployment of the restored version, which pipelines report like any other', 'v1', 0, {}],
    ])('it stays known bad after %s', async (_, version, secondsAgo, more) => {
      const id = await opened();
      await deploy('v1', 9000);
      await deploy('v2', 600);
      await rolledBack(id, 'v2', 'v1');
      await deploy(version, secondsAgo, more);
      expect(await inForce()).toEqual(['v2']);
    });

    test('it is not known bad after a person lifted the pin; the first person is recorded', async () => {
      const id = await opened();
      await deploy('v1', 9000);
      await deploy('v2', 600);
      const pin = await rolledBack(id, 'v2', 'v1');
      const lifted = { ...pin, state: 'lifted', lifted_at: stores.clock.now(), lifted_by: 'ada' };
      expect(await stores.pins.lift(pin.id, 'ada')).toEqual(lifted);
      later(1);
      expect(await stores.pins.lift(pin.id, 'bo')).toEqual(lifted);
      expect([await inForce(), await listed(), await listed(true)]).toEqual([[], [], [lifted]]);
    });

    test('an unknown pin cannot be lifted', async () => {
      expect(await stores.pins.get('pin_unknown')).toBeUndefined();
      expect(await stores.pins.lift('pin_unknown', 'ada')).toBeUndefined();
    });

    test('all pins are listed, page by page', async () => {
      const id = await opened();
      await deploy('v1', 90_000);
      for (const [n, version] of ['v2', 'v3', 'v4'].entries()) {
        await deploy(version, 2);
        await rolledBack(id, version, 'v1', n + 1);
      }
      const found = [];
      for (let cursor: string | null | undefined; cursor !== null;) {
        const page = await stores.pins.list({ limit: 2, all: true, ...(cursor && { cursor }) });
        expect(page.items.length).toBeLessThanOrEqual(2);
        found.push(...page.items);
        cursor = page.next_cursor;
      }
      const versions = found.flatMap(({ service, version }) => (service === place.service ? [version] : []));
      expect(versions).toEqual(['v4', 'v3', 'v2']);
    });
  });

  describe(`${name}: deployments in progress`, () => {
    const rolling = async () =>
      (await stores.changes.rolling()).flatMap(({ change: { service, version }, overdueAt }) =>
        service === place.service ? [[version, overdueAt]] : [],
      );

    test('are listed until their end is reported', async () => {
      const { change: begun } = await deploy('v1', 60, { status: 'started' });
      await deploy('v2', 30);
      expect(await rolling()).toEqual([['v1', null]]);
      await stores.changes.patch(begun.id, { has_migration: true });
      expect(await rolling()).toEqual([['v1', null]]);
      await stores.changes.patch(begun.id, { status: 'failed' });
      expect(await rolling()).toEqual([]);
    });

    test('stay marked as overdue until their end is reported', async () => {
      const { change: begun } = await deploy('v1', 600, { status: 'started' });
      const at = plusSeconds(begun.started_at, 300);
      expect(await stores.changes.overdueAt(begun.id)).toBeNull();
      await stores.changes.setOverdue(begun.id, at);
      expect([await stores.changes.overdueAt(begun.id), await rolling()]).toEqual([at, [['v1', at]]]);
      await stores.changes.patch(begun.id, { author: 'ada' });
      expect(await stores.changes.overdueAt(begun.id)).toBe(at);
      await stores.changes.patch(begun.id, { status: 'succeeded' });
      expect([await stores.changes.overdueAt(begun.id), await rolling()]).toEqual([null, []]);
      await stores.changes.setOverdue(begun.id, at);
      expect([await stores.changes.overdueAt(begun.id), await rolling()]).toEqual([null, []]);
    });

    test.each(['failed', 'succeeded', 'cancelled'] as const)(
      'do not start again after they have %s',
      async (status) => {
        const { change: begun } = await deploy('v1', 60, { status: 'started' });
        expect(await stores.changes.patch(begun.id, { status: 'started' })).toEqual(begun);
        const over = await stores.changes.patch(begun.id, { status });
        expect(await stores.changes.patch(begun.id, { status: 'started', author: 'ada' })).toBe('ended');
        expect([await stores.changes.get(begun.id), await rolling()]).toEqual([over, []]);
      },
    );
  });

  describe(`${name}: failed deployments`, () => {
    const failures = async () =>
      (await stores.changes.failures()).flatMap(({ change: { service, version, status }, failedAt }) =>
        service === place.service ? [[version, status, failedAt]] : [],
      );

    test('are listed with the first reported time until they are reported as over', async () => {
      const { change: begun } = await deploy('v1', 600, { status: 'started' });
      const { change: told } = await deploy('v2', 300, { status: 'failed' });
      await deploy('v3', 60);
      expect(await failures()).toEqual([['v2', 'failed', told.finished_at]]);
      await stores.changes.patch(begun.id, { status: 'failed', finished_at: plusSeconds(begun.started_at, 20) });
      await stores.changes.patch(begun.id, { status: 'failed', finished_at: plusSeconds(begun.started_at, 30) });
      await stores.changes.patch(begun.id, { status: 'succeeded' });
      expect(new Set(await failures())).toEqual(
        new Set([
          ['v1', 'succeeded', plusSeconds(begun.started_at, 20)],
          ['v2', 'failed', told.finished_at],
        ]),
      );
      for (const { id } of [begun, told]) await stores.changes.endFailure(id);
      await stores.changes.endFailure(told.id);
      expect(await failures()).toEqual([]);
    });
  });

  describe(`${name}: the live version`, () => {
    const runs = async () =>
      (await stores.changes.live()).flatMap(({ service, version }) => (service === place.service ? [version] : []));

    test('is the newest successful one, until that turns out to have failed', async () => {
      expect(await runs()).toEqual([]);
      await deploy('v1', 900);
      const { change: second } = await deploy('v2', 300);
      await deploy('v0', 7000);
      await deploy('v3', 10, { status: 'started' });
      await deploy('flag', 5, { kind: 'flag' });
      expect(await runs()).toEqual(['v2']);
      await stores.changes.patch(second.id, { status: 'failed' });
      expect(await runs()).toEqual(['v1']);
    });
  });

  describe(`${name}: changes with a start in the future`, () => {
    test('do not count until that time, except for small clock differences', async () => {
      const runs = async () =>
        (await stores.changes.live()).flatMap(({ service, version }) => (service === place.service ? [version] : []));
      const recent = async () => (await stores.changes.recent(place, 2)).map(({ version }) => version);
      await deploy('v1', 900);
      for (const [version, ahead] of Object.entries({ v7: 20, v8: 3, v9: 999 })) await deploy(version, -ahead * 3600);
      expect([await runs(), await recent()]).toEqual([['v1'], ['v1']]);
      await deploy('v2', 60);
      await deploy('v3', -60);
      expect([await runs(), await recent()]).toEqual([['v3'], ['v2', 'v3']]);
    });
  });

  /** Deploys, this many seconds ago. */
  function deploy(version: string, secondsAgo: number, more: object = {}) {
    const started_at: Timestamp = plusSeconds(stores.clock.now(), -secondsAgo);
    return stores.changes.record(NewChange.parse({ ...place, version, started_at, ...more }));
  }

  describe(`${name}: changes`, () => {
    test('a repeated report is the same change', async () => {
      const first = await deploy('v1', 60, { author: 'ada' });
      expect(first).toMatchObject({
        created: true,
        change: { kind: 'deploy', status: 'succeeded', has_migration: null },
      });
      const again = await deploy('v1', 60, { author: 'bo' });
      expect(again).toEqual({ created: false, change: first.change });
      expect(await stores.changes.get(first.change.id)).toEqual(first.change);
      expect((await deploy('v1', 60, { kind: 'hotfix' })).created).toBe(true);
    });

    test('the newest of a service and environment are returned oldest first, however late they were recorded', async () => {
      for (const [version, secondsAgo] of [
        ['v3', 10],
        ['v1', 300],
        ['v2', 100],
      ] as const)
        await deploy(version, secondsAgo);
      const versions = async (limit: number) =>
        (await stores.changes.recent(place, limit)).map(({ version }) => version);
      expect([await versions(9), await versions(2)]).toEqual([
        ['v1', 'v2', 'v3'],
        ['v2', 'v3'],
      ]);
    });

    test('a deployment in progress gets its outcome later', async () => {
      const { change: rolling } = await deploy('v1', 60, { status: 'started' });
      expect(rolling).toMatchObject({ status: 'started', finished_at: null });
      const done = await stores.changes.patch(rolling.id, { status: 'succeeded', has_migration: false });
      expect(done).toMatchObject({
        id: rolling.id,
        status: 'succeeded',
        has_migration: false,
        finished_at: stores.clock.now(),
      });
      expect(await stores.changes.get(rolling.id)).toEqual(done);
      expect(await stores.changes.patch('chg_00000000000000000000000000' as typeof rolling.id, {})).toBeUndefined();
    });

    test('one recorded afterwards ended when it started, unless reported otherwise', async () => {
      const { change: done } = await deploy('v1', 7200);
      expect(done.finished_at).toBe(done.started_at);
    });
  });

  describe(`${name}: the kill switch`, () => {
    test('has the last written value', async () => {
      const written = await stores.automation.write(
        {
          paused: true,
          reason: 'drill',
          mode: 'suggest',
          services: { checkout: { mode: null, environments: { production: 'shadow' } } },
        },
        'person:ada',
      );
      expect(written).toMatchObject({ paused: true, by: 'person:ada', at: stores.clock.now() });
      expect(await stores.automation.read()).toEqual(written);
    });

    test('keeps omitted limits, and removes those set to null', async () => {
      const write = async (told: NonNullable<AutomationInput['services']>) => {
        const written = await stores.automation.write({ services: told }, 'person:ada');
        return Object.fromEntries(Object.entries(written.services).filter(([key]) => key.startsWith(place.service)));
      };
      const [one, another] = [`${place.service}-one`, `${place.service}-other`];
      await write({ [one]: { mode: 'approve', environments: { production: 'shadow', staging: 'act' } } });
      const both = await write({ [another]: { mode: 'suggest' } });
      expect(both).toEqual({
        [one]: { mode: 'approve', environments: { production: 'shadow', staging: 'act' } },
        [another]: { mode: 'suggest', environments: {} },
      });
      expect(await write({})).toEqual(both);
      expect(await write({ [one]: { environments: { production: null, lab: 'suggest' } } })).toMatchObject({
        [one]: { mode: 'approve', environments: { staging: 'act', lab: 'suggest' } },
      });
      expect(await write({ [one]: { mode: null } })).toMatchObject({
        [one]: { mode: null, environments: { staging: 'act', lab: 'suggest' } },
      });
      expect(await write({ [one]: null })).toEqual({ [another]: { mode: 'suggest', environments: {} } });
      expect(await write({ [another]: null })).toEqual({});
    });

    test('applies all concurrent changes', async () => {
      const names = ['a', 'b', 'c'].map((letter) => `${place.service}-${letter}`);
      await Promise.all([
        ...names.map((cap) => stores.automation.write({ services: { [cap]: { mode: 'shadow' } } }, 'person:ada')),
        stores.automation.write({ paused: true }, 'person:bo'),
      ]);
      const set = await stores.automation.read();
      expect([set.paused, names.map((cap) => set.services[cap]?.mode)]).toEqual([true, ['shadow', 'shadow', 'shadow']]);
      const none = Object.fromEntries(names.map((cap) => [cap, null]));
      await stores.automation.write({ paused: false, services: none }, 'person:ada');
    });
  });
}
