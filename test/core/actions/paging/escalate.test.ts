import { beforeEach, describe, expect, test } from 'vitest';
import type { ExternalIncident } from '../../../../core/domain/ports/external-pager.ts';
import { withoutAcknowledgement } from '../../../../core/domain/paging/acknowledgement.ts';
import { fallbackPageKey, pageKey } from '../../../../core/domain/paging/pages.ts';
import { acknowledge } from '../../../../core/actions/incidents/acknowledge.ts';
import type { Caller } from '../../../../core/actions/people/caller.ts';
import { escalate } from '../../../../core/actions/paging/escalate.ts';
import { acknowledgeAllPages, acknowledgePages } from '../../../../core/actions/paging/acknowledge-pages.ts';
import { Config } from '../../../../schemas/config/config.ts';
import type { EnvironmentName, IncidentId, ServiceName } from '../../../../schemas/config/names.ts';
import { plusSeconds, type Timestamp } from '../../../../schemas/time/time.ts';
import { FakeWorld, idleEngine } from '../../../support/fake-deps.ts';
import { ends, fires, theIncident } from '../../../workflows/play.ts';

const ada: Caller = { name: 'ada', allow: () => undefined };
let world: FakeWorld;
let id: IncidentId;

beforeEach(async () => {
  world = new FakeWorld();
  world.engine = idleEngine();
  set({ afterMinutes: 10, times: 2 });
  await fires()(world);
  id = theIncident(world);
  await paged(1);
});

const GRACE = { name: 'Grace', email: 'grace@example.com' };

function set(escalation: object | undefined, more: object = {}): void {
  world.config = Config.parse({
    version: 'test',
    services: {},
    paging: {},
    people: { people: { ada: { name: 'Ada', pagerduty: 'PADA001' }, grace: GRACE } },
    response: { escalation, ...more },
  });
}

const CREATED = '2026-11-20T12:00:00.000Z' as Timestamp;
const RINGS: ExternalIncident = {
  id: 'Q1',
  url: null,
  title: '',
  status: 'triggered',
  acknowledgedBy: [],
  assignedTo: [],
  acknowledged: null,
  resolvedBy: null,
  createdAt: CREATED,
};

/** Sets PagerDuty's incidents by our page numbers. Returns the pages that are requested. */
function thereAre(there: Record<number, Partial<ExternalIncident>>): number[] {
  const requested: number[] = [];
  world.deps.externalPager.paged = async (key) => {
    const number = Number(key.split('.').at(-1));
    requested.push(number);
    return { kind: 'done', value: there[number] === undefined ? null : { ...RINGS, ...there[number] } };
  };
  return requested;
}

const ackedBy = (name: string, user: string | null, at: Timestamp): Partial<ExternalIncident> => ({
  status: 'acknowledged',
  acknowledgedBy: [name],
  acknowledged: { by: { id: user, name }, at },
});

async function paged(number: number, state: 'succeeded' | 'failed' | 'withheld' = 'succeeded', more: object = {}) {
  const key = pageKey(id, number);
  const effect = { key, kind: 'page', target: 'pagerduty', class: 'keyed', detail: '', ...more } as const;
  await world.deps.effects.intend(id, effect, { page: number });
  await world.deps.effects.conclude(id, key, state, 'done');
}

/** Records a page that the workflow sent. Without a state, the pager accepted it. */
async function triggerPage(number: number, state?: 'failed' | 'withheld'): Promise<void> {
  await world.store.editIncident(id, { pages: number });
  await paged(number, state);
}

const open = () => world.deps.incidents.open();

/** Opens another, unrelated incident. */
async function declared(service: string): Promise<void> {
  const serviceEnvironment = { service: service as ServiceName, environment: 'production' as EnvironmentName };
  await world.deps.incidents.declare({
    ...serviceEnvironment,
    title: 'errors',
    severity: 'critical',
    by: 'ada',
    trace: 'trace',
  });
}

