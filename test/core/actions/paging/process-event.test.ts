import { beforeEach, describe, expect, test } from 'vitest';
import { isAcknowledged } from '../../../../core/domain/paging/acknowledgement.ts';
import { pageNote } from '../../../../core/domain/paging/page-note.ts';
import { pageKey } from '../../../../core/domain/paging/pages.ts';
import { Config } from '../../../../schemas/config/config.ts';
import type { IncidentId } from '../../../../schemas/config/names.ts';
import { acknowledgePages } from '../../../../core/actions/paging/acknowledge-pages.ts';
import { identifyPagerUsers } from '../../../../core/actions/paging/identify-users.ts';
import type { VendorResponse } from '../../../../core/domain/ports/vendor-response.ts';
import { plusSeconds, timestamp } from '../../../../schemas/time/time.ts';
import { ends, fires, theIncident } from '../../../workflows/play.ts';
import { type FakeWorld, idleEngine } from '../../../support/fake-deps.ts';
import { about, Receiver } from './webhooks.ts';

let receiver: Receiver;
let world: FakeWorld;
let id: IncidentId;

/** Opens an incident whose alert fires, with a sent page. */
beforeEach(async () => {
  receiver = new Receiver();
  ({ world } = receiver);
  world.engine = idleEngine();
  set({});
  await fires()(world);
  id = theIncident(world);
  await paged();
});

async function paged(followed?: { id: string; url: null; assigned_to: string[] }, number = 1) {
  const key = pageKey(id, number);
  const effect = { key, kind: 'page', target: 'pagerduty', class: 'keyed', detail: '' } as const;
  await world.deps.effects.intend(id, { ...effect, ...(followed && { followed }) }, { page: number });
  await world.deps.effects.conclude(id, key, 'succeeded', 'paged');
}

function set(more: object): void {
  world.config = Config.parse({
    version: 'test',
    services: { checkout: { environments: { production: {} } } },
    paging: {},
    people: { people: { ada: { name: 'Ada', pagerduty: 'PTUXL6G', slack: 'U024BE7LH' } } },
    ...more,
  });
}

const ours = (name: string, change: { data?: object; event?: object } = {}) =>
  about(`webhook-incident-${name}`, { key: pageKey(id, 1), ...change });

/** Makes the PagerDuty incident ID known. Some events contain only this ID and no deduplication key. */
async function knows(): Promise<void> {
  await receiver.happens(ours('triggered'));
}

/** Opens an incident of another environment. */
async function another(): Promise<IncidentId> {
  await fires({ name: 'Other', labels: { service: 'search', environment: 'staging' } })(world);
  return [...world.store.dossiers.keys()].find((one) => one !== id) ?? expect.unreachable();
}

const record = async () => (await world.deps.incidents.read(id)) ?? expect.unreachable();
const said = () =>
  (world.store.dossiers.get(id)?.timeline ?? []).flatMap(({ kind, actor, text }) =>
    /^(page\.(?!succeeded)|role|resolve)/.test(kind) ? [`${actor}: ${text}`] : [],
  );
const kinds = () =>
  (world.store.dossiers.get(id)?.timeline ?? []).flatMap(({ kind }) =>
    /^page\.(?!succeeded)/.test(kind) ? [kind] : [],
  );
const inbox = () => world.store.dossiers.get(id)?.inbox.map(({ message }) => message) ?? [];

test('whom PagerDuty notifies of a page is recorded for what-if, once, and without a timeline entry', async () => {
  await paged();
  await receiver.happens(ours('triggered'));
  await receiver.happens(ours('triggered'));
  expect((await record()).handling?.paged).toEqual([{ page: 1, at: expect.any(String), people: ['ada'] }]);
  expect(said()).toEqual([]);
  await receiver.happens(ours('triggered', { data: { assignees: [] }, event: { id: 'another' } }));
  expect((await record()).handling?.paged).toHaveLength(1);
});

