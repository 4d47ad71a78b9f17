import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { alert, type AlertOptions, group, minutesAgo } from '../support/alerts.ts';
import { EACH_ALONE, eventually, Firebreak } from '../support/firebreak.ts';
import { standInNote } from '../../core/domain/catalogue/vendors.ts';

const RUNBOOKS = {
  'flag-off.md': `---
title: Checkout flag regression
match: { runbook: flag-off }
inputs:
  flag: { default: new-basket }
steps:
  - id: say
    uses: note
    with: { text: "switching \${{ inputs.flag }} off for \${{ incident.service }}" }
  - id: off
    uses: flag.disable
    with: { flag: "\${{ inputs.flag }}" }
    timeout: 5m
  - id: watch
    uses: wait
    with: { for: 2m }
  - id: told
    when: steps.off.status == "succeeded" && incident.severity == "critical"
    uses: slack.post
    with: { text: "\${{ inputs.flag }} is off" }
  - id: never
    when: steps.off.status == "failed"
    uses: note
    with: { text: never }
---
# What this means
Words for people.
`,
  'asks.md': `---
title: Ask before the flag
match: { runbook: asks }
steps:
  - id: off
    uses: flag.disable
    with: { flag: search-ranking }
    approval: true
    timeout: 5m
---
Ask first.
`,
  'back.md': `---
title: Back where it began
match: { runbook: back }
undo: reverse
steps:
  - id: on
    uses: flag.enable
    with: { flag: spare-path }
    timeout: 5m
  - id: hook
    uses: http
    with: { method: POST, url: "http://127.0.0.1:9/nobody" }
    irreversible: true
    timeout: 30s
    onFailure: undo
---
Back.
`,
  'rolls-back.md': `---
title: Takes the deploy back
match: { runbook: rolls-back }
steps:
  - id: back
    uses: rollback
    irreversible: true
    timeout: 10m
  - id: after
    when: steps.back.status == "succeeded"
    uses: note
    with: { text: "back at \${{ steps.back.output.to_version }}" }
---
Back.
`,
  'by-hand.md': `---
title: Drain and tell
match: { runbook: nobody-names-it }
services: [hand, again, twice]
inputs:
  queue: { required: true, description: Which queue }
  times: { type: integer, default: 2 }
steps:
  - id: off
    uses: flag.disable
    with: { flag: old-queue }
    timeout: 5m
  - id: drain
    uses: http
    with: { method: POST, url: "OPS/queues/\${{ inputs.queue }}/drain", body: { times: "\${{ inputs.times }}" } }
    irreversible: true
    timeout: 5m
  - id: more
    uses: scale
    with: { by: 1, ceiling: 4 }
    when: steps.drain.output.body.short == true
    timeout: 5m
  - id: say
    uses: note
    with: { text: "drained \${{ inputs.queue }} \${{ inputs.times }} times,\\n\\nsaid \\"done\\"" }
---
Drain.
`,
  'asks-back.md': `---
title: Ask before the deploy is taken back
match: { runbook: asks-back }
steps:
  - id: back
    uses: rollback
    approval: { timeout: 20h }
    timeout: 10m
  - id: after
    uses: note
    with: { text: "it \${{ steps.back.status }}" }
---
Back.
`,
};

/**
 * Services for rollbacks, each in its own environment: simultaneous failures of others would speak against a rollback.
 */
const ALONE: ReadonlySet<string> = new Set(['cart', 'bag', 'box']);
const environmentOf = (service: string): string => (ALONE.has(service) ? `${service}-prod` : 'production');

const inMode = (mode: string, environment = 'production') => ({
  environments: {
    [environment]: {
      deployer: { kind: 'http' },
      flags: { kind: 'launchdarkly', project: 'default' },
      autoRollback: { mode, evidence: 'time' },
    },
  },
});

let firebreak: Firebreak;

/** A system of the team with configurable responses. */
const ops = { status: 200, calls: [] as { path: string; key: string; body: string }[] };
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const key = String(request.headers['idempotency-key']);
    ops.calls.push({ path: request.url ?? '', key, body: Buffer.concat(chunks).toString() });
    response.writeHead(ops.status, { 'content-type': 'application/json' }).end('{"short": false}');
  });
});