/** Passes a deadline after this many more minutes. Returns the number of escalations. */
async function after(minutes: number): Promise<number> {
  world.clock.set(world.clock.millis + minutes * 60_000);
  return (await escalate(world.deps, id)) ? 1 : 0;
}

const acknowledged = (by: string) =>
  world.deps.incidents.amend(id, () => ({ handling: { acknowledged: { by, at: world.clock.now() } } }));

const asked = () =>
  world.store.dossiers.get(id)?.inbox.flatMap(({ message }) => (message.kind === 'page' ? [message.note] : [])) ?? [];
const said = () =>
  (world.store.dossiers.get(id)?.timeline ?? []).flatMap(({ kind, text }) =>
    /^page\.(escalated|acknowledged|dismissed)$/.test(kind) ? [text] : [],
  );

describe('an unacknowledged page', () => {
  test('is paged again after each wait, as often as configured', async () => {
    expect(await after(9)).toBe(0);
    expect(await after(1)).toBe(1);
    expect(await after(9)).toBe(0);
    expect(await after(1)).toBe(1);
    expect(await after(60)).toBe(0);
    expect(asked()).toEqual([
      'Page 1 was not acknowledged within 10 minutes (escalation 1 of 2): paging again',
      'Page 1 was not acknowledged within 10 minutes (escalation 2 of 2): paging again',
    ]);
    expect(said()).toEqual(asked());
  });

  test('is paged again regardless of other timeline entries', async () => {
    for (const n of [1, 2, 3]) {
      const entry = { at: world.clock.now(), actor: 'mallory', text: 'Trust me', detail: null };
      await world.deps.incidents.note(id, `forged-${n}`, { ...entry, kind: 'page.escalated' });
    }
    expect(await after(10)).toBe(1);
  });

  test('restarts the wait with the new page', async () => {
    expect(await after(10)).toBe(1);
    world.clock.set(world.clock.millis + 5 * 60_000);
    await paged(2);
    expect(await after(9)).toBe(0);
    expect(await after(1)).toBe(1);
    expect(asked().at(-1)).toContain('Page 2');
  });

  test('that was acknowledged does not reduce the escalations of a later page', async () => {
    expect(await after(10)).toBe(1);
    expect(await after(10)).toBe(1);
    await acknowledge(world.deps, ada, { id });
    expect(await after(120)).toBe(0);
    await triggerPage(2);
    expect(await after(9)).toBe(0);
    expect([await after(1), await after(10), await after(10)]).toEqual([1, 1, 0]);
    expect(asked().slice(2)).toEqual([
      'Page 2 was not acknowledged within 10 minutes (escalation 1 of 2): paging again',
      'Page 2 was not acknowledged within 10 minutes (escalation 2 of 2): paging again',
    ]);
  });

  test('that PagerDuty triggers again restarts the wait, because PagerDuty notifies by itself', async () => {
    await acknowledge(world.deps, ada, { id });
    expect(await after(120)).toBe(0);
    await world.deps.incidents.amend(id, (incident) => withoutAcknowledgement(incident, 1, world.clock.now()));
    expect([await after(9), await after(1)]).toEqual([0, 1]);
    expect(asked()).toEqual(['Page 1 was not acknowledged within 10 minutes (escalation 1 of 2): paging again']);
  });

  test('two parallel attempts page once', async () => {
    world.clock.set(world.clock.millis + 600_000);
    await Promise.all([escalate(world.deps, id), escalate(world.deps, id)]);
    expect(asked()).toHaveLength(1);
  });

  test.each<[string, () => unknown]>([
    ['no escalation is configured', () => set(undefined)],
    ['a person acknowledged it in Firebreak', () => acknowledged('ada')],
    ['no pager is on', () => triggerPage(2, 'withheld')],
    ['another tool paged', () => paged(2, 'succeeded', { followed: { id: 'Q1', url: null, assigned_to: [] } })],
    [
      'the mitigation helps',
      () => world.deps.incidents.post(id, { kind: 'resume', by: '', note: '' }, { status: 'mitigated' }),
    ],
  ])('is not escalated if %s', async (_, given) => {
    await given();
    expect(await after(120)).toBe(0);
    expect(asked()).toEqual([]);
  });

  test('is not escalated if no alert fires any more, unless a person declared the incident', async () => {
    await ends()(world);
    expect(await after(120)).toBe(0);
    await declared('search');
    id = [...world.store.dossiers.keys()].at(-1) ?? expect.unreachable();
    await paged(1);
    expect(await after(10)).toBe(1);
  });

  test('is paged again if PagerDuty cannot be asked', async () => {
    world.external = [{ kind: 'later', detail: 'down', afterSeconds: null }];
    expect(await after(10)).toBe(1);
  });

  test('for one minute has the unit in singular', async () => {
    set({ afterMinutes: 1, times: 1 });
    await after(1);
    expect(said()).toEqual(['Page 1 was not acknowledged within 1 minute (escalation 1 of 1): paging again']);
  });

  test('is sent by the fallback pager until it is accepted, with one ID each time', async () => {
    set({ how: 'fallback', times: 1 });
    world.fallbackPager = [
      { kind: 'later', detail: 'down', afterSeconds: null },
      { kind: 'taken', detail: 'ok' },
    ];
    expect([await after(10), await after(1), await after(60)]).toEqual([0, 1, 0]);
    const call = `fallback pager trigger page.1.escalated-1 critical`;
    expect(world.calls.filter((one) => one.startsWith('fallback'))).toEqual([call, call]);
    expect(said()).toEqual([
      'Page 1 was not acknowledged within 10 minutes (escalation 1 of 1): sent by the fallback pager',
    ]);
  });
});

