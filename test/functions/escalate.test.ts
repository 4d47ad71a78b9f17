import { beforeEach, describe, expect, test } from 'vitest';
import type { ExternalIncident } from '../../domain/outlets.ts';
import { pageKey } from '../../domain/pages.ts';
import { acknowledge } from '../../functions/acts/care.ts';
import type { Who } from '../../functions/acts/who.ts';
import { escalate } from '../../functions/escalate.ts';
import { acknowledgeAll, acknowledgePages } from '../../functions/pagerduty/acknowledge-pages.ts';
import { Config } from '../../schemas/config.ts';
import type { IncidentId } from '../../schemas/names.ts';
import type { Timestamp } from '../../schemas/time.ts';
import { FakeWorld } from '../support/fake-deps.ts';
import { fires, theIncident } from '../workflows/play.ts';

const ada: Who = { name: 'ada', allow: () => undefined };
let world: FakeWorld;
let id: IncidentId;

beforeEach(async () => {
  world = new FakeWorld();
  world.engine = {
    start: async () => undefined,
    ring: async () => undefined,
    died: async () => false,
    kill: () => undefined,
    dieAfter: () => undefined,
  };
  set({ afterMinutes: 10, times: 2 });
  await fires()(world);
  id = theIncident(world);
  await paged(1);
});

function set(escalation: object | undefined): void {
  world.config = Config.parse({ version: 'test', services: {}, paging: {}, response: { escalation } });
}

async function paged(number: number, state: 'succeeded' | 'failed' | 'withheld' = 'succeeded', more: object = {}) {
  const key = pageKey(id, number);
  const effect = { key, kind: 'page', target: 'pagerduty', class: 'keyed', detail: '', ...more } as const;
  await world.deps.effects.intend(id, effect, { page: number });
  await world.deps.effects.conclude(id, key, state, 'done');
}

/** The workflow has begun it, and the pager has taken it. */
async function rings(number: number): Promise<void> {
  const dossier = world.store.dossiers.get(id) ?? expect.unreachable();
  dossier.record = { ...dossier.record, pages: number };
  await paged(number);
}

const open = () => world.deps.incidents.open();

/** The sweeper comes after so many more minutes. */
async function after(minutes: number): Promise<number> {
  world.clock.set(world.clock.millis + minutes * 60_000);
  return (await escalate(world.deps, await open())).escalated;
}

const acknowledged = (by: string) =>
  world.deps.incidents.amend(id, () => ({ care: { acknowledged: { by, at: world.clock.now() } } }));

const asked = () =>
  world.store.dossiers.get(id)?.inbox.flatMap(({ message }) => (message.kind === 'page' ? [message.note] : [])) ?? [];
const said = () =>
  (world.store.dossiers.get(id)?.timeline ?? []).flatMap(({ kind, text }) =>
    /^page\.(escalated|acknowledged)$/.test(kind) ? [text] : [],
  );