describe('an acknowledgement at PagerDuty', () => {
  test('by a person in people.yaml counts, and gives command', async () => {
    await receiver.happens(ours('acknowledged'));
    const { handling, roles } = await record();
    expect(handling?.acknowledged).toMatchObject({ by: 'ada' });
    expect(roles?.commander).toMatchObject({ name: 'ada', shown: 'Ada', slack: 'U024BE7LH' });
    expect(said()).toEqual([
      'ada: Acknowledged at PagerDuty by Ada',
      'ada: Ada is the incident commander, because they acknowledged the page at PagerDuty',
    ]);
  });

  test('has no effect when it is repeated', async () => {
    await receiver.happens(ours('acknowledged'));
    const before = [await record(), said()];
    await receiver.happens(ours('acknowledged'));
    expect([await record(), said()]).toEqual(before);
  });

  test("by an unlisted person uses PagerDuty's name", async () => {
    set({ people: {} });
    await receiver.happens(ours('acknowledged'));
    const { handling, roles } = await record();
    expect(handling?.acknowledged?.by).toBe('pagerduty:PTUXL6G');
    expect(roles?.commander).toMatchObject({ name: 'pagerduty:PTUXL6G', shown: 'On-call One', slack: null });
  });

  test('by a person known by email reads the address from PagerDuty', async () => {
    set({ people: { people: { grace: { email: 'grace@example.com' } } } });
    Object.assign(world.deps, {
      onCall: { ...world.deps.onCall, email: async () => ({ kind: 'done', value: 'Grace@example.com' }) },
    });
    await receiver.happens(ours('acknowledged'));
    expect((await record()).handling?.acknowledged?.by).toBe('grace');
  });

  test('does not replace the commander or the first acknowledgement', async () => {
    await receiver.happens(ours('acknowledged'));
    const agent = { id: 'POTHER', type: 'user_reference', summary: 'Bob' };
    await receiver.happens(ours('acknowledged', { event: { id: 'E2', agent } }));
    const { handling, roles } = await record();
    expect([handling?.acknowledged?.by, roles?.commander?.name]).toEqual(['ada', 'ada']);
    expect(said().at(-1)).toBe('pagerduty:POTHER: Acknowledged at PagerDuty by Bob');
  });

  test('by an integration, including Firebreak itself, is ignored', async () => {
    const agent = { id: 'PINT', type: 'service_reference', summary: 'Firebreak' };
    await receiver.happens(ours('acknowledged', { event: { agent } }));
    await receiver.happens(ours('acknowledged', { event: { id: 'E2', agent: null } }));
    expect([said(), (await record()).handling]).toEqual([[], undefined]);
  });
});

describe('a page resolved at PagerDuty by a person', () => {
  test('is a timeline entry while alerts fire, and the incident continues', async () => {
    await receiver.happens(ours('resolved'));
    await receiver.happens(ours('resolved'));
    expect(said()).toEqual([
      'ada: Resolved at PagerDuty by Ada, but 1 alert still fires; the incident stays open until it is resolved in Firebreak',
    ]);
    expect(inbox().filter(({ kind }) => kind === 'resolve')).toEqual([]);
    expect(kinds()).toEqual(['page.dismissed']);
  });

  test('does not count as an acknowledgement while alerts fire, and does not stop other pages', async () => {
    await paged(undefined, 2);
    await receiver.happens(ours('resolved'));
    expect(said()).toEqual([
      'ada: Resolved at PagerDuty (page 1 of 2) by Ada, but 1 alert still fires; the incident stays open until it is resolved in Firebreak',
    ]);
    const { handling, roles } = await record();
    expect([isAcknowledged(await record()), handling?.acknowledged, roles?.commander]).toEqual([
      false,
      undefined,
      undefined,
    ]);
    await acknowledgePages(world.deps, id);
    expect(world.calls).toEqual([]);
  });

  test('keeps an earlier acknowledgement', async () => {
    await receiver.happens(ours('acknowledged'));
    await receiver.happens(ours('resolved'));
    expect([isAcknowledged(await record()), (await record()).roles?.commander?.name]).toEqual([true, 'ada']);
  });

  test('resolves the incident if no alert fires', async () => {
    await ends()(world);
    await receiver.happens(ours('resolved'));
    await receiver.happens(ours('resolved'));
    expect(inbox().filter(({ kind }) => kind === 'resolve')).toEqual([
      { kind: 'resolve', by: 'ada', note: 'Resolved at PagerDuty by Ada' },
    ]);
    expect(said()).toEqual(['ada: Resolved at PagerDuty by Ada']);
  });

  test('resolves the incident in any case if response.yaml says so', async () => {
    set({ response: { pagerduty: { resolve: 'resolve' } } });
    await receiver.happens(ours('resolved'));
    expect(inbox().at(-1)).toMatchObject({ kind: 'resolve' });
  });

  test('by Firebreak is ignored', async () => {
    await receiver.happens(ours('resolved', { event: { agent: null } }));
    expect(said()).toEqual([]);
  });

  test('by merging continues with the other PagerDuty incident', async () => {
    const resolve_reason = { type: 'merge_resolve_reason', incident: { id: 'PINTO', type: 'incident_reference' } };
    await receiver.happens(ours('resolved', { data: { resolve_reason } }));
    expect(said()).toEqual(['ada: Merged at PagerDuty by On-call One into PINTO']);
    await receiver.happens(
      about('webhook-incident-acknowledged', { key: 'theirs', data: { id: 'PINTO' }, event: { id: 'E2' } }),
    );
    expect((await record()).handling?.acknowledged?.by).toBe('ada');
  });

  test.each(['another incident of Firebreak', 'another page of the same incident'])(
    'by merging into %s continues with both',
    async (into) => {
      const [other, number] = into.startsWith('another page') ? [id, 2] : [await another(), 1];
      const theirs = (event: string, type: string) =>
        about(`webhook-incident-${type}`, {
          key: `${other}.page.${number}`,
          data: { id: 'PINTO' },
          event: { id: event },
        });
      await receiver.happens(theirs('E1', 'triggered'));
      const resolve_reason = { type: 'merge_resolve_reason', incident: { id: 'PINTO', type: 'incident_reference' } };
      await receiver.happens(ours('resolved', { data: { resolve_reason } }));
      await receiver.happens(theirs('E2', 'acknowledged'));
      await receiver.happens(theirs('E2', 'acknowledged')); // redelivered
      for (const incident of [id, other])
        expect((await world.deps.incidents.read(incident))?.handling?.acknowledged?.by).toBe('ada');
      const acknowledged = world.store.dossiers.get(id)?.timeline.filter(({ kind }) => kind === 'page.acknowledged');
      expect(acknowledged).toHaveLength(other === id ? 2 : 1);
    },
  );
});