describe('a page that no pager has accepted', () => {
  const second = async (state: 'succeeded' | 'failed') => {
    const key = fallbackPageKey(id, 2);
    await world.deps.effects.intend(id, {
      key,
      kind: 'page-fallback',
      target: 'webhook',
      class: 'repeatable',
      detail: '',
    });
    await world.deps.effects.conclude(id, key, state, 'done');
  };

  test('because it was refused is paged again after a minute, and then as often as configured', async () => {
    await triggerPage(2, 'failed');
    expect(await after(1)).toBe(1);
    await triggerPage(3, 'failed');
    expect([await after(9), await after(1)]).toEqual([0, 1]);
    await triggerPage(4, 'failed');
    expect(await after(60)).toBe(0);
    expect(asked()).toEqual([
      'No pager has accepted page 2 (escalation 1 of 2): paging again',
      'No pager has accepted page 3 (escalation 2 of 2): paging again',
    ]);
    expect(said()).toEqual(asked());
  });

  test.each(['failed', 'withheld'] as const)(
    'but the fallback pager has is escalated at its time (%s)',
    async (state) => {
      await triggerPage(2, state);
      await second('succeeded');
      expect([await after(9), await after(1)]).toEqual([0, 1]);
      expect(said()).toEqual(['Page 2 was not acknowledged within 10 minutes (escalation 1 of 2): paging again']);
    },
  );

  test('is refused by the fallback pager, too, and paged again after a minute', async () => {
    set({ how: 'fallback', times: 2 });
    await triggerPage(2, 'failed');
    await second('failed');
    world.fallbackPager = [
      { kind: 'refused', detail: 'answered 400' },
      { kind: 'taken', detail: 'ok' },
    ];
    expect(await after(1)).toBe(1);
    await triggerPage(3, 'failed');
    expect(await after(10)).toBe(1);
    expect(said()).toEqual([
      'No pager has accepted page 2 (escalation 1 of 2): paging again, because the fallback pager did not accept the page (answered 400)',
      'No pager has accepted page 3 (escalation 2 of 2): sent by the fallback pager',
    ]);
  });

  test('is not called so after the fallback pager has taken its escalation', async () => {
    set({ how: 'fallback', times: 2 });
    await triggerPage(2, 'failed');
    world.fallbackPager = [{ kind: 'taken', detail: 'ok' }];
    expect([await after(1), await after(10)]).toEqual([1, 1]);
    expect(said()).toEqual([
      'No pager has accepted page 2 (escalation 1 of 2): sent by the fallback pager',
      'Page 2 was not acknowledged within 10 minutes (escalation 2 of 2): sent by the fallback pager',
    ]);
  });

  test('yet is not sent again, and is escalated at its time by the fallback pager', async () => {
    await world.store.editIncident(id, { pages: 2 });
    const effect = {
      key: pageKey(id, 2),
      kind: 'page',
      target: 'pagerduty',
      class: 'keyed',
      detail: '',
    } as const;
    await world.deps.effects.intend(id, effect, { page: 2 });
    expect(await after(60)).toBe(0);
    set({ how: 'fallback', times: 2 });
    world.fallbackPager = [{ kind: 'taken', detail: 'ok' }];
    expect(await after(10)).toBe(1);
    expect(said()).toEqual(['No pager has accepted page 2 (escalation 1 of 2): sent by the fallback pager']);
  });
});

