import { afterAll, beforeAll, expect, test } from 'vitest';
import { ExperimentTable } from '../store.ts';
import { conclude } from '../decisions/conclusion.ts';
import { reportOf } from '../decisions/report.ts';
import { experimentsPanel, unfinishedPanel } from '../pages/panels.ts';
import { ServiceName } from '../../../schemas/config/names.ts';
import { type ExperimentRecord, ExperimentId, type Observation } from '../experiment.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { openTable, type TableStores } from '../../../test/core/stores/stores.ts';
import { consoleWorld } from '../../../test/support/console-world.ts';
import { anExperiment, checkoutProduction } from './experiments.ts';
import { expectHarmless, hostile, SCRIPT, textOf } from '../../../test/support/hostile.ts';
import { signal } from '../../../test/support/signals.ts';

const INCIDENT = '01J0000000000000000000000A';

let stores: TableStores;
let table: ExperimentTable;
let site: ReturnType<typeof consoleWorld>;
let running: ExperimentRecord;
let shared: ExperimentRecord;
let at: Timestamp;
/** The alert as the incident lists it, and as the experiment expected it. */
const listed = signal({ title: 'listed', episode: 'checkout:listed' });

beforeAll(async () => {
  stores = await openTable();
  site = consoleWorld(({ deps }) => {
    table = new ExperimentTable(stores.table, { add: async () => undefined, read: async () => [] });
    return {
      features: { ...deps.features, experiments: { ...deps.features['experiments'], experiments: table } },
      incidents: Object.assign(Object.create(null), {
        openAt: async () => undefined,
        recent: async () => ({ items: [{ ...checkoutProduction, id: INCIDENT, number: 7 }], isComplete: true }),
        signals: async () => ({ items: [{ ...listed, ...checkoutProduction }], next_cursor: null }),
      }),
    };
  });
  at = site.world.clock.now();
  const [check] = anExperiment().checks;
  if (check === undefined) throw new Error('no check');
  running = anExperiment({
    name: hostile('lose a pod'),
    hypothesis: hostile('It survives'),
    reason: hostile('running until'),
    checks: [check, { ...check, name: 'success', promql: null, metric: 'success', min: 0.9, max: 1.1 }],
    abort_alerts: [{ alertname: hostile('DataLoss') }],
    run: { kind: 'http', id: hostile('run-1') },
    started_at: plusSeconds(at, -300),
    created_at: plusSeconds(at, -600),
    chaos: {
      verdict: 'awaited',
      text: hostile('awaited'),
      probes: [{ name: hostile('probe'), type: 'promProbe', verdict: 'Passed', description: hostile('p95') }],
    },
  });
  shared = anExperiment({
    id: ExperimentId.parse('01JE0000000000000000000001'),
    scope: [
      { ...checkoutProduction, service: ServiceName.parse('cart') },
      { ...checkoutProduction, service: ServiceName.parse('search') },
    ],
    name: 'cut the network',
  });
  for (const one of [running, shared])
    await table.begin(one, { at: one.created_at, kind: 'created', by: 'ada', text: hostile('Recorded') });
  const measured = (seconds: number, phase: Observation['phase'], errors: number | null): Observation => ({
    at: plusSeconds(at, seconds),
    phase,
    values: [
      { name: 'errors', value: errors, detail: errors === null ? hostile('no sample') : '' },
      { name: 'success', value: 1, detail: '' },
    ],
  });
  await table.put(
    { ...running, events: 1 },
    {
      observations: [
        measured(-330, 'before', 0.001),
        measured(-240, 'during', 0.003),
        measured(-210, 'during', 0.05),
        measured(-180, 'during', null),
      ],
    },
  );
  for (const [episode, title] of [
    [listed.episode, 'listed'],
    ['checkout:quiet', hostile('quiet')],
  ] as const)
    await table.expect(running.id, {
      at: plusSeconds(at, -200),
      episode,
      title,
      ...checkoutProduction,
      severity: 'critical',
      abort: false,
      reasons: [{ code: 'in_scope', text: hostile('in scope') }],
    });
});
afterAll(() => stores?.close());

const read = async (id: ExperimentId): Promise<ExperimentRecord> => {
  const found = await table.get(id);
  if (found === undefined) throw new Error(`no experiment ${id}`);
  return found;
};
const LIST = '/console/experiments';
const path = ({ id }: ExperimentRecord): string => `${LIST}/${id}`;
/** Returns the page without the scripts of its frame. */
const mainOf = (text: string): string => text.slice(text.indexOf('<main'), text.indexOf('</main>'));
const page = async (where: string, token = 'grace') => mainOf(await (await site.get(where, { token })).text());

