import { expect, test } from 'vitest';
import { mitigated } from '../../core/domain/incidents/new-onset.ts';
import { recordChange } from '../../core/actions/changes/record-change.ts';
import { NewChange } from '../../schemas/changes/change.ts';
import { Config } from '../../schemas/config/config.ts';
import { plusSeconds } from '../../schemas/time/time.ts';
import { wake } from '../../workflows/wake.ts';
import { all, ends, fires, mode, type Moment, play, says, theIncident } from './play.ts';
import { NOON } from '../core/arbitraries.ts';
import type { FakeWorld } from '../support/fake-deps.ts';
import { recordsLate } from './stories/late-changes.ts';
import { DEATHS, redeployPaths, redeployWithDeath } from './stories/redeploys.ts';
import type { Path } from './stories/rollbacks.ts';

const calm = { verification: 'passed', status: 'mitigated' } as const;
const failed = { verification: 'failed', status: 'open' } as const;

/** Plays a story. Returns what was said and recorded about the redeploy. @param until when to look; absent: at the end */
async function told(path: Path | undefined, until?: string) {
  if (path === undefined) throw new Error('no such story');
  if (until === undefined) {
    const { world } = await play(path);
    expect(world.calls).toEqual(path.calls);
    return stateOf(world);
  }
  let seen: Awaited<ReturnType<typeof stateOf>> | undefined;
  const looks: Moment = async (world) => {
    seen = await stateOf(world);
  };
  await play({ ...path, timeline: inOrder({ ...path.timeline, [until]: looks }) });
  if (seen === undefined) throw new Error('not reached');
  return seen;
}

async function stateOf(world: FakeWorld) {
  const id = theIncident(world);
  const { timeline, record, decisions } = world.store.dossier(id);
  const pins = await world.deps.pins.of(record);
  return {
    said: timeline.flatMap(({ kind, at, actor, text }) =>
      /^(?:mitigation\.by_hand|verification\.|version\.|decision\.withdrawn|incident\.resolved)/.test(kind)
        ? [`${at.slice(11, 16)} ${actor}: ${text.replaceAll(/pin_\w+/g, 'PIN')}`]
        : [],
    ),
    asked: [...decisions.values()].map(({ view: { kind, state } }) => `${kind} ${state}`),
    incident: { status: record.status, verification: record.verification, closed: record.closed_as },
    pinned: pins.map(({ version, rolled_back_to: to }) => `${version} to ${to}`),
    rolledBack: world.store.changes.filter(({ rolled_back_by: by }) => by === id).map(({ version }) => version),
    wrong: (await world.deps.automation.read()).demoted,
  };
}

const PINNED =
  'firebreak: v2 is pinned as known bad, because it was rolled back to v1 by ada. To allow it again: firebreak pins lift PIN';
const BY_HAND =
  'ada: checkout v1 was deployed again by ada, which replaces v2, the probable cause. Firebreak verifies the recovery';
const CLOSED = 'firebreak: Question closed: v2 of checkout was replaced by v1, which was deployed again by ada';
const CALM = 'firebreak: All alerts have resolved (no health query is configured)';
const RESOLVED = 'firebreak: Resolved: all alerts have resolved, and the mitigation is verified';

const VERIFIED = {
  said: [`12:04 ${BY_HAND}`, `12:04 ${PINNED}`, `12:04 ${CLOSED}`, `12:19 ${CALM}`, `12:19 ${RESOLVED}`],
  asked: ['approve withdrawn'],
  incident: { status: 'resolved', verification: 'passed', closed: 'verified' },
  pinned: ['v2 to v1'],
  rolledBack: ['v2'],
  wrong: {},
};

test('a redeploy of the earlier version by a person is a mitigation: verified, with the bad version pinned', async () => {
  expect(await told(redeployPaths['redeploy-by-hand'])).toEqual(VERIFIED);
});

