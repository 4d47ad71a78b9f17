import { Refusal } from '../../../core/domain/refusal.ts';
import { describe, expect, test } from 'vitest';
import type { ConsoleDeps } from '../../../entrances/console/pages/page.ts';
import { runMain } from '../../../entrances/console/pages/runbooks/run.ts';
import { runbookMain, type RunbookData } from '../../../entrances/console/pages/runbooks/runbook.ts';
import { type Runbooks, runbooksMain } from '../../../entrances/console/pages/runbooks/runbooks.ts';
import { Config, emptyConfig } from '../../../schemas/config/config.ts';
import type { EnvironmentName, IncidentId, ServiceName } from '../../../schemas/config/names.ts';
import { runId, type RunPlan, type RunView } from '../../../schemas/runbooks/parts/runs.ts';
import type { Runbook } from '../../../schemas/runbooks/runbook.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { runbook } from '../../core/domain/runbooks/support.ts';
import { consoleWorld, tokenRecord } from '../../support/console-world.ts';
import { expectHarmless, hostile, HOSTILE, textOf } from '../../support/hostile.ts';

const AT = '2026-11-20T12:00:00.000Z' as Timestamp;
const ID = '01J0000000000000000000000A' as IncidentId;

const HEAD = `
title: The queue is stuck
match: { any: ['runbook="stuck-queue"', ['alertname=~"Queue.*"', 'team!="x"']] }
inputs:
  queue: { required: true, description: Name of the queue }
  lag: { type: integer, default: 5 }
  hard: { type: boolean, default: false }
undo: reverse
steps:
  - id: tell
    uses: note
    with: { text: 'Draining \${{ inputs.queue }}' }
  - id: restart
    uses: restart
    when: service.tier <= 4
    approval: { timeout: 10m, otherwise: skip }
    timeout: 15m
    irreversible: true
onFailure:
  do: stop
  steps:
    - id: sorry
      uses: note
      with: { text: It failed }
`;

const stuck = (): Runbook => runbook(HEAD.replaceAll('\\$', '$'), 'stuck-queue.md');

const evil = (): Runbook => ({
  ...stuck(),
  title: hostile('title'),
  body: `# X ${HOSTILE}\n\n- **Y** ${HOSTILE}`,
  file: hostile('file'),
  services: [hostile<ServiceName>('service')],
});

const runView = (more: Partial<RunView> = {}): RunView => ({
  id: runId(ID, 1),
  runbook: hostile('name'),
  title: hostile('title'),
  version: 'v',
  incident_id: ID,
  incident_number: 7,
  service: hostile<ServiceName>('service'),
  environment: hostile<EnvironmentName>('environment'),
  status: 'running',
  text: hostile('text'),
  started_at: AT,
  by: hostile('ada'),
  inputs: { queue: hostile('input') },
  retry_of: runId(ID, 2),
  steps: [
    { id: 'a', name: hostile('step'), uses: 'note', status: 'succeeded', detail: hostile('detail') },
    { id: 'b', name: 'b', uses: 'restart', status: 'waiting', detail: '' },
  ],
  ...more,
});

const plan = (): RunPlan => ({
  runbook: 'stuck-queue',
  title: hostile('title'),
  version: hostile('version'),
  service: hostile<ServiceName>('service'),
  environment: hostile<EnvironmentName>('environment'),
  incident_id: ID,
  incident_number: 7,
  inputs: { queue: hostile('input') },
  steps: [
    {
      id: 'a',
      name: hostile('step'),
      uses: 'http',
      does: hostile('does'),
      target: hostile('target'),
      changes_production: true,
      when: [hostile('when')],
      approval: { needed: 2, given: ['ada'], people: [hostile('vera')] },
      reasons: [{ code: 'runbook_asks' as never, text: hostile('reason') }],
      timeout_s: 60,
      on_failure: 'stop',
      inverse: 'http',
      done: false,
    },
  ],
  refused: [],
});

const data = (more: Partial<RunbookData> = {}): RunbookData => ({
  csrfToken: 'key',
  runbook: evil(),
  startScope: { services: [hostile('service')], environments: [hostile('environment')] },
  inputs: { service: hostile('written'), 'input.queue': hostile('queue') },
  shown: { plan: plan() },
  ...more,
});

test('hostile texts are shown as text', async () => {
  const list: Runbooks = {
    at: AT,
    text: hostile('search'),
    runbooks: [evil()],
    all: 1,
    runs: { items: [runView()], from: hostile('from'), older: hostile('older') },
  };
  expectHarmless(String(await runbooksMain(list)), 5);
  expectHarmless(String(await runbooksMain({ ...list, runbooks: [] })), 1);
  expectHarmless(String(await runbookMain(data())), 14);
  expectHarmless(
    String(await runbookMain(data({ shown: { refusal: new Refusal(409, 'invalid', hostile('refusal')) } }))),
    5,
  );
  expectHarmless(String(await runMain({ at: AT, csrfToken: 'key', run: runView(), mayAct: true })), 8);
});