beforeAll(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  firebreak = await Firebreak.start({
    unshown: true,
    services: {
      basket: inMode('act'),
      search: inMode('act'),
      path: inMode('act'),
      cart: inMode('act', environmentOf('cart')),
      quiet: inMode('shadow'),
      hand: inMode('shadow'),
      again: inMode('act'),
      twice: {
        environments: {
          production: {
            ...inMode('act').environments['production'],
            autoRollback: { mode: 'act', evidence: 'time', approvals: 2 },
          },
        },
      },
      bag: inMode('approve', environmentOf('bag')),
      box: inMode('act', environmentOf('box')),
    },
    configFiles: EACH_ALONE,
    runbooks: { ...RUNBOOKS, 'by-hand.md': RUNBOOKS['by-hand.md'].replace('OPS', origin) },
  });
});
afterAll(async () => {
  await firebreak?.remove();
  server.closeAllConnections();
  server.close();
});

/** Sends an alert that names its runbook and requests nothing else. */
const fires = async (service: string, runbook: string, more: AlertOptions = {}) => {
  const one = alert({
    fingerprint: `${service}-${runbook}`,
    ...more,
    labels: { service, environment: environmentOf(service), action: '', runbook, ...more.labels },
  });
  const { status } = await firebreak.post('/v1/alerts/alertmanager', group([one]));
  expect(status).toBe(202);
};

const flag = async (name: string, on: boolean) => {
  const { status } = await firebreak.put('/sandbox/launchdarkly/flags', { flag: name, environment: 'production', on });
  expect(status).toBe(200);
};

const isOn = async (name: string): Promise<boolean> => {
  const { body } = await firebreak.get('/sandbox/launchdarkly/flags');
  return body.items.find((each: { flag: string }) => each.flag === name).on;
};

const incidentOf = (name: string): Promise<any> =>
  eventually(
    async () => (await firebreak.get(`/v1/incidents?service=${name}`)).body.items[0],
    `an incident of ${name}`,
  );

const timelineOf = async (id: string): Promise<{ kind: string; text: string; actor: string }[]> =>
  (await firebreak.get(`/v1/incidents/${id}/timeline?limit=200`)).body.items.toReversed();

const seen = async (id: string, kind: string) =>
  eventually(
    async () => (await timelineOf(id)).find((entry) => entry.kind === kind),
    `${kind} on the timeline, where there is ${JSON.stringify((await timelineOf(id)).map((entry) => entry.kind))}`,
  );

const told = async (id: string): Promise<string[]> =>
  (await timelineOf(id))
    .filter(({ kind }) => /^(runbook|flag|http)\./.test(kind))
    .map(({ kind, text }) => `${kind}: ${text}`);

const deploys = async (service: string) => {
  for (const [version, minutes] of [
    ['v1', 300],
    ['v2', 5],
  ] as const) {
    const deployment = { service, environment: environmentOf(service), version, has_migration: false };
    await firebreak.post('/v1/deployments', {
      ...deployment,
      started_at: minutesAgo(minutes + 2),
      finished_at: minutesAgo(minutes),
    });
  }
};