describe('without webhooks from PagerDuty', () => {
  const record = async () => (await world.deps.incidents.read(id)) ?? expect.unreachable();

  test('a person who acknowledged there counts, and gets command', async () => {
    const at = plusSeconds(CREATED, 590);
    const searched = thereAre({ 1: ackedBy('Ada Park', 'PADA001', at) });
    expect([await after(10), await after(10)]).toEqual([0, 0]);
    expect([asked(), said(), searched]).toEqual([[], ['Acknowledged at PagerDuty by Ada'], [1]]);
    const { handling, roles } = await record();
    expect([handling?.acknowledged, roles?.commander]).toMatchObject([
      { by: 'ada', at },
      { name: 'ada', shown: 'Ada' },
    ]);
    await acknowledgeAllPages(world.deps, await open());
    expect(world.calls).toEqual([]); // already acknowledged there
  });

  test('an acknowledgement by an integration counts, without command', async () => {
    thereAre({
      1: { ...ackedBy('', null, CREATED), acknowledgedBy: ['Bot'], acknowledged: { by: null, at: CREATED } },
    });
    expect(await after(10)).toBe(0);
    const text = 'Acknowledged at PagerDuty by Bot (at 2026-11-20 12:00 UTC)';
    expect([said(), (await record()).roles?.commander]).toEqual([[text], undefined]);
  });

  test("our own acknowledgement there does not count as a person's", async () => {
    await acknowledge(world.deps, ada, { id });
    const ours = { by: null, at: world.clock.now() };
    world.clock.set(world.clock.millis + 1000);
    await world.deps.incidents.amend(id, (incident) => withoutAcknowledgement(incident, 1, world.clock.now()));
    thereAre({ 1: { status: 'acknowledged', acknowledgedBy: ['Firebreak'], acknowledged: ours } });
    expect(await after(10)).toBe(1);
    expect(said()).toEqual(asked());
  });

  test('an older page counts if it was acknowledged after the newest page, and the other pages are acknowledged', async () => {
    expect(await after(10)).toBe(1);
    await triggerPage(2);
    const searched = thereAre({ 1: ackedBy('Ada', 'PADA001', plusSeconds(CREATED, 900)), 2: {} });
    expect(await after(10)).toBe(0);
    await acknowledgeAllPages(world.deps, await open());
    expect(world.calls.filter((call) => call.startsWith('pager'))).toEqual(['pager acknowledge page.2 critical']);
    expect(await after(60)).toBe(0);
    expect([asked().length, searched]).toEqual([1, [2, 1]]);
  });

  test('an older page does not count if it was acknowledged before the newest page', async () => {
    world.clock.set(world.clock.millis + 600_000);
    await triggerPage(2);
    const searched = thereAre({ 1: ackedBy('Ada', 'PADA001', plusSeconds(CREATED, 60)), 2: {} });
    expect(await after(10)).toBe(1);
    expect((await record()).roles?.commander?.name).toBe('ada');
    await triggerPage(3);
    expect(await after(10)).toBe(1);
    expect(searched).toEqual([2, 1, 3, 2]);
  });

  test('a page that was resolved there while alerts fire is escalated', async () => {
    thereAre({ 1: { status: 'resolved', resolvedBy: { id: 'PADA001', name: 'Ada Park' } } });
    expect([await after(10), await after(10)]).toEqual([1, 1]);
    expect(said()[0]).toBe(
      'Resolved at PagerDuty by Ada, but 1 alert still fires; the incident stays open until it is resolved in Firebreak',
    );
    expect(said().filter((text) => text.startsWith('Resolved'))).toHaveLength(1);
    const { handling, roles } = await record();
    expect([handling?.acknowledged, roles?.commander]).toEqual([undefined, undefined]);
  });

  test('a page that was resolved there resolves the incident if response.yaml says so', async () => {
    set({ afterMinutes: 10 }, { pagerduty: { resolve: 'resolve' } });
    thereAre({ 1: { status: 'resolved', resolvedBy: { id: 'PADA001', name: 'Ada Park' } } });
    expect(await after(10)).toBe(0);
    const inbox = world.store.dossiers.get(id)?.inbox.map(({ message }) => message);
    expect(inbox?.at(-1)).toMatchObject({ kind: 'resolve', by: 'ada' });
  });

  test('a page that PagerDuty resolved without a person, such as by auto-resolution, is escalated', async () => {
    thereAre({ 1: { status: 'resolved' } });
    expect(await after(10)).toBe(1);
    expect(said()).toEqual(asked());
  });
});

