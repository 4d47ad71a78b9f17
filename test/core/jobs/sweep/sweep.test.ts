import { beforeEach, expect, test } from 'vitest';
import { pageKey } from '../../../../core/domain/paging/pages.ts';
import type { SweepDeps } from '../../../../core/jobs/sweep/jobs.ts';
import { JOBS } from '../../../../core/jobs/sweep/jobs.ts';
import { sweep, type JobsInProgress } from '../../../../core/jobs/sweep/sweep.ts';
import { Config } from '../../../../schemas/config/config.ts';
import type { IncidentId } from '../../../../schemas/config/names.ts';
import type { RunStatus } from '../../../../core/domain/ports/system.ts';
import { FakeWorld, idleEngine } from '../../../support/fake-deps.ts';
import { fires, theIncident } from '../../../workflows/play.ts';

let world: FakeWorld;
let id: IncidentId;
let deps: SweepDeps;
let sealed: number;
let errors: object[];
let atVendor: () => Promise<never[]>;

beforeEach(async () => {
  world = new FakeWorld();
  world.engine = idleEngine();
  world.config = Config.parse({
    version: 'test',
    services: {},
    paging: {},
    response: { escalation: { afterMinutes: 10 }, triage: { commanderMinutes: 10 } },
    delivery: { driftAlert: 'off' },
  });
  [sealed, errors, atVendor] = [0, [], async () => []];
  deps = withoutWork();
  await fires()(world);
  id = theIncident(world);
  const page = { kind: 'page', target: 'pagerduty', class: 'keyed', detail: '' } as const;
  await world.deps.effects.intend(id, { ...page, key: pageKey(id, 1) }, { page: 1 });
  await world.deps.effects.conclude(id, pageKey(id, 1), 'succeeded', 'taken');
  world.clock.set(world.clock.millis + 600_000);
});

/** Dependencies with work for the audit log only. */
function withoutWork(): SweepDeps {
  const none = async () => [];
  return {
    ...world.deps,
    log: { ...world.deps.log, error: (message, fields) => errors.push({ message, ...fields }) },
    silences: { active: async () => null, inhibitsSlowBurns: async () => null },
    blobs: Object.assign({}, world.deps.blobs, { get: async () => undefined, put: async () => undefined }),
    drills: Object.assign({}, world.deps.drills, { running: () => atVendor() }),
    features: {
      ...world.deps.features,
      freeze: { ...world.deps.features['freeze'], deploymentProtection: { undelivered: none } },
    },
    audit: Object.assign({}, world.deps.audit, {
      seal: async () => (sealed += 1),
      configuration: async () => undefined,
    }),
    projections: Object.assign({}, world.deps.projections, {
      read: async () => undefined,
      dueAnywhere: async () => new Map(),
      changed: async () => undefined,
    }),
  };
}

const said = (kind: RegExp): string[] =>
  (world.store.dossiers.get(id)?.timeline ?? [])
    .flatMap((entry) => (kind.test(entry.kind) ? [entry.kind] : []))
    .toSorted();
const after = (minutes: number) => world.clock.set(world.clock.millis + minutes * 60_000);

test('each minute, the audit log is sealed', async () => {
  await sweep(deps);
  expect([sealed, errors]).toEqual([1, []]);
});

test('each job has a name of its own', () => {
  const names = JOBS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});

test('an unresponsive vendor delays nothing else, and gets no parallel request', async () => {
  let requested = 0;
  let answer: (none: never[]) => void = () => undefined;
  atVendor = () => {
    requested += 1;
    return new Promise((resolve) => (answer = resolve));
  };
  const underWay: JobsInProgress = new Set();
  const first = sweep(deps, underWay);
  await expect.poll(() => underWay).toEqual(new Set(['start drills']));
  expect(sealed).toBe(1);

  after(10);
  await sweep(deps, underWay);
  expect([sealed, requested]).toEqual([2, 1]);
  expect(errors).toMatchObject([{ job: 'start drills' }]);

  answer([]);
  await first;
  atVendor = async () => {
    requested += 1;
    return [];
  };
  after(10);
  await sweep(deps, underWay);
  expect([requested, underWay.size]).toEqual([2, 0]);
});

test('a failed job does not block the others, and runs again', async () => {
  atVendor = async () => {
    throw new Error('a bug');
  };
  const underWay: JobsInProgress = new Set();
  await sweep(deps, underWay);
  expect(sealed).toBe(1);
  expect(errors).toMatchObject([{ job: 'start drills', error: 'Error: a bug' }]);
  atVendor = async () => [];
  after(10);
  await sweep(deps, underWay);
  expect(errors).toHaveLength(1);
});

test('a configuration that cannot be read fails the jobs that need it, and the audit log is sealed', async () => {
  const unreadable = { current: async () => Promise.reject(new Error('unreadable')), problems: async () => [] };
  await sweep({ ...withoutWork(), config: unreadable });
  expect(errors).not.toEqual([]);
  expect(sealed).toBe(1);
});

test('the sweep fails if the table cannot be read', async () => {
  world.on('incidents.open', {
    before: () => {
      throw new Error('no table');
    },
  });
  await expect(sweep(deps)).rejects.toThrow('no table');
});