test('lists the experiments whose whole scope the viewer may read', async () => {
  const both = await page(LIST);
  expectHarmless(both, 2);
  expect(textOf(both)).toMatch(/cut the network.*cart production, search production ?running.*lose a pod/s);
  // Cora may read the cart only.
  expect(textOf(await page(LIST, 'cora'))).toContain('No chaos experiment is recorded');
  expect(textOf(await page(`${LIST}?service=cart`, 'ada'))).not.toContain('lose a pod');
});

test('shows the hypothesis, the measurements with their limits, and the object of the chaos system', async () => {
  const shown = await page(path(running));
  expectHarmless(shown, 12);
  expect(shown).not.toContain(SCRIPT);
  const text = textOf(shown);
  expect(shown).toMatch(
    /errors, at most 0\.02 from .*: 3 samples between 0\.001 and 0\.05, at most 0\.02\. started at/,
  );
  expect(shown).toMatch(/success, 0\.9 to 1\.1 from .*: 4 samples between 1 and 1, at most 1\.1, at least 0\.9/);
  // One line for each limit, in each of two drawings.
  expect(shown.match(/<path class="limit"/g)).toHaveLength(2 * 3);
  expect(text).toMatch(/errors at most 0\.02 ?steady state before ?1 ?0 ?0 ?0\.001 ?0\.001 ?0\.001/);
  expect(text).toMatch(/errors at most 0\.02 ?during ?2 ?1 ?1 ?0\.003 ?0\.0265 ?0\.05/);
  expect(text).toMatch(/during ?0\.05 ?outside.*during ?not measured: no sample/);
  expect(text).toMatch(/Stop ?not requested ?Result ?awaited/);
  expect(text).toMatch(
    /Stopped by ?errors above 0\.2 ?success above 0\.2 ?errors not measured 5 times in a row ?success not measured 5 times in a row ?alert DataLoss/,
  );
});

test('links an expected alert to the incident that lists it', async () => {
  const shown = await page(path(running));
  expect(textOf(shown)).toMatch(/Expected alerts 2/);
  expect(shown.match(new RegExp(`href="/console/incidents/INC-7"`, 'g'))).toHaveLength(1);
  expect(textOf(shown)).toMatch(/listed ?▲ critical ?checkout production ?\d\d:\d\d:\d\d ?kept quiet ?INC-7/);
});

test('refuses those who may not read the whole scope, and unknown IDs', async () => {
  for (const where of [path(running), path(shared), `${path(shared)}/report`])
    expect([where, (await site.get(where, { token: 'cora' })).status]).toEqual([where, 403]);
  for (const unknown of ['nothing', '01TEST00000000000000009999'])
    for (const where of [`${LIST}/${unknown}`, `${LIST}/${unknown}/report`])
      expect((await site.get(where, { token: 'ada' })).status).toBe(404);
});

test('the report is the one of the API', async () => {
  const answer = await site.get(`${path(running)}/report`, { token: 'vera' });
  expect(answer.headers.get('content-type')).toBe('text/markdown; charset=utf-8');
  const [events, observations, alerts] = await Promise.all([
    table.events(running.id),
    table.observations(running.id),
    table.expected(running.id),
  ]);
  expect(await answer.text()).toBe(reportOf({ ...(await read(running.id)), events, observations, alerts }));
});

test('is stopped by those who may do so in its whole scope', async () => {
  const send = (one: ExperimentRecord, token: string) =>
    site.post(`${path(one)}/actions/stop`, { reason: 'enough' }, { token });
  expect(await page(path(running))).toContain(`${path(running)}/actions/stop`);
  expect(await page(path(running), 'vera')).not.toContain('/actions/');
  for (const [one, token] of [
    [running, 'vera'],
    [shared, 'cora'],
  ] as const) {
    expect((await send(one, token)).status).toBe(403);
    expect((await read(one.id)).request).toBeNull();
  }
  expect((await send(running, 'grace')).status).toBeLessThan(400);
  expect((await read(running.id)).request).toMatchObject({ kind: 'stop', reason: 'enough', by: 'grace' });
});

test('an experiment that has ended has a conclusion, and no forms', async () => {
  const before = await read(running.id);
  const ending = { code: 'stopped', reason: hostile('enough'), by: 'grace', at } as const;
  const ended = { ...before, status: 'ended', request: null, stopped_at: at, ended_at: at, ending } as const;
  const conclusion = conclude(ended, await table.observations(running.id));
  await table.put({ ...ended, conclusion });
  const shown = await page(path(running));
  expect(shown).not.toContain('/actions/');
  expect(textOf(shown)).toMatch(
    /Conclusion ?hypothesis failed ?a check was outside its limits ?errors was outside at most 0\.02 in 1 of 2 measurements/,
  );
  expect((await site.post(`${path(running)}/actions/stop`, {}, { token: 'grace' })).status).toBe(409);
});

test('the panels on Now and on the page of an incident show names as text', async () => {
  expectHarmless(String(await unfinishedPanel([running], at)), 2);
  expectHarmless(String(await experimentsPanel([running], at)), 1);
});