describe('the time of an action at PagerDuty', () => {
  const now = () => world.clock.now();
  const later = (seconds: number) => world.clock.set(world.clock.millis + seconds * 1000);
  const type = (event_type: string, event: string, occurred_at: string, agent?: null) =>
    ours('acknowledged', { event: { event_type, id: event, occurred_at, ...(agent === null && { agent }) } });
  /** Returns the entries in the order of the timeline. */
  const story = () =>
    (world.store.dossiers.get(id)?.timeline ?? [])
      .filter(({ kind }) => /^page\.(un)?ack|^role/.test(kind))
      .toSorted((a, b) => (a.at < b.at ? -1 : 1))
      .map(({ kind, at }) => `${kind} ${at.slice(11, 19)}`);

  test('is used regardless of delay and order', async () => {
    const [acked, unacked] = [plusSeconds(now(), 5), plusSeconds(now(), 15)];
    later(20);
    await receiver.happens(type('incident.unacknowledged', 'E2', unacked, null));
    later(10);
    await receiver.happens(type('incident.acknowledged', 'E1', acked));
    expect(story()).toEqual(['page.acknowledged 12:00:05', 'role.taken 12:00:05', 'page.unacknowledged 12:00:15']);
    expect(isAcknowledged(await record())).toBe(false);
    await receiver.happens(type('incident.acknowledged', 'E3', plusSeconds(now(), -1)));
    expect((await record()).handling?.acknowledged?.at).toBe(plusSeconds(now(), -1));
    expect(isAcknowledged(await record())).toBe(true);
  });

  test('is in the text of a new entry if it is long ago', async () => {
    later(7200);
    await receiver.happens(ours('acknowledged', { event: { occurred_at: '2026-11-20T12:00:30.000Z' } }));
    expect(said()[0]).toBe('ada: Acknowledged at PagerDuty by Ada (at 2026-11-20 12:00 UTC)');
    const entry = world.store.dossiers.get(id)?.timeline.find(({ kind }) => kind === 'page.acknowledged');
    expect(entry?.at).toBe(plusSeconds(now(), -60));
    expect((await record()).handling?.acknowledged?.at).toBe('2026-11-20T12:00:30.000Z');
  });

  test('is never in the future', async () => {
    await receiver.happens(ours('acknowledged', { event: { occurred_at: timestamp(world.clock.millis + 60_000) } }));
    expect((await record()).handling?.acknowledged?.at).toBe(now());
  });

  test('decides which pages an acknowledgement covers', async () => {
    later(600);
    await paged(undefined, 2);
    await receiver.happens(type('incident.acknowledged', 'E1', plusSeconds(now(), -300)));
    expect(isAcknowledged(await record())).toBe(false);
    later(30);
    await receiver.happens(type('incident.acknowledged', 'E2', plusSeconds(now(), -10)));
    expect(isAcknowledged(await record())).toBe(true);
    await acknowledgePages(world.deps, id);
    expect(world.calls).toEqual(['pager acknowledge page.2 critical']);
  });
});

