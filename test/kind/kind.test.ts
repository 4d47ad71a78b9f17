import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { KubernetesObject, rendered } from '../deploy/chart.ts';
import { schemaProblems } from '../deploy/kubernetes-schemas.ts';
import { TOOLS_RUN_HERE } from '../../scripts/kubernetes/tools.ts';
import { chartValues, monitoring, NODE_PORTS, workload, world } from './objects.ts';
import { type Clock, type Incident, type Observation, play, report, type World, violations } from './play.ts';
import { GOOD, scenarioOf, SCENARIOS } from './scenarios.ts';

const ERRORS = scenarioOf('errors');

const incidentWith = (status: string, ...decisions: Partial<Incident['decisions'][number]>[]): Incident => ({
  id: '1',
  service: 'errors',
  status,
  decisions: decisions.map((one) => ({
    kind: 'none',
    state: 'final',
    because: 'x',
    digest: 'd',
    from_version: 'v2',
    ...one,
  })),
});

/** A time without waiting, and systems that are what `states` say from each second on. */
function invented(states: Record<number, { running?: string; incidents?: Incident[] } | 'fails'>) {
  let now = 0;
  const clock: Clock = { now: () => now, sleep: (ms) => Promise.resolve(void (now += ms)) };
  const state = () => {
    const seconds = Object.keys(states).map(Number);
    const current = states[Math.max(...seconds.filter((second) => second * 1000 <= now))];
    if (current === 'fails') throw new Error('connection refused');
    return { running: GOOD, incidents: [], ...current };
  };
  const nothing = () => Promise.resolve();
  const at: World = {
    deploy: nothing,
    configure: nothing,
    scale: nothing,
    alert: nothing,
    approve: nothing,
    running: async () => state().running,
    incidents: async () => state().incidents,
  };
  return { clock, at };
}

describe('the verdict', () => {
  const mitigated = incidentWith('mitigated', { kind: 'roll_back' });
  const outcome = async (states: Parameters<typeof invented>[0], scenario = ERRORS) => {
    const { at, clock } = invented(states);
    return await play(scenario, at, clock);
  };

  test('passes when the outcome comes within its time', async () => {
    const states = {
      0: {},
      10: { running: 'v2' },
      60: { incidents: [incidentWith('open', { kind: 'roll_back' })] },
      90: { incidents: [mitigated] },
    };
    expect(await outcome(states)).toEqual({ title: ERRORS.title, passed: true, problems: [], seconds: 90 });
  });

  test('says what was seen last when it does not come', async () => {
    const asks = incidentWith('open', { kind: 'approve', state: 'waiting', because: 'not_proved' });
    expect((await outcome({ 0: {}, 10: { running: 'v2', incidents: [asks] } })).problems).toEqual([
      'not seen: rolls-back with v1 within 8 minutes; last: v2, incident open, approve (not_proved, waiting)',
    ]);
  });

  test('is that of new incidents only', async () => {
    const { problems } = await outcome({ 0: { incidents: [mitigated] } });
    expect(problems).toEqual(['not seen: rolls-back with v1 within 8 minutes; last: v1, no incident, no decision']);
  });

  test('survives a short outage, and not a long one', async () => {
    expect(await outcome({ 0: {}, 10: 'fails', 50: { incidents: [mitigated] } })).toMatchObject({ passed: true });
    expect((await outcome({ 0: {}, 10: 'fails' })).problems).toEqual([
      'nothing observed for a minute: connection refused',
    ]);
  });

  test('fails when a call has no end, or fails', async () => {
    const { at, clock } = invented({ 0: {} });
    const pending = { ...at, deploy: () => new Promise<void>(() => undefined) };
    expect((await play(ERRORS, pending, clock)).problems).toEqual([
      expect.stringContaining('no end of {"deploy":"v2"'),
    ]);
    const failing = { ...at, deploy: () => Promise.reject(new Error('forbidden')) };
    expect((await play(ERRORS, failing, clock)).problems).toEqual(['forbidden']);
  });

  test.each<[Parameters<typeof violations>[0], Partial<Observation>[], string[]]>([
    ['rollback', [{ incidents: [mitigated] }], ['never: it rolled back errors by itself (1)']],
    ['rollback', [{ incidents: [incidentWith('open', { kind: 'approve' })] }], []],
    [
      'rollback-elsewhere',
      [{ incidents: [{ ...mitigated, service: 'slow' }] }],
      ['never: it rolled back slow by itself (1)'],
    ],
    ['rollback-elsewhere', [{ incidents: [mitigated] }], []],
    ['second-incident', [{ incidents: [mitigated, mitigated] }], ['never: 2 incidents of errors']],
    ['bad-version-again', ['v1', 'v2', 'v2', 'v1'].map((running) => ({ running })), []],
    [
      'bad-version-again',
      ['v1', 'v2', 'v1', 'v2'].map((running) => ({ running })),
      ['never: v2 runs again (v1, v2, v1, v2)'],
    ],
  ])('of %s, seeing %j', (never, seen, problems) => {
    const trace = seen.map((one, at) => ({ at, running: 'v1', incidents: [], ...one }));
    expect(violations(never, ERRORS, trace)).toEqual(problems);
  });

  test('is a row of a table', () => {
    const failed = { title: 'B', passed: false, problems: ['x | y'], seconds: 2 };
    const lines = report([{ title: 'A', passed: true, problems: [], seconds: 1 }, failed]).split('\n');
    expect(lines.slice(2)).toEqual([
      '| passed | A | 1 |  |',
      String.raw`| FAILED | B | 2 | x \| y |`,
      '',
      '1 passed, 1 failed',
    ]);
  });
});