describe('a runbook named by an alert', () => {
  afterAll(() => firebreak.resolveAll());

  test('runs step by step with evaluated expressions, and is on the timeline', async () => {
    await flag('new-basket', true);
    await fires('basket', 'flag-off');
    const { id } = await incidentOf('basket');
    await seen(id, 'runbook.finished');
    expect(await told(id)).toEqual([
      expect.stringMatching(
        /^runbook\.started: Started the runbook "Checkout flag regression" \(flag-off, version \w+\)/,
      ),
      'runbook.step_succeeded: say: switching new-basket off for basket',
      `flag.started: Turned off feature flag new-basket${standInNote('flag')}`,
      `flag.succeeded: off: Turned off feature flag new-basket${standInNote('flag')}`,
      'runbook.message: new-basket is off',
      'runbook.step_succeeded: told: posted to the incident’s channel',
      'runbook.step_skipped: never: skipped: its condition is not met',
      'runbook.changes_remain: Changes that remain: feature flag new-basket is still off, turn it on again when it is safe',
      'runbook.finished: Runbook "Checkout flag regression" finished: 4 of 5 steps completed, 1 skipped',
    ]);
    expect(await isOn('new-basket')).toBe(false);
  });

  test('is a mitigation that is verified at the end of the window', async () => {
    const { id } = await incidentOf('basket');
    expect((await firebreak.get(`/v1/incidents/${id}`)).body.status).toBe('mitigated');
    const entries = await timelineOf(id);
    await seen(id, 'verification.inconclusive');
    expect(entries.filter(({ kind }) => kind === 'flag.started')).toHaveLength(1);
  });

  test('requires approval where it says so, and continues after the approval', async () => {
    await flag('search-ranking', true);
    await fires('search', 'asks');
    const { id } = await incidentOf('search');
    const question = await eventually(
      async () =>
        (await firebreak.get(`/v1/incidents/${id}`)).body.decisions.find(
          (one: any) => one.because === 'runbook_requires_approval',
        ),
      'the question',
    );
    expect(question).toMatchObject({ kind: 'approve', state: 'waiting', target: { service: 'search' } });
    expect(await isOn('search-ranking')).toBe(true);
    const { status } = await firebreak.post(`/v1/incidents/${id}/actions/approve`, { digest: question.digest });
    expect(status).toBe(200);
    await seen(id, 'runbook.finished');
    expect(await isOn('search-ranking')).toBe(false);
  });

  test('a person turns its flag on again, once', async () => {
    const { id } = await incidentOf('search');
    const request = (name: string) =>
      firebreak.post(`/v1/incidents/${id}/actions/turn-flag-on`, { flag: name, note: 'v3 fixes it' });
    expect((await request('search-ranking')).status).toBe(202);
    await eventually(() => isOn('search-ranking'), 'the flag');
    const on = async () =>
      (await timelineOf(id)).filter(({ kind, text }) => kind === 'flag.succeeded' && text.startsWith('Turned on'));
    await eventually(async () => (await on()).length > 0, 'the timeline');
    expect((await request('search-ranking')).status).toBe(202);
    expect(await on()).toMatchObject([
      { actor: 'admin', text: `Turned on feature flag search-ranking again${standInNote('flag')}` },
    ]);
    expect((await timelineOf(id)).filter(({ kind }) => kind === 'flag.requested')).toMatchObject([
      { actor: 'admin', text: 'Requested to turn on feature flag search-ranking again: v3 fixes it' },
    ]);
    expect(await request('new-basket')).toMatchObject({ status: 409, body: { code: 'flag-not-off' } });
  });

  test('undoes its changes when a step fails, and says so', async () => {
    await flag('spare-path', false);
    await fires('path', 'back');
    const { id } = await incidentOf('path');
    const { text } = await seen(id, 'runbook.failed');
    expect(text).toContain('step hook');
    expect((await told(id)).filter((line) => line.startsWith('flag.'))).toEqual([
      `flag.started: Turned on feature flag spare-path${standInNote('flag')}`,
      `flag.succeeded: on: Turned on feature flag spare-path${standInNote('flag')}`,
      `flag.started: Turned off feature flag spare-path${standInNote('flag')}`,
      `flag.succeeded: Undo: on: Turned off feature flag spare-path${standInNote('flag')}`,
    ]);
    expect(await isOn('spare-path')).toBe(false);
  });

  test('requests a rollback that the alert does not request, and continues with its result', async () => {
    await deploys('cart');
    await fires('cart', 'rolls-back');
    const { id } = await incidentOf('cart');
    await seen(id, 'runbook.finished');
    expect(await told(id)).toContain('runbook.step_succeeded: after: back at v1');
    const { decisions } = (await firebreak.get(`/v1/incidents/${id}`)).body;
    expect(decisions.map(({ kind }: { kind: string }) => kind)).toContain('roll_back');
    expect((await firebreak.calls('cd')).filter(({ body }) => body?.service === 'cart')).toHaveLength(1);
  });

  test.each([
    ['bag', 'approve', ['runbook_requires_approval', 'mode_approve']],
    ['box', 'act', ['runbook_requires_approval']],
  ])('requires approval once for that rollback and its versions: %s in mode %s', async (service, _, because) => {
    await deploys(service);
    await fires(service, 'asks-back');
    const { id } = await incidentOf(service);
    const asked = async (): Promise<any[]> =>
      (await firebreak.get(`/v1/incidents/${id}`)).body.decisions.filter(({ kind }: any) => kind === 'approve');
    const [question] = await eventually(async () => {
      const found = await asked();
      return found.length > 0 && found;
    }, 'the question');
    expect(question).toMatchObject({ state: 'waiting', from_version: 'v2', to_version: 'v1' });
    expect(question.reasons.map(({ code }: any) => code)).toEqual(expect.arrayContaining(because));
    const { status } = await firebreak.post(`/v1/incidents/${id}/actions/approve`, { digest: question.digest });
    expect(status).toBe(200);
    await seen(id, 'runbook.finished');
    expect(await told(id)).toContain('runbook.step_succeeded: after: it succeeded');
    expect(await asked()).toHaveLength(1);
    expect((await firebreak.calls('cd')).filter(({ body }) => body?.service === service)).toHaveLength(1);
  });

  test('changes nothing in shadow mode, and says what it would have done', async () => {
    await flag('new-basket', true);
    await fires('quiet', 'flag-off');
    const { id } = await incidentOf('quiet');
    await seen(id, 'runbook.finished');
    expect(await told(id)).toContain('runbook.step_skipped: off: skipped: automation is in mode shadow');
    expect(await isOn('new-basket')).toBe(true);
  });
});