describe('a person whose email PagerDuty cannot return', () => {
  let email: VendorResponse<string | null>;
  beforeEach(() => {
    set({ people: { people: { grace: { name: 'Grace', email: 'grace@example.com', slack: 'U0GRACE1' } } } });
    email = { kind: 'later', detail: 'no answer', afterSeconds: null };
    Object.assign(world.deps, { onCall: { ...world.deps.onCall, email: async () => email } });
  });
  const look = async () => identifyPagerUsers(world.deps, await world.deps.incidents.open());
  const names = async () => {
    const { handling, roles } = await record();
    return [handling?.acknowledged?.by, roles?.commander?.name, handling?.stakeholder_update?.by];
  };

  test("has PagerDuty's name until PagerDuty responds, and then their own", async () => {
    await receiver.happens(ours('acknowledged'));
    const update = { event_type: 'incident.status_update_published', id: 'E2' };
    await receiver.happens(about('webhook-incident-annotated', { data: { message: 'on it' }, event: update }));
    const there = 'pagerduty:PTUXL6G';
    expect(await names()).toEqual([there, there, there]);
    await look();
    expect(await names()).toEqual([there, there, there]);
    email = { kind: 'done', value: 'grace@example.com' };
    await look();
    await look();
    expect(await names()).toEqual(['grace', 'grace', 'grace']);
    const { handling, roles } = await record();
    expect([roles?.commander, handling?.unidentified]).toMatchObject([{ shown: 'Grace', slack: 'U0GRACE1' }, []]);
    const last = world.store.dossiers.get(id)?.timeline.filter(({ kind }) => kind === 'person.recognised');
    expect(last?.map(({ text }) => text)).toEqual([`${there} is Grace, according to PagerDuty`]);
  });

  test("keeps PagerDuty's name if they are not listed, and is not looked up again", async () => {
    await receiver.happens(ours('acknowledged'));
    email = { kind: 'done', value: 'somebody@example.com' };
    await look();
    const { handling, roles } = await record();
    expect([roles?.commander, handling?.unidentified]).toMatchObject([
      { name: 'pagerduty:PTUXL6G', shown: 'On-call One' },
      [],
    ]);
  });

  test('is also looked up for notes', async () => {
    await knows();
    await receiver.happens(about('webhook-incident-annotated', {}));
    expect((await record()).handling?.unidentified).toEqual(['pagerduty:PTUXL6G']);
  });
});

test('a page that PagerDuty triggers again counts as unacknowledged until it is acknowledged again', async () => {
  await receiver.happens(ours('acknowledged', { event: { id: 'E1' } }));
  expect(isAcknowledged(await record())).toBe(true);
  const again = { event: { id: 'E2', event_type: 'incident.unacknowledged', agent: null } };
  await receiver.happens(ours('acknowledged', again));
  await receiver.happens(ours('acknowledged', again));
  expect(isAcknowledged(await record())).toBe(false);
  await receiver.happens(ours('acknowledged', { event: { id: 'E3' } }));
  expect(isAcknowledged(await record())).toBe(true);
});