describe('a page that nobody acknowledges', () => {
  test('is paged again, as often as it is said, each time after the wait', async () => {
    expect(await after(9)).toBe(0);
    expect(await after(1)).toBe(1);
    expect(await after(9)).toBe(0);
    expect(await after(1)).toBe(1);
    expect(await after(60)).toBe(0);
    expect(asked()).toEqual([
      'Nobody has acknowledged page 1 for 10 minutes (1 of 2 times): paging again',
      'Nobody has acknowledged page 1 for 10 minutes (2 of 2 times): paging again',
    ]);
    expect(said()).toEqual(asked());
  });

  test('waits anew from the page that came of it', async () => {
    expect(await after(10)).toBe(1);
    world.clock.set(world.clock.millis + 5 * 60_000);
    await paged(2);
    expect(await after(9)).toBe(0);
    expect(await after(1)).toBe(1);
    expect(asked().at(-1)).toContain('page 2');
  });

  test('that was acknowledged is none of the later one, which is escalated as often as any', async () => {
    expect(await after(10)).toBe(1);
    expect(await after(10)).toBe(1);
    await acknowledge(world.deps, ada, { id });
    expect(await after(120)).toBe(0);
    await rings(2);
    expect(await after(9)).toBe(0);
    expect([await after(1), await after(10), await after(10)]).toEqual([1, 1, 0]);
    expect(asked().slice(2)).toEqual([
      'Nobody has acknowledged page 2 for 10 minutes (1 of 2 times): paging again',
      'Nobody has acknowledged page 2 for 10 minutes (2 of 2 times): paging again',
    ]);
  });

  test('two sweepers at the same moment page once', async () => {
    const incidents = await open();
    world.clock.set(world.clock.millis + 600_000);
    await Promise.all([escalate(world.deps, incidents), escalate(world.deps, incidents)]);
    expect(asked()).toHaveLength(1);
  });

  test.each<[string, () => unknown]>([
    ['nothing is said of escalation', () => set(undefined)],
    ['somebody has acknowledged it here', () => acknowledged('ada')],
    ['it has not been taken yet', () => paged(2, 'failed')],
    ['others have paged', () => paged(2, 'succeeded', { followed: { id: 'Q1', url: null, assigned_to: [] } })],
    [
      'the mitigation is seen to help',
      () => world.deps.incidents.post(id, { kind: 'resume', by: '', note: '' }, { status: 'mitigated' }),
    ],
  ])('is left alone where %s', async (_, given) => {
    await given();
    expect(await after(120)).toBe(0);
    expect(asked()).toEqual([]);
  });

  test.each<[ExternalIncident['status'], string[], string]>([
    ['acknowledged', ['Bob'], 'Acknowledged at PagerDuty by Bob'],
    ['resolved', [], 'Resolved at PagerDuty'],
  ])('is left alone where PagerDuty has it as %s, which nobody told', async (status, acknowledgedBy, text) => {
    const createdAt = '2026-11-20T12:00:00.000Z' as Timestamp;
    const value = { id: 'Q1', url: null, title: '', status, acknowledgedBy, assignedTo: [], createdAt };
    world.external = [{ kind: 'done', value }];
    expect(await after(10)).toBe(0);
    expect(await after(10)).toBe(0);
    expect([asked(), said()]).toEqual([[], [text]]);
    expect(world.calls).toEqual(['look for our page']);
  });

  test('is paged again where PagerDuty cannot be asked', async () => {
    world.external = [{ kind: 'later', detail: 'down', afterSeconds: null }];
    expect(await after(10)).toBe(1);
  });

  test('is told by the second route, until that has taken it, with one id each time', async () => {
    set({ how: 'fallback', times: 1 });
    world.secondRoute = [
      { kind: 'later', detail: 'down', afterSeconds: null },
      { kind: 'taken', detail: 'ok' },
    ];
    expect([await after(10), await after(1), await after(60)]).toEqual([0, 1, 0]);
    const call = `second route trigger page.1.escalated-1 critical`;
    expect(world.calls.filter((one) => one.startsWith('second'))).toEqual([call, call]);
    expect(said()).toEqual(['Nobody has acknowledged page 1 for 10 minutes (1 of 1 times): told by the second route']);
  });
});

describe('what is acknowledged here', () => {
  test('is acknowledged at the pager, once, for each page that it took before', async () => {
    await paged(2, 'failed');
    await paged(3);
    world.clock.set(world.clock.millis + 1000);
    await acknowledged('slack:U024BE7LH');
    world.clock.set(world.clock.millis + 1000);
    await paged(4);
    await acknowledgePages(world.deps, id);
    await acknowledgeAll(world.deps, await open());
    expect(world.calls).toEqual(['pager acknowledge page.1 critical', 'pager acknowledge page.3 critical']);
  });

  test('is said again when it did not get through', async () => {
    await acknowledged('ada');
    world.pages = [
      { kind: 'later', detail: 'down', afterSeconds: null },
      { kind: 'taken', detail: 'ok' },
    ];
    for (let sweep = 0; sweep < 3; sweep += 1) await acknowledgeAll(world.deps, await open());
    expect(world.calls).toHaveLength(2);
  });

  test('there is known there already', async () => {
    await acknowledged('pagerduty:PTUXL6G');
    await acknowledgeAll(world.deps, await open());
    expect(world.calls).toEqual([]);
  });
});
