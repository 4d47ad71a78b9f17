import { beforeEach, describe, expect, test } from 'vitest';
import type { GroupReason, Opening } from '../../../../core/domain/incidents/incident-group.ts';
import type { EnvironmentName, IncidentId, ServiceName } from '../../../../schemas/config/names.ts';
import { plusSeconds, type Timestamp } from '../../../../schemas/time/time.ts';
import {
  acts,
  here,
  admit,
  later,
  record,
  isPending,
  timeline,
  closed,
  stores,
  serviceEnvironment,
  TRACE,
  note,
  inTheTable,
} from '../../stores/promises.ts';

inTheTable(() => {
  describe('many at once', () => {
    const groupReason: GroupReason = { because: 'many', name: '', text: '6 incidents in 5 minutes' };
    const parent = () =>
      stores.incidentGroups.openParent(serviceEnvironment.environment, groupReason, 'six at once', TRACE);
    const child = async (one = 1) => {
      const [id] = (
        await admit(
          here({
            service: `${serviceEnvironment.service}-${one}` as ServiceName,
            fingerprint: `${serviceEnvironment.service}/child-${one}`,
          }),
        )
      ).opened;
      return id as IncidentId;
    };

    const openedSince = (since: Timestamp, isEnough?: (opening: Opening) => boolean) =>
      stores.incidentGroups.newestOpenings({ since, until: stores.clock.now() }, isEnough);

    beforeEach(() => {
      serviceEnvironment.environment = `crowded-${serviceEnvironment.service}` as EnvironmentName;
    });

    test('opened incidents are found by time, oldest first, regardless of who opened them', async () => {
      const since = plusSeconds(stores.clock.now(), 1);
      await child(1);
      later(2);
      const second = await child(2);
      later(1);
      const by = { title: 'a drill', severity: 'warning', by: 'person:ada', trace: TRACE } as const;
      const third = await stores.incidents.declare({ ...serviceEnvironment, ...by });
      const began = here().startsAt;
      const found = (await openedSince(since)).filter(
        ({ environment }) => environment === serviceEnvironment.environment,
      );
      expect(found).toMatchObject([
        { id: second, at: plusSeconds(since, 1), began, service: `${serviceEnvironment.service}-2`, unmatched: null },
        { id: third.id, service: serviceEnvironment.service },
      ]);
      expect(found[1]).not.toHaveProperty('began');
      expect(new Set(found.map(({ scope }) => scope)).size).toBe(2);
    });

    test('openings are read from the newest until there are enough, with both limits of the time', async () => {
      const times = [stores.clock.now()];
      const opened = [await child(1)];
      for (let more = 2; more <= 25; more += 1) {
        later(1);
        times.push(stores.clock.now());
        opened.push(await child(more));
      }
      const own = ({ environment }: Opening): boolean => environment === serviceEnvironment.environment;
      const since = times[0] as Timestamp;
      expect((await openedSince(since)).filter(own).map(({ id }) => id)).toEqual(opened);
      let taken = 0;
      const newest = await openedSince(since, (one) => own(one) && (taken += 1) === 22); // more than are read together
      expect(newest.filter(own).map(({ id }) => id)).toEqual(opened.slice(-22));
      const early = await stores.incidentGroups.newestOpenings({ since, until: times[1] as Timestamp });
      expect(early.filter(own).map(({ id }) => id)).toEqual(opened.slice(0, 2));
      const failing = await stores.incidentGroups.stillFailing((await openedSince(since)).filter(own), 23);
      expect(failing.map(({ id }) => id)).toEqual(opened.slice(-23));
    });

    test('the openings of a service are found by time, newest first, without incidents that are never grouped', async () => {
      const by = { title: 'a drill', severity: 'warning', by: 'person:ada', trace: TRACE } as const;
      const { service } = serviceEnvironment;
      const declare = async (alone?: true) =>
        (await stores.incidents.declare({ ...serviceEnvironment, ...by, ...(alone && { alone }) })).id;
      await closed(await declare());
      later(1);
      const since = stores.clock.now();
      const second = await declare();
      await closed(second);
      later(1);
      const at = stores.clock.now();
      const third = await declare();
      await closed(third);
      later(1);
      const alone = await declare(true);
      const found = await stores.incidentGroups.openingsOf(service, since);
      expect(found.map((one) => one.at)).toEqual([at, since]);
      expect(new Set(found.map(({ scope }) => scope)).size).toBe(1);
      const opening = (id: IncidentId, opened_at: Timestamp) => stores.incidentGroups.opening({ id, opened_at });
      expect(await opening(third, at)).toMatchObject({ id: third, at, service, scope: found[0]?.scope });
      expect(await opening(alone, stores.clock.now())).toBeUndefined();
    });

    test('resolved incidents do not count as failing, nor mitigated ones after half a minute', async () => {
      const since = stores.clock.now();
      const [failing, mitigating, mitigated, over] = [await child(1), await child(2), await child(3), await child(4)];
      await stores.incidents.post(mitigating, note, { status: 'mitigating' });
      await stores.incidents.post(mitigated, note, { status: 'mitigated' });
      await closed(over);
      later(30);
      const all = (await openedSince(since)).filter(
        ({ environment }) => environment === serviceEnvironment.environment,
      );
      expect(all).toHaveLength(4);
      const found = (await stores.incidentGroups.stillFailing(all)).map(({ id }) => id);
      expect(found.toSorted()).toEqual([failing, mitigating].toSorted());
      const [just] = [await child(5)];
      await stores.incidents.post(just, note, { status: 'mitigated' });
      const fresh = (await openedSince(since)).filter(({ id }) => id === just);
      expect(await stores.incidentGroups.stillFailing(fresh)).toHaveLength(1);
    });

    test('an environment has one open parent, which is critical and waits for its start', async () => {
      expect(await stores.incidentGroups.parentIn(serviceEnvironment.environment)).toBeUndefined();
      const id = await parent();
      expect(await parent()).toBe(id);
      expect(await isPending(id)).toBe(true);
      const found = await stores.incidentGroups.parentIn(serviceEnvironment.environment);
      expect(found?.lastJoinedAt).toBe(stores.clock.now());
      expect(found?.incident).toEqual(await record(id));
      expect(found?.incident).toMatchObject({
        service: 'several-services',
        environment: serviceEnvironment.environment,
        severity: 'critical',
        title: 'six at once',
        status: 'open',
        firing: 0,
        group_reason: groupReason,
        trace: TRACE,
      });
      expect(await stores.incidentGroups.parentIn(`${serviceEnvironment.environment}-b`)).toBeUndefined();
    });

    test('the next parent opens when the last one is resolved', async () => {
      const first = await parent();
      await closed(first);
      expect(await stores.incidentGroups.parentIn(serviceEnvironment.environment)).toBeUndefined();
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
      expect((await stores.incidentGroups.parentIn(serviceEnvironment.environment))?.lastJoinedAt).toBe(
        stores.clock.now(),
      );
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
      expect(await stores.incidentGroups.children(into)).toEqual([]);
      const joinedAt = stores.clock.now();
      for (const part of [a, b]) await stores.incidentGroups.join(into, part);
      later(1);
      await closed(b);
      expect(await stores.incidentGroups.children(into)).toEqual([
        { incident: await record(a), joinedAt },
        { incident: await record(b), joinedAt },
      ]);
      expect(await stores.incidents.view(into)).toMatchObject({ children: { incidents: 2, open: 1, firing: 1 } });
      expect(await stores.incidents.view(a)).not.toHaveProperty('parts');
      expect(await stores.incidentGroups.detach(into, a, { page: true, text: 'goes on' })).toBe(true);
      expect(await stores.incidents.view(into)).toMatchObject({ children: { incidents: 1, open: 0, firing: 0 } });
      expect(await stores.incidentGroups.children(into)).toMatchObject([{ incident: { id: b } }]);
    });

    test('a child that is removed gets one message, and is not counted', async () => {
      const [into, part] = [await parent(), await child()];
      await stores.incidentGroups.join(into, part);
      await closed(into);
      later(1);
      const { seq } = await record(part);
      for (const let_go of [true, false])
        expect(await stores.incidentGroups.detach(into, part, { page: true, text: 'It goes on by itself' })).toBe(
          let_go,
        );
      expect(await record(part)).not.toHaveProperty('parent_id');
      expect(await record(into)).toMatchObject({ firing: 0 });
      expect(await stores.incidentGroups.childEnded(into, part)).toMatchObject({ firing: 0 });
      expect((await stores.incidents.readInbox(part, seq, null)).messages).toEqual([
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
      await stores.incidentGroups.detach(into, part, { page: false, text: '' });
      const next = await parent();
      expect(await stores.incidentGroups.join(next, part)).toBe('joined');
      expect(await record(part)).toMatchObject({ parent_id: next });
      expect(await stores.incidentGroups.detach(into, part, { page: false, text: '' })).toBe(false);
    });

    test('a resolved incident or one that is not a child cannot be removed', async () => {
      const [into, part, alone] = [await parent(), await child(1), await child(2)];
      await stores.incidentGroups.join(into, part);
      await closed(part);
      for (const one of [part, alone, '01TESTNOSUCH00000000000000' as IncidentId])
        expect(await stores.incidentGroups.detach(into, one, { page: true, text: '' })).toBe(false);
      expect(await record(part)).toMatchObject({ parent_id: into });
    });

    test('one child of a parent is rolled back automatically; a person can approve further rollbacks', async () => {
      const [into, a, b] = [await parent(), await child(1), await child(2)];
      for (const part of [a, b]) await stores.incidentGroups.join(into, part);
      expect(await acts(a, 'first')).toMatchObject({ ok: true });
      expect(await acts(a, 'first')).toMatchObject({ ok: true });
      expect(await record(into)).toMatchObject({ group_rollback: { incident_id: a, key: 'first' } });
      expect(await acts(b, 'second')).toMatchObject({ ok: false, reason: { code: 'group_rolled_back' } });
      expect(await record(b)).toMatchObject({ status: 'open' });
      expect(await acts(b, 'second', { automatic: false })).toMatchObject({ ok: true });
      expect(await record(into)).toMatchObject({ group_rollback: { incident_id: a } });
    });

    test('a child that was rolled back before it joined counts as the rollback of its group', async () => {
      const [into, a, b] = [await parent(), await child(1), await child(2)];
      await acts(a, 'before');
      for (const part of [a, b]) await stores.incidentGroups.join(into, part);
      expect(await record(into)).toMatchObject({ group_rollback: { incident_id: a } });
      expect(await acts(b, 'second')).toMatchObject({ ok: false, reason: { code: 'group_rolled_back' } });
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

    test('the story of a parent lists open children first, the newest first, also if the oldest ones do not fit', async () => {
      const into = await parent();
      const parts: IncidentId[] = [];
      for (let n = 1; n <= 52; n += 1) {
        later(1);
        parts.push(await child(n));
      }
      for (const part of parts) await stores.incidentGroups.join(into, part);
      const [, , oldest, ...others] = parts;
      await closed(others.at(-1) ?? into);
      const shown = async () => (await stores.incidents.story(into, null))?.children.map(({ id }) => id);
      expect(await shown()).toEqual([...others.slice(0, -1).toReversed(), oldest, others.at(-1)]);
      await closed(others.at(-2) ?? into);
      expect((await shown())?.slice(-2)).toEqual([others.at(-1), others.at(-2)]);
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
        {
          id: a,
          service: `${serviceEnvironment.service}-1`,
          environment: serviceEnvironment.environment,
          status: 'open',
          severity: 'critical',
        },
        { id: b, service: `${serviceEnvironment.service}-2`, status: 'resolved' },
      ]);
      expect(story).toMatchObject({ childCount: 2, parent: null });
      const own = { id: into, channel: '#incident-2611201' };
      expect(await stores.incidents.story(a, null)).toMatchObject({ parent: own, children: [], childCount: 0 });
    });
  });
});