test('the list of runs counts the steps that succeeded, and those that were skipped', async () => {
  const ran = (status: 'pending' | 'skipped' | 'succeeded', id: string) => ({
    id,
    name: id,
    uses: 'note',
    status,
    detail: '',
  });
  const steps = [ran('succeeded', 'a'), ran('skipped', 'b')];
  const runs = [runView({ steps }), runView({ steps: [ran('succeeded', 'a'), ran('pending', 'b')] })];
  const list = { at: AT, text: '', runbooks: [], all: 0, runs: { items: runs, from: null, older: null } };
  expect(textOf(String(await runbooksMain(list)))).toMatch(/1 of 2, 1 skipped.*1 of 2(?!,)/s);
});

test('a run is green only if a step was done', async () => {
  const step = (status: 'skipped' | 'succeeded') => ({ id: 'a', name: 'a', uses: 'note', status, detail: '' });
  for (const [status, isGreen] of [
    ['skipped', false],
    ['succeeded', true],
  ] as const) {
    const run = runView({ status: 'finished', steps: [step(status)] });
    const list = { at: AT, text: '', runbooks: [], all: 0, runs: { items: [run], from: null, older: null } };
    const pages = [
      await runbooksMain(list),
      await runMain({ run: { ...run, steps: run.steps }, at: AT, mayAct: true, csrfToken: 'key' }),
    ];
    for (const markup of pages) {
      const badge = /<span class="badge ([^"]*)">\s*finished/.exec(String(markup))?.[1];
      expect([status, badge]).toEqual([status, isGreen ? 'effect-succeeded' : '']);
    }
  }
});

const newEachTime: ConsoleDeps['idempotency'] = {
  begin: async () => ({ kind: 'mine', first: { at: '2026-11-20T12:00:00.000Z' as Timestamp, nonce: '' } }),
  end: async () => undefined,
};

const CONFIG = Config.parse({
  ...emptyConfig,
  services: {
    checkout: { environments: { production: { deployer: { kind: 'http' } } } },
    cart: { environments: { production: { deployer: { kind: 'http' } }, staging: {} } },
  },
});

/** @param idempotency in place of a table that is empty each time */
function world(idempotency: ConsoleDeps['idempotency'] = newEachTime) {
  const made = consoleWorld(() => ({ idempotency }));
  made.world.config = {
    ...CONFIG,
    runbooks: {
      version: 'test',
      runbooks: [
        stuck(),
        runbook('title: Only text', 'notes.md'),
        runbook('title: For cart\nservices: cart', 'cart.md'),
      ],
    },
  };
  made.tokens.set('only-checkout', tokenRecord('only-checkout', ['incidents:read'], { services: ['checkout'] }));
  const text = async (path: string, token: string) => textOf(await (await made.get(path, { token })).text());
  return { ...made, text };
}

test('a run of an alert that matches no service names none, and leads to no page of one', async () => {
  const run = runView({ service: 'unmatched' as ServiceName, environment: 'unknown' as EnvironmentName });
  const list = { at: AT, text: '', runbooks: [], all: 0, runs: { items: [run], from: null, older: null } };
  const markup = String(await runbooksMain(list));
  expect(textOf(markup)).toContain('unknown service');
  expect(markup).not.toContain('/console/services/unmatched');
  expect(textOf(markup)).not.toContain('unmatched');
});

describe('the list of runbooks', () => {
  test('has those that the viewer may see, with what they change', async () => {
    const { text } = world();
    const all = await text('/console/runbooks', 'vera');
    expect(all).toMatch(/The queue is stuck stuck-queue ?all services all environments ?2 ?1 step/);
    expect(all).toMatch(/Only text notes ?all services all environments ?text only ?nothing/);
    expect(all).toContain('For cart');
    expect(await text('/console/runbooks', 'only-checkout')).not.toContain('For cart');
    const found = await text('/console/runbooks?text=QUEUE', 'vera');
    expect([found.includes('The queue is stuck'), found.includes('Only text')]).toEqual([true, false]);
  });
});

describe('the page of a runbook', () => {
  test('shows its text, steps with guards, and when alerts start it', async () => {
    const { text, get } = world();
    const shown = await text('/console/runbooks/stuck-queue', 'vera');
    for (const words of [
      'For people',
      'restart changes production',
      'at most 15 min once in an incident on failure skips the remaining steps',
      'Only if service.tier <= 4',
      'Approval by a person',
      'Draining ${{ inputs.queue }}',
      'If a step fails sorry',
      'runbook="stuck-queue"',
      'alertname=~"Queue.*", team!="x"',
    ])
      expect(shown).toContain(words);
    expect((await get('/console/runbooks/cart', { token: 'only-checkout' })).status).toBe(403);
    expect((await get('/console/runbooks/unknown', { token: 'vera' })).status).toBe(404);
  });

  test('offers a start only to those who may, and only if there is something to do', async () => {
    const { get } = world();
    const offers = async (path: string, token: string) =>
      (await (await get(`/console/runbooks/${path}`, { token })).text()).includes('id="do-plan"');
    expect(await offers('stuck-queue', 'grace')).toBe(true);
    expect(await offers('stuck-queue', 'vera')).toBe(false);
    expect(await offers('notes', 'grace')).toBe(false);
  });
});

