import { describe, expect, test } from 'vitest';
import { arrivals } from '../../../support/signals.ts';
import type { IncidentRecord } from '../../../../schemas/incidents/incident.ts';
import type { Message } from '../../../../schemas/incidents/inbox.ts';
import type { IncidentId } from '../../../../schemas/config/names.ts';
import type { Signal } from '../../../../schemas/alerts/signal.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import {
  here,
  other,
  ended,
  admit,
  later,
  opened,
  record,
  mailOf,
  isPending,
  timeline,
  closed,
  judged,
  rollbackBegun,
  end,
  stores,
  serviceEnvironment,
  TRACE,
  note,
  inTheTable,
} from '../../stores/promises.ts';

inTheTable(() => {
  describe('the story of an incident', () => {
    test.each([
      [1, undefined],
      [60, 5],
    ])('tells the end of a problem before the next one, at time scale %s', async (timeScale, endedAfter) => {
      const id = await opened(here());
      const openedAt = stores.clock.now();
      await stores.incidents.post(id, note, {
        status: 'mitigated',
        verification: 'pending',
        verifying: { number: 1, at: openedAt },
      });
      later(5);
      await admit(ended(here()));
      later(3);
      const again = other({ startsAt: stores.clock.now() });
      await stores.incidents.admit(arrivals([again]), { at: stores.clock.now(), trace: TRACE }, { timeScale });
      const [before] = (await record(id)).earlier_problems ?? [];
      expect(before?.recovered_at).toBe(endedAfter === undefined ? undefined : plusSeconds(openedAt, endedAfter));
    });

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
      expect(told.map(({ position: at }) => at)).toEqual(told.map(({ position: at }) => at).toSorted());
      const last = told.at(-1)?.position ?? '';
      expect((await stores.incidents.story(id, last))?.timeline).toEqual([]);
      const { timeline: _timeline, ...others } = (await stores.incidents.story(id, null)) ?? expect.unreachable();
      expect(await stores.incidents.overview(id)).toEqual(others);
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

  describe('the record of an incident', () => {
    test('keeps the similar incidents of the last comparison', async () => {
      const id = await opened();
      const similar = {
        id: '01TEST00000000000000000009' as IncidentId,
        title: 'Errors',
        opened_at: here().startsAt,
        reasons: ['same alert: Errors'],
        fixed_by: null,
        open_action_items: 1,
      };
      await stores.incidents.setSimilar(id, [similar]);
      expect((await stores.incidents.read(id))?.similar).toEqual([similar]);
      await stores.incidents.setSimilar(id, []);
      expect((await stores.incidents.read(id))?.similar).toEqual([]);
    });

    test('has the alerts as they were admitted, and all messages with their times', async () => {
      const id = await opened(here());
      later(60);
      await admit(other({ startsAt: plusSeconds(here().startsAt, 30) }));
      const { signals, messages, truncated } = await stores.incidents.inputs(id, 10);
      expect(signals.map(({ episode, received_at }) => [episode, typeof received_at])).toEqual([
        [here().episode, 'string'],
        [other({ startsAt: plusSeconds(here().startsAt, 30) }).episode, 'string'],
      ]);
      expect(truncated).toBe(false);
      expect(messages).toMatchObject([
        { seq: 1, at: signals[1]?.first_seen_at, message: { kind: 'signals', fired: 1 } },
      ]);
      expect(await stores.incidents.inputs(id, 1)).toMatchObject({ signals: [{}], truncated: true });
    });
  });

  describe('the inbox', () => {
    test('returns new messages in order, and the state of the incident', async () => {
      const id = await opened();
      await stores.incidents.post(id, note);
      await stores.incidents.post(id, { kind: 'page', by: 'ada', note: 'help' });
      const event = await stores.incidents.readInbox(id, 1, null);
      expect(event).toMatchObject({
        messages: [{ seq: 2, message: { kind: 'page' } }],
        firing: 1,
        status: 'open',
        severity: 'critical',
      });
      expect((await stores.incidents.readInbox(id, 2, null)).messages).toEqual([]);
    });

    test('is empty at first, and read messages are not pending', async () => {
      const id = await opened();
      await stores.incidents.post(id, note);
      expect(await isPending(id)).toBe(true);
      await stores.incidents.readInbox(id, 0, 'bell-1');
      expect(await isPending(id)).toBe(false);
      expect(await record(id)).toMatchObject({ consumed_seq: 1, callbacks: { inbox: 'bell-1' } });
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
      const first = await stores.incidents.readInbox(id, 0, null);
      expect(first.messages).toHaveLength(100);
      expect(await isPending(id)).toBe(true);
      expect((await stores.incidents.readInbox(id, 100, null)).messages.map(({ seq }) => seq)).toEqual([101, 102, 103]);
    });
  });

  describe('closing', () => {
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

  describe('manual incidents, and their runs', () => {
    const byHand = () =>
      stores.incidents.declare({
        ...serviceEnvironment,
        title: 'a drill',
        severity: 'warning',
        by: 'person:ada',
        trace: TRACE,
      });

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
      expect(await stores.incidents.begin(id)).toMatchObject({
        unfinished: [2],
        incident: { started_run: 0, mitigations: 2 },
      });
      await stores.incidents.markStarted(id, 1, 'arn:1');
      expect(await record(id)).toMatchObject({ started_run: 1 });
    });

    test('a rollback that is not verified yet is unfinished', async () => {
      const id = await opened();
      await judged(id, 1);
      await rollbackBegun(id);
      await stores.effects.concludeRollback(id, end(id, 1));
      expect((await stores.incidents.begin(id))?.unfinished).toEqual([1]);
      await stores.incidents.post(id, note, { verification: 'passed' });
      expect((await stores.incidents.begin(id))?.unfinished).toEqual([]);
    });

    test('a run of an unknown incident cannot start', async () => {
      expect(await stores.incidents.begin('01TESTNOSUCH00000000000000' as IncidentId)).toBeUndefined();
    });

    test('the next run takes over, and waits for its start', async () => {
      const id = await opened();
      await stores.incidents.markStarted(id, 1, 'arn:1');
      await stores.incidents.readInbox(id, 0, null);
      await stores.incidents.handOver(id, 2, 'Handed over');
      await stores.incidents.handOver(id, 2, 'Handed over');
      expect(await record(id)).toMatchObject({ run: 2, started_run: 1 });
      expect(await isPending(id)).toBe(true);
      expect(await timeline(id)).toEqual(['workflow.handed_over', 'incident.opened']);
    });

    test('a late write of a failed run does not take back the start of the next one', async () => {
      const id = await opened();
      await stores.incidents.handOver(id, 2, 'Run 1 has failed');
      await stores.incidents.markStarted(id, 2, 'arn:2');
      await stores.incidents.markStarted(id, 1, 'arn:1');
      expect(await record(id)).toMatchObject({ run: 2, started_run: 2, execution: 'arn:2' });
    });

    test('returns messages up to an unreadable one, and skips that only on request', async () => {
      const id = await opened();
      const future = { kind: 'of-the-future', by: 'ada' } as unknown as Message;
      for (const message of [note, future, note]) await stores.incidents.post(id, message);
      const event = await stores.incidents.readInbox(id, 0, 'bell');
      expect(event).toMatchObject({
        messages: [{ seq: 1, message: note }],
        unreadable: { seq: 2, kind: 'of-the-future' },
      });
      expect(await stores.incidents.readInbox(id, 1, 'bell')).toMatchObject({ messages: [], unreadable: { seq: 2 } });
      later(60);
      expect(await isPending(id)).toBe(true);
      expect(await record(id)).toMatchObject({ consumed_seq: 1 });
      await stores.incidents.handOver(id, 2, 'Handed over', { unread: 2, resolveBy: 'person:ada' });
      expect(await record(id)).toMatchObject({ run: 2, unreadable: 2, resolve_by: 'person:ada' });
      await stores.incidents.handOver(id, 3, 'Handed over');
      expect(await record(id)).not.toHaveProperty('unreadable');
      expect(await record(id)).not.toHaveProperty('resolve_by');
      await stores.incidents.skipUnread(id, { seq: 2, kind: 'of-the-future' });
      await stores.incidents.skipUnread(id, { seq: 2, kind: 'of-the-future' });
      expect((await timeline(id)).filter((kind) => kind === 'inbox.skipped')).toHaveLength(1);
      expect(await stores.incidents.readInbox(id, 2, null)).toMatchObject({ messages: [{ seq: 3, message: note }] });
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

  describe('roles and acknowledgment', () => {
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
      expect(await incidents.amend(id, () => ({ handling: { acknowledged: said }, timeline: acknowledged }))).toBe(
        'done',
      );
      expect(await record(id)).toMatchObject({
        roles: { commander: { shown: 'Ada' } },
        handling: { acknowledged: said },
      });
      expect((await incidents.view(id))?.roles).toEqual({ commander: 'Ada' });
      expect(await timeline(id)).toEqual(['acknowledged', 'role.taken', 'incident.opened']);
      const without = { ...acknowledged, kind: 'role.left' };
      expect(await incidents.amend(id, () => ({ roles: { commander: null }, timeline: without }))).toBe('done');
      expect(await record(id)).toMatchObject({ roles: {}, handling: { acknowledged: said } });
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

  describe('alerts without a reported end', () => {
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
      await stores.incidents.confirmEpisodes(id, []);
      await stores.incidents.confirmEpisodes(id, [one.episode]);
      await stores.incidents.confirmEpisodes(id, [one.episode]);
      expect(await seen()).toEqual({ [one.episode]: true, [other().episode]: false });
      const again = other({ startsAt: plusSeconds(here().startsAt, 60) });
      await stores.incidents.confirmEpisodes(id, [other().episode]);
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
});