describe('the fallback pager', () => {
  const words = (kind: RegExp): string[] =>
    (world.store.dossiers.get(id)?.timeline ?? []).flatMap((entry) => (kind.test(entry.kind) ? [entry.text] : []));
  const later = (detail: string) => ({ kind: 'later', detail, afterSeconds: null }) as const;

  beforeEach(() => set({ how: 'fallback', times: 2 }));

  test.each([
    ['it is not configured', { kind: 'off', detail: 'no fallback pager' } as const],
    ['it refuses', { kind: 'refused', detail: 'the fallback pager answered 400' } as const],
  ])('pages again if %s', async (_, answer) => {
    world.fallbackPager = [answer];
    expect([await after(10), await after(10), await after(60)]).toEqual([1, 1, 0]);
    const why = `paging again, because the fallback pager did not accept the page (${answer.detail})`;
    expect(asked()).toEqual([
      `Page 1 was not acknowledged within 10 minutes (escalation 1 of 2): ${why}`,
      `Page 1 was not acknowledged within 10 minutes (escalation 2 of 2): ${why}`,
    ]);
    expect(words(/^page-fallback\.(failed|withheld)$/)).toEqual([answer.detail, answer.detail]);
  });

  test('that fails is on the timeline at once, and Firebreak pages again after three minutes', async () => {
    world.fallbackPager = [later('the fallback pager answered 500')];
    expect(await after(10)).toBe(0);
    expect(words(/^page-fallback/)).toEqual([
      'The fallback pager did not accept page 1 (the fallback pager answered 500). Firebreak tries again',
    ]);
    expect([await after(1), await after(1), words(/^page-fallback/).length, said()]).toEqual([0, 0, 1, []]);
    expect(await after(1)).toBe(1);
    expect(asked()).toEqual([
      expect.stringContaining('(escalation 1 of 2): paging again, because the fallback pager did not accept the page'),
    ]);
  });

  test('that accepts later counts as an escalation', async () => {
    world.fallbackPager = [later('down'), { kind: 'taken', detail: 'ok' }];
    expect([await after(10), await after(1)]).toEqual([0, 1]);
    expect([asked(), said()]).toEqual([
      [],
      ['Page 1 was not acknowledged within 10 minutes (escalation 1 of 2): sent by the fallback pager'],
    ]);
  });
});