const ASKED =
  '/console/runbooks/stuck-queue?service=checkout&environment=production&input.queue=orders&input.lag=&input.hard=true';

describe('starting a runbook by hand', () => {
  test('shows its plan first, which starts nothing', async () => {
    const { text, world: fake } = world();
    const shown = await text(ASKED, 'grace');
    expect(shown).toMatch(/In checkout production, in a new incident.*Inputs: queue: orders, hard: true/);
    expect(shown).toMatch(
      /restart, one instance at a time \(checkout in production \(http\)\) ?Asks a person for approval/,
    );
    expect((await fake.deps.incidents.list({ limit: 5 })).items).toEqual([]);
  });

  test.each([
    ['service=checkout&environment=production', /cannot be started: inputs: "queue" is required/],
    ['service=checkout&input.queue=q&input.lag=many', /inputs: "lag" must be of type integer/],
    ['service=checkout&input.queue=q&input.lag=0x10', /inputs: "lag" must be of type integer/],
    ['service=chekout&input.queue=q', /cannot be started: .*chekout/],
    ['service=&input.queue=q', /cannot be started: service:/],
  ])('says why %s cannot be started', async (query, why) => {
    const { text } = world();
    expect(await text(`/console/runbooks/stuck-queue?${query}`, 'grace')).toMatch(why);
  });

  test('does what the API does, with the same permissions, and leads to the run', async () => {
    const { get, post, text, world: fake } = world();
    const page = await (await get(ASKED, { token: 'grace' })).text();
    const hidden = Object.fromEntries(
      [...page.slice(page.indexOf('/actions/start')).matchAll(/name="([\w.]+)" value="([^"]*)"/g)].map(
        ([, name = '', value = '']) => [name, value],
      ),
    );
    const start = (token: string, more: object = {}) =>
      post('/console/runbooks/stuck-queue/actions/start', { ...hidden, ...more }, { token });
    for (const token of ['vera', 'cora']) expect([token, (await start(token)).status]).toEqual([token, 403]);
    const changed = await start('grace', { version: 'older' });
    const refused = await changed.text();
    expect([changed.status, textOf(refused)]).toEqual([409, expect.stringContaining('has changed')]);
    // What was written is still there, with the plan of the runbook as it is now.
    expect(refused).toMatch(/name="input\.queue"\s+value="orders"/);
    expect(textOf(refused)).toContain('Inputs: queue: orders, hard: true');
    const started = await start('grace');
    const [, path = ''] = /href="(\/console\/runbooks\/runs\/[\w-]+)">Show the run/.exec(await started.text()) ?? [];
    expect(started.status).toBe(200);
    const [incident] = (await fake.deps.incidents.list({ limit: 5 })).items;
    expect(incident).toMatchObject({ service: 'checkout', environment: 'production' });
    const shown = await text(path, 'vera');
    expect(shown).toMatch(
      /in progress .*Service ?checkout production.*Started .* by grace ?Inputs ?queue: orders, hard: true/,
    );
    expect(shown).toMatch(/restart ?restart, restart ?not run/);
    expect((await start('grace')).status).toBe(409);
    expect(await text('/console/runbooks', 'vera')).toMatch(/The queue is stuck ?in progress ?checkout/);
    expect((await get(path, { token: 'cora' })).status).toBe(403);
  });

  test('a run names its incident by number', async () => {
    const page = String(await runMain({ at: AT, csrfToken: 'key', run: runView(), mayAct: true }));
    expect(textOf(page)).toMatch(/Incident ?INC-7 ?Started/);
  });

  test('a failed run can be retried, and no other', async () => {
    const page = async (more: Partial<RunView>, mayAct = true) =>
      String(await runMain({ at: AT, csrfToken: 'key', run: runView(more), mayAct }));
    expect(await page({ status: 'failed' })).toContain('/actions/retry');
    expect(await page({ status: 'failed' }, false)).not.toContain('/actions/retry');
    expect(await page({ status: 'finished' })).not.toContain('/actions/retry');
    const { post } = world();
    const retry = (id: string) => post(`/console/runbooks/runs/${id}/actions/retry`, {}, { token: 'grace' });
    expect((await retry(runId(ID, 1))).status).toBe(404);
    expect((await retry('nonsense')).status).toBe(404);
  });
});