describe('a runbook started by a person', () => {
  afterAll(() => firebreak.resolveAll());

  const started = (service: string, more: object = {}, runbook = 'by-hand') =>
    firebreak.post(`/v1/runbooks/${runbook}/runs`, {
      service,
      environment: 'production',
      inputs: { queue: 'a b', times: 3 },
      ...more,
    });
  const ended = (id: string): Promise<any> =>
    eventually(async () => {
      const { body } = await firebreak.get(`/v1/runbooks/runs/${id}`);
      return body.status !== 'running' && body;
    }, `the end of run ${id}`);
  const stepsOf = ({ steps }: any) => steps.map(({ id, status }: any) => `${id} ${status}`);

  test('shows a plan first, which changes nothing', async () => {
    await flag('old-queue', true);
    const { status, body } = await started('hand', { plan: true });
    expect([status, body]).toEqual([
      200,
      {
        runbook: 'by-hand',
        title: 'Drain and tell',
        version: expect.any(String),
        service: 'hand',
        environment: 'production',
        incident_id: null,
        incident_number: null,
        inputs: { queue: 'a b', times: 3 },
        refused: [],
        steps: [
          expect.objectContaining({
            id: 'off',
            does: 'turn off feature flag old-queue',
            target: 'hand in production (launchdarkly)',
            changes_production: true,
            approval: null,
            inverse: 'flag.enable',
            done: false,
          }),
          expect.objectContaining({
            id: 'drain',
            does: expect.stringMatching(/^POST http:\/\/127\.0\.0\.1:\d+\/queues\/a%20b\/drain$/),
            inverse: null,
          }),
          expect.objectContaining({ id: 'more', does: 'scale by 1, at most 4 instances', inverse: 'scale.restore' }),
          expect.objectContaining({
            id: 'say',
            does: 'note: drained a b 3 times, said "done"',
            changes_production: false,
          }),
        ],
      },
    ]);
    expect((await firebreak.get('/v1/incidents?service=hand')).body.items).toEqual([]);
    expect(ops.calls.map(({ path }) => path)).not.toContain('/queues/a%20b/drain');
    expect(await isOn('old-queue')).toBe(true);
  });

  test('runs even without automation, in its own incident', async () => {
    const { status, body } = await started('hand');
    expect(status).toBe(201);
    expect(body).toMatchObject({ runbook: 'by-hand', by: 'admin', retry_of: null, inputs: { queue: 'a b', times: 3 } });
    const run = await ended(body.id);
    expect([run.status, stepsOf(run)]).toEqual([
      'finished',
      ['off succeeded', 'drain succeeded', 'more skipped', 'say succeeded'],
    ]);
    expect(ops.calls.at(-1)).toEqual({
      path: '/queues/a%20b/drain',
      key: expect.stringContaining('.runbook.101.drain'),
      body: '{"times":3}',
    });
    expect(await isOn('old-queue')).toBe(false);
    const { body: incident } = await firebreak.get(`/v1/incidents/${run.incident_id}`);
    expect(incident).toMatchObject({ title: 'Runbook: Drain and tell', severity: 'warning', service: 'hand' });
    expect((await timelineOf(incident.id)).find(({ kind }) => kind === 'runbook.started')).toMatchObject({
      actor: 'admin',
      text: expect.stringMatching(/^Started the runbook "Drain and tell" \(by-hand, version \w{12}\)$/),
    });
    const entries = (await firebreak.get('/v1/audit?limit=100')).body.items;
    expect(entries).toContainEqual(
      expect.objectContaining({ kind: 'runbook.started', actor: 'admin', subject: incident.id }),
    );
    const { items } = (await firebreak.get('/v1/runbooks/runs?limit=500')).body;
    expect(items.map(({ id }: any) => id)).toContain(run.id);
    const ofIncident = (await firebreak.get(`/v1/runbooks/runs?incident=${incident.id}`)).body.items;
    expect(ofIncident.map(({ id }: any) => id)).toEqual([run.id]);
  });

  test('pages with step and reason when it fails, and a person can continue from there', async () => {
    ops.status = 422;
    const { body: first } = await started('again');
    const failed = await ended(first.id);
    const why = /^Runbook "Drain and tell" failed: step drain: POST \S+ answered 422/;
    expect(failed).toMatchObject({ status: 'failed', text: expect.stringMatching(why) });
    expect(stepsOf(failed)).toEqual(['off succeeded', 'drain failed', 'more pending', 'say pending']);
    const page = await eventually(
      async () =>
        (await firebreak.calls('pagerduty')).find(
          ({ body }) => body?.event_action === 'trigger' && body.dedup_key?.includes(failed.incident_id),
        ),
      'the page',
    );
    expect(JSON.stringify(page?.body)).toContain('step drain: POST');
    await flag('old-queue', true); // it must not be switched off again
    ops.status = 200;
    const plan = await firebreak.post(`/v1/runbooks/runs/${first.id}/actions/retry`, { plan: true });
    expect(plan.body.steps.map(({ id, done }: any) => [id, done])).toEqual([
      ['off', true],
      ['drain', false],
      ['more', false],
      ['say', false],
    ]);
    const { status, body: second } = await firebreak.post(`/v1/runbooks/runs/${first.id}/actions/retry`, {});
    expect([status, second.retry_of]).toEqual([201, first.id]);
    const run = await ended(second.id);
    expect(stepsOf(run)).toEqual(['off succeeded', 'drain succeeded', 'more skipped', 'say succeeded']);
    expect(await isOn('old-queue')).toBe(true);
    expect(ops.calls.slice(-2).map(({ key }) => key.split('.').slice(1).join('.'))).toEqual([
      'runbook.101.drain',
      'runbook.102.drain',
    ]);
    for (const [id, code] of [
      [first.id, 'run-retried'],
      [second.id, 'run-not-failed'],
    ])
      expect(await firebreak.post(`/v1/runbooks/runs/${id}/actions/retry`, {})).toMatchObject({
        status: 409,
        body: { code },
      });
  });

  test('waits for a second person if the service requires two, and has one run at a time', async () => {
    const { body } = await started('twice');
    const waiting = await eventually(async () => {
      const run = (await firebreak.get(`/v1/runbooks/runs/${body.id}`)).body;
      return run.steps[0].status === 'waiting' && run;
    }, 'the question');
    expect(stepsOf(waiting)).toEqual(['off waiting', 'drain pending', 'more pending', 'say pending']);
    const { decisions } = (await firebreak.get(`/v1/incidents/${body.incident_id}`)).body;
    const question = decisions.find(({ state }: any) => state === 'waiting');
    expect(question).toMatchObject({ because: 'second_person', approvals: { needed: 2, given: ['admin'] } });
    expect(
      await firebreak.post(`/v1/incidents/${body.incident_id}/actions/approve`, { digest: question.digest }),
    ).toMatchObject({ status: 409, body: { code: 'second-person-needed' } });
    expect(await started('twice', { incident_id: body.incident_id })).toMatchObject({
      status: 409,
      body: { code: 'run-in-progress', detail: expect.stringContaining(body.id) },
    });
    const again = await firebreak.post(`/v1/runbooks/runs/${body.id}/actions/retry`, {});
    expect(again).toMatchObject({ status: 409, body: { code: 'run-in-progress' } });
    await firebreak.post(`/v1/incidents/${body.incident_id}/actions/reject`, { digest: question.digest });
    expect(await ended(body.id)).toMatchObject({ status: 'stopped' });
  });

  test('is refused if it is not possible or not allowed', async () => {
    const refusal = async (answer: Promise<{ status: number; body: any }>) => {
      const { status, body } = await answer;
      return [status, body.code, body.detail];
    };
    expect(await refusal(started('hand', {}, 'by-hend'))).toEqual([
      404,
      'unknown-runbook',
      'there is no runbook by-hend; did you mean "by-hand"?',
    ]);
    expect(await refusal(started('search'))).toEqual([422, 'runbook-not-here', expect.stringContaining('search')]);
    expect(await refusal(started('nothing'))).toEqual([
      422,
      'unknown-service-environment',
      expect.stringContaining('nothing'),
    ]);
    expect(await refusal(started('hand', { inputs: {} }))).toEqual([422, 'invalid', 'inputs: "queue" is required']);
    expect(await refusal(started('hand', { inputs: { queue: 'a', tines: 1 } }))).toEqual([
      422,
      'invalid',
      'inputs: the runbook has no input "tines"; did you mean "times"?',
    ]);
    expect(await refusal(started('hand', { inputs: { queue: 'a', times: 'x' } }))).toEqual([
      422,
      'invalid',
      'inputs: "times" must be of type integer',
    ]);
    const grant = { actions: ['incidents:read', 'incidents:act', 'incidents:write'], services: ['again'] };
    const { body: token } = await firebreak.post('/v1/tokens', { name: 'of again', ...grant });
    const theirs = { authorization: `Bearer ${token.token}` };
    const wanted = { service: 'hand', environment: 'production', inputs: { queue: 'a' }, plan: true };
    expect((await firebreak.request('POST', '/v1/runbooks/by-hand/runs', wanted, theirs)).status).toBe(403);
    const { body: hand } = await firebreak.request('GET', '/v1/runbooks/runs?limit=500', undefined, theirs);
    expect(new Set(hand.items.map(({ service }: any) => service))).toEqual(new Set(['again']));
    // Runbooks for other services only are not visible.
    const names = (await firebreak.request('GET', '/v1/runbooks', undefined, theirs)).body.items;
    expect(names.find(({ name }: any) => name === 'by-hand').services).toEqual(['again']);
    await firebreak.put('/v1/automation', { paused: true, reason: 'a test' });
    expect(await refusal(started('hand'))).toEqual([409, 'automation-paused', expect.stringContaining('kill switch')]);
    expect((await started('hand', { plan: true })).body.refused).toMatchObject([{ code: 'automation-paused' }]);
    await firebreak.put('/v1/automation', { paused: false });
  });

  test('can be read with its steps and text', async () => {
    const { body } = await firebreak.get('/v1/runbooks/by-hand');
    expect(body).toMatchObject({
      name: 'by-hand',
      services: ['hand', 'again', 'twice'],
      inputs: { queue: { required: true, type: 'string' }, times: { type: 'integer', default: 2 } },
      text: expect.stringContaining('Drain.'),
    });
    expect(body.steps.map(({ id, changes_production: changes }: any) => [id, changes])).toEqual([
      ['off', true],
      ['drain', true],
      ['more', true],
      ['say', false],
    ]);
    const { items } = (await firebreak.get('/v1/runbooks')).body;
    expect(items.map(({ name }: any) => name)).toContain('asks-back');
  });
});