test('the report of a rollback has pinned the version, which is told once', async () => {
  const reports: Moment = async ({ deps, clock }) => {
    const place = { service: 'checkout', environment: 'production' };
    const input = {
      ...place,
      version: 'v1',
      kind: 'rollback',
      author: 'ada',
      started_at: plusSeconds(clock.now(), -60),
    };
    await recordChange(deps, NewChange.parse(input), 'trace');
  };
  const path = redeployPaths['redeploy-by-hand'];
  if (path === undefined) throw new Error('no such story');
  const reported = await told({ ...path, timeline: { ...path.timeline, '4 min': reports } });
  const closed = '12:04 firebreak: Question closed: v2 of checkout was rolled back to v1 by ada';
  expect(sorted(reported)).toEqual(
    sorted({
      ...VERIFIED,
      said: VERIFIED.said.map((text) => (text.endsWith('deployed again by ada') ? closed : text)),
    }),
  );
});

test('in shadow mode, what a person did is recorded and verified as well', async () => {
  expect(await told(redeployPaths['redeploy-in-shadow-mode'])).toEqual({
    ...VERIFIED,
    said: VERIFIED.said.filter((text) => !text.includes('Question closed')),
    asked: ['shadow final'],
  });
});

test.each(['approve', 'suggest', 'shadow'])('mode %s: the page shows that the redeploy is verified', async (name) => {
  const path = redeployPaths['redeploy-by-hand'];
  const { world } = await play({ ...path, given: [mode(name)], timeline: path?.timeline ?? {} });
  expect(world.pageUpdates.map(({ details }) => details?.['next_step'])).toEqual([
    expect.any(String),
    'Watch checkout in production until the mitigation is verified.',
  ]);
  const last = world.pageUpdates.at(-1)?.details;
  expect(last?.['status']).toBe('mitigated, not verified yet');
  // What was decided before is not the next step any more.
  expect([last?.['details'] ?? []].flat().join('\n')).not.toMatch(/^(Roll|Consider|Would|To roll back)/m);
});

test('a redeploy that is recorded at its start counts from its end, and without a name its actor is Firebreak', async () => {
  const { said, incident } = await told(redeployPaths['redeploy-is-reported-from-its-start']);
  expect(said[0]).toBe(
    '12:05 firebreak: checkout v1 was deployed again, which replaces v2, the probable cause. Firebreak verifies the recovery',
  );
  expect(said).toContain(`12:20 ${CALM}`);
  expect(incident).toEqual(VERIFIED.incident);
});

test('nobody is named for a redeploy whose author is not known', async () => {
  const path = redeployPaths['redeploy-by-hand'];
  const { said } = await told(path && { ...path, timeline: { ...path.timeline, '4 min': recordsLate('v1', 1) } });
  expect(said.slice(1, 3)).toEqual([PINNED, CLOSED].map((text) => `12:04 ${text.replace(' by ada', '')}`));
});

test('a redeploy that does not help opens the incident again, and does not count against the automation', async () => {
  const path = redeployPaths['redeploy-does-not-help'];
  const { said, asked, incident, wrong } = await told(path, '25 min');
  expect(said.at(-1)).toBe(
    '12:19 firebreak: Not healthy: job:checkout:error_ratio is 40 %, above 1 %. The incident is open again',
  );
  expect(incident).toMatchObject({ status: 'open', verification: 'failed' });
  expect(asked).toEqual(['approve withdrawn', 'none final']);
  expect(wrong).toEqual({});
  const { said: later, incident: end } = await told(path);
  expect(later.at(-2)).toBe('12:30 firebreak: Healthy: job:checkout:error_ratio is 0.1 %, within the limit of 1 %');
  expect(end).toEqual(VERIFIED.incident);
});

test('a deploy of a new version is no redeploy', async () => {
  const { said, incident, pinned, rolledBack } = await told(redeployPaths['fix-forward']);
  expect(said.filter((text) => /deployed again|pinned/.test(text))).toEqual([]);
  expect(incident).toMatchObject({ status: 'resolved', verification: 'not_needed' });
  expect([pinned, rolledBack]).toEqual([[], []]);
});