describe('while PagerDuty does not respond', () => {
  const NEVER = new Promise<never>(() => undefined);

  const tenMinutesLater = () => world.clock.set(world.clock.millis + 600_000);

  test('the page is escalated, and the time for reads of earlier pages is limited', async () => {
    for (let number = 2; number <= 8; number += 1) await triggerPage(number);
    tenMinutesLater();
    let elapsed = 0;
    let reads = 0;
    const externalPager = {
      ...world.deps.externalPager,
      paged: async () => {
        reads += 1;
        elapsed += 3000; // the duration of an attempt
        return { kind: 'done', value: null } as const;
      },
    };
    expect(await escalate({ ...world.deps, externalPager }, id, () => elapsed)).toBe(true);
    expect(reads).toBe(2);
  });

  test('late responses are not awaited', async () => {
    tenMinutesLater();
    // Nearly all of the four seconds have passed.
    const times = [0];
    const elapsed = () => times.shift() ?? 3990;
    const externalPager = { ...world.deps.externalPager, paged: () => NEVER };
    expect(await escalate({ ...world.deps, externalPager }, id, elapsed)).toBe(true);
  });

  test('a failed request does not stop the escalation', async () => {
    tenMinutesLater();
    const externalPager = { ...world.deps.externalPager, paged: () => Promise.reject(new Error('no secrets')) };
    expect(await escalate({ ...world.deps, externalPager }, id)).toBe(true);
  });
});

describe('an acknowledgement in Firebreak', () => {
  test('is sent to the pager once for each earlier page that it accepted', async () => {
    await paged(2, 'failed');
    await paged(3);
    world.clock.set(world.clock.millis + 1000);
    await acknowledged('slack:U024BE7LH');
    world.clock.set(world.clock.millis + 1000);
    await paged(4);
    await acknowledgePages(world.deps, id);
    await acknowledgeAllPages(world.deps, await open());
    expect(world.calls).toEqual(['pager acknowledge page.1 critical', 'pager acknowledge page.3 critical']);
  });

  test('is sent again after a failure', async () => {
    await acknowledged('ada');
    world.pages = [
      { kind: 'later', detail: 'down', afterSeconds: null },
      { kind: 'taken', detail: 'ok' },
    ];
    for (let sweep = 0; sweep < 3; sweep += 1) await acknowledgeAllPages(world.deps, await open());
    expect(world.calls).toHaveLength(2);
  });

  test('waits for the next round if the pager is unreachable, regardless of the number of incidents', async () => {
    for (let n = 1; n < 20; n += 1) await declared(`service-${n}`);
    for (const one of world.store.dossiers.keys()) {
      id = one;
      await paged(1);
      await acknowledged('ada');
    }
    world.pages = [{ kind: 'later', detail: 'down', afterSeconds: null }];
    await acknowledgeAllPages(world.deps, await open());
    expect(world.calls.length).toBeLessThanOrEqual(4);
    world.pages = [{ kind: 'taken', detail: 'ok' }];
    await acknowledgeAllPages(world.deps, await open());
    await acknowledgeAllPages(world.deps, await open());
    expect(new Set(world.calls).size).toBe(20);
  });

  test('made at the pager is not sent back', async () => {
    const handling = { acknowledged: { by: 'pagerduty:PTUXL6G', at: world.clock.now(), page: 1, pager_page: 1 } };
    await world.deps.incidents.amend(id, () => ({ handling }));
    await acknowledgeAllPages(world.deps, await open());
    expect(world.calls).toEqual([]);
  });

  test('is sent again after PagerDuty has triggered the page again', async () => {
    await acknowledge(world.deps, ada, { id });
    await acknowledgeAllPages(world.deps, await open());
    world.clock.set(world.clock.millis + 1000);
    const at = world.clock.now();
    await world.deps.incidents.amend(id, (incident) => withoutAcknowledgement(incident, 1, at));
    world.clock.set(world.clock.millis + 1000);
    await acknowledge(world.deps, ada, { id });
    await acknowledgeAllPages(world.deps, await open());
    expect(world.calls).toEqual(['pager acknowledge page.1 critical', 'pager acknowledge page.1 critical']);
  });
});