describe('the set of runbooks', () => {
  test('with an error keeps the last good set in force, and reports file, line, and error', async () => {
    const good = RUNBOOKS['asks.md'];
    await firebreak.writeRunbook('asks.md', good.replace('uses: flag.disable', 'uses: flag.disabel'));
    const { body } = await eventually(async () => {
      const answer = await firebreak.get('/readyz');
      return JSON.stringify(answer.body).includes('asks.md') && answer;
    }, 'the problem at readyz');
    expect(JSON.stringify(body)).toMatch(/asks\.md:6: .*flag\.disable/);
    await firebreak.writeRunbook('asks.md', good);
    await eventually(
      async () => !JSON.stringify((await firebreak.get('/readyz')).body).includes('asks.md'),
      'no problem',
    );
  });

  test('a running incident keeps its version of the runbook', async () => {
    const { id } = await incidentOf('basket');
    const [before] = await told(id);
    await firebreak.writeRunbook('flag-off.md', RUNBOOKS['flag-off.md'].replace('Checkout flag regression', 'Renamed'));
    await fires('basket', 'flag-off', { fingerprint: 'another' });
    expect((await told(id))[0]).toBe(before);
    expect((await told(id)).filter((line) => line.startsWith('runbook.started'))).toHaveLength(1);
  });
});