test('a redeploy from before the problem, which is reported later, is no mitigation: the incident is judged again', async () => {
  const { said, asked, incident, pinned, rolledBack } = await told({
    given: [mode('approve')],
    timeline: {
      '0 s': fires(),
      '4 min': recordsLate('v1', 6, { author: 'ada', finished_at: plusSeconds(NOON, -120) }),
      '9 min': ends(),
    },
    calls: ['pager trigger page.1 critical', 'pager resolve page.1 critical'],
    status: 'resolved',
  });
  expect(said.filter((text) => /deployed again|pinned/.test(text))).toEqual([]);
  expect(asked).toHaveLength(2);
  expect(incident).toMatchObject({ status: 'resolved', verification: 'not_needed' });
  expect([pinned, rolledBack]).toEqual([[], []]);
});

test.each([
  ['after the verified recovery is a precaution, not the mitigation', calm, 'passed', []],
  ['is the mitigation if the one before did not help', failed, 'pending', ['v2 to v1']],
] as const)('a redeploy %s', async (_, verdict, verification, pins) => {
  const by = { number: 0, runbook: 1 };
  const acts: Moment = (world) =>
    says(
      { kind: 'runbook', number: 1, acted: true, page: 'no' },
      mitigated({ firing: 1, signal_count: 1 }, { ...by, at: world.clock.now() }),
    )(world);
  const path: Path = {
    given: [mode('shadow')],
    timeline: {
      '0 s': fires(),
      '2 min': acts,
      '17 min': says({ kind: 'verification', ...by, outcome: verdict.verification }, verdict),
      '20 min': recordsLate('v1', 1, { author: 'ada' }),
      '40 min': ends(),
    },
    calls: [],
    status: 'resolved',
  };
  const { incident, pinned, rolledBack } = await told(path, '22 min');
  expect(incident.verification).toBe(verification);
  expect(pinned).toEqual(pins);
  expect(rolledBack).toHaveLength(pins.length);
});

test('the service that was deployed again must be healthy as well, whatever the decision was about', async () => {
  const ofPayments = { service: 'payments', environment: 'production' };
  const at = (minutes: number) => plusSeconds(NOON, 60 * minutes);
  const given: Moment = async (world) => {
    const { deps } = world;
    const health = (promql: string) => ({ production: { health: { promql, max: 0.01 } } });
    const services = {
      checkout: { dependsOn: ['payments'], environments: health('checkout_errors') },
      payments: { environments: health('payments_errors') },
    };
    world.config = Config.parse({ version: 'test', services, paging: {} });
    deps.metrics.value = async (promql) => ({ kind: 'value', value: promql === 'payments_errors' ? 0.4 : 0.001 });
    for (const [version, minutes] of [
      ['p1', -300],
      ['p2', -6],
    ] as const)
      await deps.changes.record(
        NewChange.parse({ ...ofPayments, version, started_at: at(minutes), finished_at: at(minutes + 3) }),
      );
  };
  const redeploys: Moment = async (world) => {
    const [p2] = world.store.changes.filter(({ version }) => version === 'p2');
    if (p2 === undefined) throw new Error('not deployed');
    const suspects = [{ change_id: p2.id, version: p2.version, confidence: 0.9, reasons: [] }];
    await says({ kind: 'page_outdated' }, { suspects })(world);
    await recordsLate('p1', 1, { ...ofPayments, author: 'ada' })(world);
  };
  const path: Path = {
    given: [given],
    timeline: { '0 s': fires(), '4 min': redeploys, '40 min': ends() },
    calls: [],
    status: 'resolved',
  };
  const { said, incident } = await told(path, '25 min');
  expect(said.at(-1)).toBe(
    '12:19 firebreak: Healthy: checkout_errors is 0.001, within the limit of 0.01. payments, which was deployed again: Not healthy: payments_errors is 0.4, above 0.01. The incident is open again',
  );
  expect(incident).toMatchObject({ status: 'open', verification: 'failed' });
});