test('a child that its resolved parent did not settle pages and is reported separately', async () => {
  const { incidentGroups, incidents } = world.deps;
  const groupReason = { because: 'many', name: '', text: 'six at once' } as const;
  const parent = await incidentGroups.openParent('production', groupReason, 'six at once', 'trace');
  await incidentGroups.join(parent, id);
  await sweep(deps); // the parent is still open, so nothing happens
  expect(await incidents.read(id)).toMatchObject({ parent_id: parent });
  const [child, consumed] = [1, (await incidents.read(parent))?.seq ?? 0];
  await incidents.resolve(parent, consumed, 'firebreak:quiet', 'closed', child);
  await sweep(deps);
  await sweep(deps);
  expect(await incidents.read(id)).not.toHaveProperty('parent_id');
  expect([said(/^incident\.left/), errors]).toEqual([['incident.left'], []]);
});

test('eight workflows are checked in parallel, and a failed check does not affect the others', async () => {
  const record = await world.deps.incidents.read(id);
  if (record === undefined) throw new Error('there is no incident');
  const open = Array.from({ length: 40 }, (_, index) => ({
    ...record,
    execution: `execution-${index}`,
    started_run: record.run,
  }));
  deps.incidents = Object.assign(Object.create(world.deps.incidents), { open: async () => open });
  const asked: { execution: string; answer: (status: RunStatus) => void; fail: (error: Error) => void }[] = [];
  const status = (execution: string) =>
    new Promise<RunStatus>((answer, fail) => asked.push({ execution, answer, fail }));
  deps.engine = { ...idleEngine(), status };
  const swept = sweep(deps);
  let answered = 0;
  while (answered < open.length) {
    const expected = Math.min(8, open.length - answered);
    await expect.poll(() => asked.length - answered).toBe(expected);
    for (const { answer, fail } of asked.slice(answered, answered + expected)) {
      if (answered++ === 0) fail(new Error('TooManyRequestsException'));
      else answer('running');
    }
  }
  await swept;
  expect(asked.map(({ execution }) => execution)).toEqual(open.map(({ execution }) => execution));
  expect(errors.filter((one) => 'error' in one)).toEqual([
    {
      message: 'the sweeper could not process an incident',
      incident: id,
      error: 'Error: TooManyRequestsException',
    },
  ]);
});

/** Sweeps while every run of the workflow fails as soon as it has begun. Returns the number of the run that is due then. */
async function failsAndSweeps(): Promise<number> {
  const { incidents } = world.deps;
  deps.engine = { ...idleEngine(), status: async () => 'failed' };
  const run = (await incidents.read(id))?.run ?? 0;
  await incidents.markStarted(id, run, `execution-${run}`);
  await sweep(deps);
  return (await incidents.read(id))?.run ?? 0;
}

test('a failed workflow is replaced at once, up to 20 times in a row, and each hour after that', async () => {
  const { incidents } = world.deps;
  await incidents.handOver(id, 60, 'Handed over to run 60 of the workflow', { resolveBy: 'person:ada' });
  for (let failed = 1; failed <= 20; failed += 1) expect(await failsAndSweeps()).toBe(60 + failed);
  expect(await failsAndSweeps()).toBe(80);
  after(59);
  expect(await failsAndSweeps()).toBe(80);
  after(1);
  expect(await failsAndSweeps()).toBe(81);
  expect(await failsAndSweeps()).toBe(81);
  expect(await incidents.read(id)).toMatchObject({ failed_runs: 21, resolve_by: 'person:ada' });
  await incidents.handOver(id, 82, 'Handed over to run 82 of the workflow');
  expect(await failsAndSweeps()).toBe(83);
});

test('a person is paged once after 20 failed runs in a row, without the workflow, and the timeline says so', async () => {
  const { pageRequests: pages } = world;
  for (let failed = 1; failed < 20; failed += 1) await failsAndSweeps();
  expect(pages).toEqual([]);
  for (let failed = 20; failed < 25; failed += 1) await failsAndSweeps();
  expect(pages).toMatchObject([{ key: pageKey(id, 2), action: 'trigger' }]);
  expect(pages[0]?.summary).toContain(
    'The workflow of this incident has failed 20 times in a row. Handle the incident by hand',
  );
  expect(await world.deps.incidents.read(id)).toMatchObject({ pages: 2 });
  const texts = world.store.dossiers.get(id)?.timeline.map(({ text }) => text) ?? [];
  expect(texts.filter((text) => text.includes('by hand'))).toHaveLength(1);
});

test('that page uses the fallback pager, and is repeated until a pager accepts it', async () => {
  const down = { kind: 'later', detail: 'answered 503', afterSeconds: null } as const;
  world.pages = [down, down, { kind: 'taken', detail: 'accepted' }];
  world.fallbackPager = [{ kind: 'taken', detail: 'accepted' }];
  for (let failed = 1; failed <= 23; failed += 1) await failsAndSweeps();
  const [page, fallback] = ['pager trigger page.2 critical', 'fallback pager trigger page.2.second critical'];
  expect(world.calls.filter((call) => call.includes(' trigger '))).toEqual([page, fallback, page, page]);
});

test('an incident that pages nobody does not page for its failed runs either', async () => {
  await world.store.editIncident(id, { pages: 0, page: false, severity: 'warning' });
  for (let failed = 1; failed <= 22; failed += 1) await failsAndSweeps();
  expect(world.calls).toEqual([]);
});
