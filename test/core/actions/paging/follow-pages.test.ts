import { beforeEach, describe, expect, test } from 'vitest';
import type { ExternalIncident } from '../../../../core/domain/ports/external-pager.ts';
import type { VendorResponse } from '../../../../core/domain/ports/vendor-response.ts';
import { pageKey } from '../../../../core/domain/paging/pages.ts';
import { followPages } from '../../../../core/actions/paging/follow-pages.ts';
import type { EnvironmentName, IncidentId, ServiceName } from '../../../../schemas/config/names.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import { FakeWorld, idleEngine } from '../../../support/fake-deps.ts';
import { fires, theIncident } from '../../../workflows/play.ts';

let world: FakeWorld;
let id: IncidentId;

/** Opens an incident whose alert fires and for which another tool pages. */
beforeEach(async () => {
  world = new FakeWorld();
  world.engine = idleEngine();
  await fires()(world);
  id = theIncident(world);
  await paged(id, 1, { id: 'Q1', url: null, assigned_to: ['Ada'] });
});

async function paged(of: IncidentId, number: number, followed?: { id: string; url: null; assigned_to: string[] }) {
  const key = pageKey(of, number);
  const effect = { key, kind: 'page', target: 'pagerduty', class: 'findable', detail: '' } as const;
  await world.deps.effects.intend(of, { ...effect, ...(followed ? { followed } : {}) }, { page: number });
  await world.deps.effects.conclude(of, key, 'succeeded', 'done');
}

const theirs = (more: Partial<ExternalIncident> = {}): VendorResponse<ExternalIncident> => ({
  kind: 'done',
  value: {
    id: 'Q1',
    url: null,
    title: '',
    status: 'triggered',
    acknowledgedBy: [],
    assignedTo: ['Ada'],
    acknowledged: null,
    resolvedBy: null,
    createdAt: '2026-11-20T12:00:00.000Z' as Timestamp,
    ...more,
  },
});
const acknowledged = { status: 'acknowledged', acknowledgedBy: ['Bob'], assignedTo: ['Bob'] } as const;
const gone: VendorResponse<null> = { kind: 'done', value: null };

/** Runs the sweeper with this PagerDuty incident. */
async function sweptWith(...found: FakeWorld['external']): Promise<{ read: number }> {
  world.external = found;
  return followPages(world.deps, await world.deps.incidents.open());
}

const said = (of = id) =>
  (world.store.dossiers.get(of)?.timeline ?? []).flatMap(({ kind, text }) =>
    /^page\.(acknowledged|assigned|ended)$/.test(kind) ? [text] : [],
  );
const pagesAsked = () => world.store.dossiers.get(id)?.inbox.filter(({ message }) => message.kind === 'page') ?? [];

describe('a followed PagerDuty incident', () => {
  test('adds no entry without a change', async () => {
    expect(await sweptWith(theirs())).toEqual({ read: 1 });
    expect(said()).toEqual([]);
  });

  test('adds one entry for an acknowledgement', async () => {
    await sweptWith(theirs(acknowledged));
    await sweptWith(theirs(acknowledged));
    expect(said()).toEqual(['Acknowledged at PagerDuty by Bob']);
  });

  test('adds one entry for each other assignment', async () => {
    await sweptWith(theirs({ assignedTo: ['Cy', 'Bob'] }));
    await sweptWith(theirs({ assignedTo: ['Bob', 'Cy'] }));
    await sweptWith(theirs({ ...acknowledged, assignedTo: ['Dee'] }));
    expect(said()).toEqual([
      'Assigned at PagerDuty to Bob, Cy',
      'Acknowledged at PagerDuty by Bob',
      'Assigned at PagerDuty to Dee',
    ]);
  });

  test.each<[string, (typeof world.external)[number], string]>([
    ['resolved', theirs({ status: 'resolved' }), 'Resolved at PagerDuty (Q1)'],
    ['deleted', gone, 'PagerDuty incident Q1 no longer exists'],
  ])('requests one page when it is %s while alerts fire', async (_, found, what) => {
    await sweptWith(found);
    await sweptWith(found);
    expect(said()).toEqual([`${what}, but alerts still fire: a new page is due`]);
    expect(pagesAsked()).toMatchObject([{ message: { kind: 'page', by: 'pagerduty' } }]);
  });

  test('requests no page when the alerts have ended in Alertmanager', async () => {
    world.alertState = 'over';
    await sweptWith(theirs({ status: 'resolved' }));
    expect(said()).toEqual(['Resolved at PagerDuty (Q1)']);
    expect(pagesAsked()).toEqual([]);
    world.alertState = 'listed'; // or it seemed to
    await sweptWith(theirs({ status: 'resolved' }));
    expect(pagesAsked()).toHaveLength(1);
  });

  test('requests a page when Alertmanager may never have had the alerts', async () => {
    world.alertState = 'absent';
    await sweptWith(theirs({ status: 'resolved' }));
    expect(pagesAsked()).toHaveLength(1);
  });

  test('requests no page when Alertmanager no longer has alerts that it had', async () => {
    const [firing] = await world.deps.incidents.firingEpisodes(id);
    await world.deps.incidents.confirmEpisodes(id, [firing?.episode ?? '']);
    world.alertState = 'absent';
    await sweptWith(theirs({ status: 'resolved' }));
    expect(pagesAsked()).toEqual([]);
  });

  test('requests no page when Firebreak has paged since', async () => {
    await paged(id, 2);
    await sweptWith(theirs({ status: 'resolved' }));
    expect(said()).toEqual(['Resolved at PagerDuty (Q1)']);
    expect(pagesAsked()).toEqual([]);
  });
});

describe('several followed incidents', () => {
  beforeEach(async () => {
    for (const service of ['a', 'b'] as ServiceName[]) {
      const environment = 'production' as EnvironmentName;
      const about = { service, environment, title: 't', severity: 'critical', by: 'person:ada', trace: 't' } as const;
      await paged((await world.deps.incidents.declare(about)).id, 1, { id: `Q${service}`, url: null, assigned_to: [] });
    }
  });

  test('a refused one does not block the others', async () => {
    expect(await sweptWith({ kind: 'refused', code: 'forbidden', detail: 'no' }, theirs())).toEqual({ read: 2 });
  });

  test('no further one is read after an unreachable one', async () => {
    await sweptWith({ kind: 'later', detail: 'answered 503', afterSeconds: null });
    expect(world.calls).toHaveLength(1);
  });

  test('each one comes first in some rounds', async () => {
    for (let minute = 0; minute < 3; minute += 1) {
      world.clock.set(world.clock.millis + 60_000);
      await sweptWith({ kind: 'later', detail: 'answered 503', afterSeconds: null });
    }
    expect(world.calls.toSorted()).toEqual(['look at Q1', 'look at Qa', 'look at Qb']);
  });

  test('a page by Firebreak is not followed', async () => {
    const about = { service: 'c' as ServiceName, environment: 'production' as EnvironmentName, title: 't' };
    const { id: ours } = await world.deps.incidents.declare({ ...about, severity: 'critical', by: 'ada', trace: 't' });
    await paged(ours, 1);
    expect(await sweptWith(theirs())).toEqual({ read: 3 });
  });
});