test("the report of Firebreak's own rollback in progress is no redeploy", async () => {
  const { said, pinned, rolledBack } = await told(redeployPaths['redeploy-during-a-rollback']);
  expect(said.filter((text) => text.includes('deployed again'))).toEqual([]);
  expect([pinned, rolledBack]).toEqual([['v2 to v1'], ['v2']]);
});

test("a redeploy during Firebreak's own rollback counts once that has failed", async () => {
  const given: Moment = (world) => {
    world.rollbacks = [{ kind: 'in_progress', id: 'rb-1', handle: '/rb-1' }];
    const looks = Array.from({ length: 60 }, () => ({ kind: 'in_progress', id: 'rb-1', handle: '/rb-1' }) as const);
    world.looks = [...looks, { kind: 'failed', detail: 'a hook failed' }];
  };
  const timeline = { '0 s': fires(), '12 s': recordsLate('v1', 0, { author: 'ada' }), '40 min': ends() };
  const { said, incident, pinned } = await told({ given: [given], timeline, calls: [], status: 'resolved' }, '39 min');
  expect(said).toContain(`12:08 ${BY_HAND}`);
  expect(incident.verification).toBe('inconclusive');
  expect(pinned).toEqual(['v2 to v1']);
});

test('the next run of the workflow continues the verification', async () => {
  expect(await told(redeployPaths['redeploy-and-a-handover'])).toEqual(VERIFIED);
});

test.each(DEATHS)('a process that dies after %s does everything, once', async (method) => {
  expect(sorted(await told(redeployWithDeath(method)))).toEqual(sorted(VERIFIED));
});

const sorted = <T extends { said: string[] }>(one: T): T => ({ ...one, said: one.said.toSorted() });

test('a process that dies at any checkpoint after the redeploy does everything, once', async () => {
  const { given, timeline, ...path } = redeployWithDeath(null);
  for (let checkpoints = 1; checkpoints <= 12; checkpoints += 1) {
    const dies: Moment = (world) => world.dieAfter(checkpoints);
    const moments = Object.entries(timeline).flatMap(([at, moment]) =>
      at === '4 min' ? [['239 s', dies] as const, [at, moment] as const] : [[at, moment] as const],
    );
    const played = await told({ ...path, given: given ?? [], timeline: Object.fromEntries(moments) });
    expect(sorted(played), `after ${checkpoints} checkpoints`).toEqual(sorted(VERIFIED));
  }
});

test.each(DEATHS)('a run that is killed after %s is continued by the next one', async (method) => {
  const { given = [], timeline, ...path } = redeployWithDeath(null);
  const kills: Moment = (world) => {
    world.on(method, { after: () => world.kill(theIncident(world), 1) });
  };
  const takesOver: Moment = async (world) => {
    const id = theIncident(world);
    world.on(method, {});
    await world.deps.incidents.handOver(id, 2, 'Run 1 of the workflow has died; run 2 takes over');
    await wake(world.deps, id);
  };
  const { '4 min': redeploys, ...others } = timeline;
  if (redeploys === undefined) throw new Error('no redeploy');
  const moments = { '4 min': all(redeploys, kills), '245 s': takesOver };
  const { said, ...played } = await told({ ...path, given, timeline: inOrder({ ...others, ...moments }) });
  const { said: expected, ...rest } = VERIFIED;
  expect(played).toEqual(rest);
  expect(said.map((text) => text.slice(6)).toSorted()).toEqual(expected.map((text) => text.slice(6)).toSorted());
});

const SECONDS: Readonly<Record<string, number>> = { s: 1, min: 60 };
const secondsOf = (at: string): number => Number(at.split(' ')[0]) * (SECONDS[at.split(' ')[1] ?? ''] ?? 0);
const inOrder = (timeline: Record<string, Moment>): Record<string, Moment> =>
  Object.fromEntries(Object.entries(timeline).toSorted(([a], [b]) => secondsOf(a) - secondsOf(b)));