describe('the timeline', () => {
  test('gets notes of an incident that is known by its deduplication key', async () => {
    const note = about('webhook-incident-annotated', {});
    await receiver.happens(note);
    expect(said()).toEqual([]); // the incident is not known yet
    await knows();
    await receiver.happens(note);
    await receiver.happens(note);
    expect(said()).toEqual(['ada: Note at PagerDuty by On-call One: Rolled back to 2026.11.20-3\nlooks better 🎉']);
  });

  test("does not repeat Firebreak's own notes", async () => {
    await knows();
    const story = (await world.deps.incidents.story(id, null)) ?? expect.unreachable();
    const whole = `${pageNote(story)}\n\nfirebreak:${pageKey(id, 1)}.note`;
    for (const [n, content] of [whole, pageNote(story).slice(0, 90), `hi\r\n\r\nfirebreak:some.key`].entries())
      await receiver.happens(about('webhook-incident-annotated', { data: { content }, event: { id: `N${n}` } }));
    expect(said()).toEqual([]);
  });

  test.each<[string, { data?: object; event?: object }, string]>([
    [
      'reassigned',
      { data: { assignees: [{ summary: 'Zoe' }, { summary: 'Bob' }] } },
      'Reassigned at PagerDuty by On-call One to Bob, Zoe',
    ],
    ['escalated', { event: { agent: null } }, 'Escalated at PagerDuty to On-call One'],
    ['delegated', {}, 'Delegated at PagerDuty by On-call One to policy Default, On-call One'],
    ['priority_updated', { data: { priority: { summary: 'P1' } } }, 'Priority at PagerDuty by On-call One: P1'],
    ['reopened', {}, 'Reopened at PagerDuty by On-call One'],
    ['unacknowledged', { event: { agent: null } }, 'Unacknowledged at PagerDuty: notifications resume'],
  ])('%s', async (type, { data, event }, text) => {
    await receiver.happens(
      ours('acknowledged', { data, event: { event_type: `incident.${type}`, ...event } } as never),
    );
    expect(said().map((line) => line.replace(/^\S+: /, ''))).toEqual([text]);
  });

  test.each<[string, object, string]>([
    [
      'responder.added',
      { user: { summary: 'Maeve', type: 'user_reference' }, message: 'help', state: 'pending' },
      'Requested Maeve as a responder at PagerDuty by On-call One: help',
    ],
    [
      'responder.replied',
      { user: { summary: 'Maeve' }, state: 'accepted' },
      'Maeve answered the responder request at PagerDuty: accepted',
    ],
    [
      'responder.added',
      { escalation_policy: { summary: 'DBAs' } },
      'Requested DBAs as a responder at PagerDuty by On-call One',
    ],
  ])('%s', async (type, data, text) => {
    await knows();
    await receiver.happens(about('webhook-incident-annotated', { data, event: { event_type: `incident.${type}` } }));
    expect(said()).toEqual([`ada: ${text}`]);
  });

  test('gets status updates, which also count as updates to stakeholders', async () => {
    await knows();
    const event = { event_type: 'incident.status_update_published' };
    await receiver.happens(about('webhook-incident-annotated', { data: { message: 'on it' }, event }));
    expect(said()).toEqual(['ada: Status update at PagerDuty by On-call One: on it']);
    expect((await record()).handling?.stakeholder_update).toMatchObject({ by: 'ada', text: 'on it' });
  });

  test.each([
    ['of another system', 'firebreak/checkout-api/HighErrorBurnRate/caae507ac1d843ef'],
    ['of another Firebreak', pageKey('01JCYZ7Q8M3N5P7R9T1V3X5Z7B' as IncidentId, 1)],
  ])('gets nothing %s', async (_, key) => {
    await receiver.happens(about('webhook-incident-acknowledged', { key }));
    await receiver.happens(about('webhook-incident-annotated', {}));
    expect(said()).toEqual([]);
  });
});

describe('a page of another tool', () => {
  beforeEach(async () => {
    set({ paging: { mode: 'external' } });
    await paged({ id: 'PGR0VU2', url: null, assigned_to: ['On-call One'] }, 2);
  });

  test('is known by its incident ID, and is recorded once by webhook or sweeper', async () => {
    await receiver.happens(about('webhook-incident-acknowledged', { key: 'theirs' }));
    await receiver.happens(about('webhook-incident-acknowledged', { key: 'theirs', event: { id: 'again' } }));
    expect(said()[0]).toBe('ada: Acknowledged at PagerDuty by Ada');
    expect(said().filter((line) => line.includes('Acknowledged'))).toHaveLength(1);
    expect((await record()).roles?.commander?.name).toBe('ada');
  });

  test('is followed by a new page if alerts still fire after its resolution', async () => {
    await receiver.happens(about('webhook-incident-resolved', { key: 'theirs' }));
    expect(said()).toEqual(['pagerduty: Resolved at PagerDuty by Ada, but alerts still fire: a new page is due']);
    expect(inbox().at(-1)).toMatchObject({ kind: 'page', by: 'pagerduty' });
  });
});