describe('the scenarios', () => {
  test('are twelve, each with its service, an expectation, and what must never happen', () => {
    expect(new Set(SCENARIOS.map(({ service }) => service)).size).toBe(12);
    for (const { steps, never } of SCENARIOS) {
      expect(steps.some((step) => 'expect' in step)).toBe(true);
      expect(never.length).toBeGreaterThan(0);
    }
    expect(new Set(SCENARIOS.map(({ target }) => target)).size).toBe(4);
  });
});

describe.skipIf(!TOOLS_RUN_HERE)('the objects', () => {
  test('are accepted by the published schemas', async () => {
    const faulty = SCENARIOS.flatMap((scenario) =>
      scenario.steps.flatMap((step) => ('deploy' in step ? [workload(scenario, step.deploy, step.fault)] : [])),
    );
    // Flagger publishes no package with the schema of its canaries.
    const objects = [...world(), ...monitoring({ errors: 'token' }), ...faulty];
    expect(await schemaProblems(objects.map((one) => KubernetesObject.parse(one)))).toEqual([]);
  });

  test('are reached at the ports that the cluster publishes', () => {
    const cluster = readFileSync(join(import.meta.dirname, 'cluster.yaml'), 'utf8');
    for (const port of Object.values(NODE_PORTS))
      expect(cluster).toContain(`containerPort: ${port}, hostPort: ${port}`);
  });

  test('include values that the chart accepts, with permissions for each target', async () => {
    const objects = await rendered(chartValues());
    const role = objects.find(({ kind, metadata }) => kind === 'Role' && metadata.namespace === 'shop');
    expect(JSON.stringify(role)).toMatch(/rollouts.*canaries|canaries.*rollouts/);
  });

  test('main.ts prints them', async () => {
    const run = (command: string) =>
      promisify(execFile)(process.execPath, [join(import.meta.dirname, 'main.ts'), command]);
    expect(JSON.parse((await run('world')).stdout)).toMatchObject({ kind: 'List' });
    expect(JSON.parse((await run('values')).stdout)).toEqual(chartValues());
  });
});
