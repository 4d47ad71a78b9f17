import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { alert, group, minutesAgo } from '../support/alerts.ts';
import { EACH_ALONE, eventually, Firebreak } from '../support/firebreak.ts';
import { standInNote } from '../../core/domain/catalogue/vendors.ts';

/** Runbook steps at vendors over real HTTP: each kind of step once, with its effects. */

type Received = { method: string; path: string; headers: IncomingHttpHeaders; body: string };

/** A system of the team. It has a sequence of responses per path, and repeats the last one. */
class Ops {
  readonly received: Received[] = [];
  readonly #answers: Record<string, [status: number, body?: object][]> = {
    'POST /drains': [[503], [201, { id: 'd-7' }]],
    'DELETE /drains/d-7': [[204]],
    'POST /refuses': [[422]],
    'POST /thinks-twice': [[409], [200]],
    'POST /changes/sent': [[200]],
    'POST /changes/sent-again': [[200]],
    'GET /state': [[200, { replicas: 3 }]],
  };
  readonly #server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      const before = this.to(`${method} ${path}`).length;
      this.received.push({ method, path, headers, body: Buffer.concat(chunks).toString() });
      const answers = this.#answers[`${method} ${path}`] ?? [[404]];
      const [status = 404, body] = answers[Math.min(before, answers.length - 1)] ?? [];
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(body === undefined ? '' : JSON.stringify(body));
    });
  });

  to = (call: string): Received[] => this.received.filter(({ method, path }) => `${method} ${path}` === call);

  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

const runbook = (name: string, head: string): string => `---
title: The runbook ${name}
match: { runbook: ${name} }
${head}---
For people.
`;

const runbooks = (ops: string): Record<string, string> => ({
  'drains.md': runbook(
    'drains',
    `undo: reverse
onFailure: undo
steps:
  - id: drain
    uses: http
    with:
      method: POST
      url: ${ops}/drains
      auth: { bearer: OPS_TOKEN }
      headers: { X-Incident: "\${{ incident.id }}" }
      body: { service: "\${{ incident.service }}" }
    inverse: { uses: http, with: { method: DELETE, url: "${ops}/drains/\${{ steps.drain.output.body.id }}" } }
    timeout: 5m
  - id: state
    uses: http
    with: { method: GET, url: "${ops}/state" }
  - id: told
    uses: note
    with: { text: "drained \${{ steps.drain.output.body.id }}, \${{ steps.state.output.body.replicas }} there" }
  - id: refused
    uses: http
    with: { method: POST, url: "${ops}/refuses" }
    irreversible: true
    timeout: 5m
`,
  ),
  'changes.md': runbook(
    'changes',
    `steps:
  - id: call
    uses: http
    with: { method: POST, url: "${ops}/changes/\${{ incident.service }}" }
    irreversible: true
    timeout: 5m
`,
  ),
  'retries.md': runbook(
    'retries',
    `steps:
  - id: twice
    uses: http
    with: { method: POST, url: "${ops}/thinks-twice" }
    irreversible: true
    timeout: 5m
    retry: { max: 2, delay: 10s }
`,
  ),
  'secretless.md': runbook(
    'secretless',
    `steps:
  - id: call
    uses: http
    with: { method: POST, url: "${ops}/never", auth: { bearer: NOBODY_HAS_SET_THIS } }
    irreversible: true
    timeout: 5m
    retry: { max: 3, delay: 10s }
`,
  ),
  'tells.md': runbook(
    'tells',
    `steps:
  - { id: post, uses: slack.post, with: { channel: "#ops-room", text: "\${{ incident.title }} at \${{ service.team }}" } }
  - { id: ticket, uses: ticket, with: { title: "Look at \${{ incident.service }}", text: It was full, labels: [disk] } }
  - { id: link, uses: note, with: { text: "see \${{ steps.ticket.output.url }}" } }
  - { id: page, uses: page, with: { note: somebody has to look } }
`,
  ),
  'capacity.md': runbook(
    'capacity',
    `undo: reverse
onFailure: undo
steps:
  - { id: more, uses: scale, with: { factor: 2, ceiling: 5 }, timeout: 10m }
  - { id: again, uses: restart, timeout: 10m }
  - { id: refused, uses: http, irreversible: true, with: { method: POST, url: "${ops}/refuses" }, timeout: 5m }
`,
  ),
  'watches.md': runbook(
    'watches',
    `steps:
  - { id: calm, uses: wait.until, with: { promql: 'queue_depth{service="watched"}', max: 10 }, timeout: 2h }
  - { id: told, uses: note, with: { text: "it is \${{ steps.calm.output }} now" } }
`,
  ),
  'asks-bob.md': runbook(
    'asks-bob',
    `steps:
  - id: call
    uses: http
    with: { method: POST, url: "${ops}/drains" }
    irreversible: true
    timeout: 5m
    approval: { people: [bob], timeout: 20h }
`,
  ),
});

const NAMES = [
  'drained',
  'sent',
  'sent-again',
  'retried',
  'secretless',
  'told',
  'asked',
  'kept',
  'aborted',
  'watched',
] as const;
const act = { mode: 'act', evidence: 'time', approvalTimeoutMinutes: 1440 };
const service = { environments: { production: { deployer: { kind: 'http' }, autoRollback: act } } };

const ops = new Ops();
let firebreak: Firebreak;

beforeAll(async () => {
  const url = await ops.start();
  firebreak = await Firebreak.start({
    services: {
      ...Object.fromEntries(NAMES.map((name) => [name, service])),
      told: { ...service, team: 'disks', repository: 'acme/told' },
      clustered: { environments: { production: { deployer: { kind: 'kubernetes' }, autoRollback: act } } },
    },
    configFiles: EACH_ALONE,
    runbooks: runbooks(url),
    env: { OPS_TOKEN: 'ops-secret' },
  });
  await depth(80, -60); // from the start, because an absent Prometheus is cached
});
afterAll(async () => {
  await firebreak?.remove();
  await ops.stop();
});

/** Sets the depth of the queue from this many seconds on. */
const depth = (value: number, after_seconds: number) =>
  firebreak.put('/sandbox/prometheus/series', {
    query: 'queue_depth{service="watched"}',
    steps: [
      { after_seconds: -600, value: 80 },
      { after_seconds, value },
    ],
  });

const fires = async (name: string, runbookName: string, labels: Record<string, string> = {}, token?: string) => {
  const one = alert({ fingerprint: name, labels: { service: name, action: '', runbook: runbookName, ...labels } });
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const { status } = await firebreak.request('POST', '/v1/alerts/alertmanager', group([one]), headers);
  expect(status).toBe(202);
};

const incidentOf = (name: string): Promise<any> =>
  eventually(
    async () => (await firebreak.get(`/v1/incidents?service=${name}`)).body.items[0],
    `an incident of ${name}`,
  );

const timelineOf = async (id: string): Promise<{ kind: string; text: string; actor: string }[]> =>
  (await firebreak.get(`/v1/incidents/${id}/timeline?limit=200`)).body.items.toReversed();

const seen = (id: string, kind: string) =>
  eventually(async () => (await timelineOf(id)).find((entry) => entry.kind === kind), `${kind} on the timeline`).catch(
    async (error: unknown) => {
      throw new Error(`there is ${JSON.stringify(await timelineOf(id), null, 1)}`, { cause: error });
    },
  );

const told = async (id: string): Promise<string[]> =>
  (await timelineOf(id))
    .filter(({ kind }) => /^(runbook|flag|http|scale|restart)\./.test(kind))
    .map(({ kind, text }) => `${kind}: ${text}`);

/** Sends an alert that names the service's runbook, and waits for the result. */
async function followed(name: string, runbookName: string, end: string): Promise<{ id: string; lines: string[] }> {
  await fires(name, runbookName);
  const { id } = await incidentOf(name);
  await seen(id, `runbook.${end}`);
  return { id, lines: await told(id) };
}

describe('calls', () => {
  test('send secret and key, are retried during outages, and are undone with the returned values', async () => {
    const { id, lines } = await followed('drained', 'drains', 'failed');
    const drains = ops.to('POST /drains');
    expect(drains.map(({ headers, body }) => [headers.authorization, headers['idempotency-key'], body])).toEqual(
      [1, 2].map(() => ['Bearer ops-secret', `${id}.runbook.1.drain`, '{"service":"drained"}']),
    );
    expect(drains[0]?.headers['x-incident']).toBe(id);
    expect(lines).toContain('runbook.step_succeeded: told: drained d-7, 3 there');
    expect(ops.to('DELETE /drains/d-7')).toHaveLength(1);
    expect(lines.at(-1)).toMatch(/failed: step refused: .* answered 422.*undone$/);
    expect(lines.join()).not.toContain('ops-secret');
  });

  test('with an unexpected response are retried as often as the runbook says, with a new key each time', async () => {
    const { id } = await followed('retried', 'retries', 'finished');
    expect(ops.to('POST /thinks-twice').map(({ headers }) => headers['idempotency-key'])).toEqual([
      `${id}.runbook.1.twice`,
      `${id}.runbook.1.twice.2`,
    ]);
  });

  test('without their secret are not made, and the missing secret is named', async () => {
    const { lines } = await followed('secretless', 'secretless', 'failed');
    expect(lines).toContain('http.failed: call: the secret NOBODY_HAS_SET_THIS is not set, so it was not called');
    expect(ops.to('POST /never')).toEqual([]);
  });
});

test('alerts of a sender without the scope rollback:request change nothing by a runbook; other alerts do', async () => {
  const { body } = await firebreak.post('/v1/tokens', { name: 'alerts-only', actions: ['alerts:write'] });
  await fires('sent', 'changes', {}, body.token);
  await fires('sent-again', 'changes');
  const [held, done] = await Promise.all(['sent', 'sent-again'].map(incidentOf));
  await seen(done.id, 'runbook.finished');
  expect(ops.to('POST /changes/sent-again')).toHaveLength(1);
  await seen(held.id, 'runbook.finished');
  expect(await told(held.id)).toContainEqual(
    expect.stringMatching(/^runbook.step_skipped: call: skipped: .*rollback:request/),
  );
  expect(ops.to('POST /changes/sent')).toEqual([]);
});

test('people are notified as the runbook says: once in a channel, by a ticket, and by a page', async () => {
  const { lines } = await followed('told', 'tells', 'finished');
  const { body: channel } = await firebreak.get('/sandbox/slack/channels/ops-room');
  expect(JSON.stringify(channel)).toContain('checkout answers with errors at disks');
  const issues = (await firebreak.calls('github')).filter(
    ({ method, path }) => method === 'POST' && path === '/repos/acme/told/issues',
  );
  expect(issues.map(({ body }) => body)).toMatchObject([
    { title: 'Look at told', labels: expect.arrayContaining(['disk']) as string[] },
  ]);
  expect(lines.find((line) => line.startsWith('runbook.step_succeeded: link: see '))).toMatch(
    /acme\/told\/issues\/\d+$/,
  );
  await eventually(
    async () =>
      (await firebreak.calls('pagerduty')).filter(
        ({ body }) => body?.event_action === 'trigger' && JSON.stringify(body).includes('told'),
      ).length >= 2,
    'the page of the alert, and that of the runbook',
  );
});

test('a cluster is scaled up to the limit, restarted, and scaled back', async () => {
  await firebreak.post('/sandbox/kubernetes/deploy', { name: 'clustered', image: 'shop/clustered:v1' });
  const { lines } = await followed('clustered', 'capacity', 'failed');
  const [, count] = /Scaled from (\d+) to \d+/.exec(lines.find((line) => line.startsWith('scale.started')) ?? '') ?? [];
  expect(Number(count)).toBeGreaterThan(0);
  const to = Math.min(Number(count) * 2, 5);
  expect(lines.filter((line) => /^(scale|restart)\.succeeded/.test(line))).toEqual([
    `scale.succeeded: more: Scaled from ${count} to ${to}${standInNote('scale')}`,
    `restart.succeeded: again: Restarted, one instance at a time${standInNote('restart')}`,
    `scale.succeeded: Undo: more: Scaled from ${to} to ${count}${standInNote('scale')}`,
  ]);
  expect(lines).toContain('runbook.changes_remain: Changes that remain: "again" cannot be undone');
});

test('a value is awaited', async () => {
  await depth(4, 1);
  const { lines } = await followed('watched', 'watches', 'finished');
  expect(lines).toContain('runbook.step_succeeded: told: it is 4 now');
});

describe('a question', () => {
  const question = (id: string) =>
    eventually(
      async () => (await firebreak.get(`/v1/incidents/${id}`)).body.decisions.find((one: any) => one.question),
      'the question',
    );
  const people = new Map<string, string>();
  const person = async (name: string): Promise<Record<string, string>> => {
    const known = people.get(name);
    const token = known ?? (await firebreak.post('/v1/tokens', { name, actions: ['incidents:act'] })).body.token;
    people.set(name, token);
    return { authorization: `Bearer ${token}` };
  };
  const answers = (id: string, { digest }: { digest: string }, headers: Record<string, string>) =>
    firebreak.request('POST', `/v1/incidents/${id}/actions/approve`, { digest }, headers);

  test('can be answered only by the named people', async () => {
    await fires('asked', 'asks-bob');
    const { id } = await incidentOf('asked');
    const asked = await question(id);
    expect(asked.question).toMatch(/^call: POST http:\/\/127\.0\.0\.1:\d+\/drains$/);
    expect((await timelineOf(id)).map(({ text }) => text)).toContainEqual(expect.stringContaining('\nAsked: bob.'));
    expect(await answers(id, asked, await person('ada'))).toMatchObject({
      status: 403,
      body: { type: expect.stringContaining('not-asked') as string },
    });
    expect((await answers(id, asked, await person('bob'))).status).toBe(200);
    await seen(id, 'runbook.finished');
    expect(ops.to('POST /drains').map(({ headers }) => headers['idempotency-key'])).toContain(`${id}.runbook.1.call`);
  });

  test('stays open when a person requests a rollback, which answers only questions about rollbacks', async () => {
    for (const [version, hours] of [
      ['v1', 5],
      ['v2', 0.1],
    ] as const) {
      const times = { started_at: minutesAgo(60 * hours), finished_at: minutesAgo(60 * hours - 1) };
      await firebreak.post('/v1/deployments', { service: 'kept', environment: 'production', version, ...times });
    }
    await fires('kept', 'asks-bob', { action: 'auto-rollback' });
    const { id } = await incidentOf('kept');
    const asked = await question(id);
    const aboutRollback = async () =>
      (await firebreak.get(`/v1/incidents/${id}`)).body.decisions.find((one: any) => one.to_version === 'v1');
    await eventually(async () => (await aboutRollback())?.state === 'waiting', 'the question about the rollback');
    const eve = await person('eve');
    const { status } = await firebreak.request('POST', `/v1/incidents/${id}/actions/rollback`, {}, eve);
    expect(status).toBe(202);
    await seen(id, 'mitigation.succeeded');
    expect(await aboutRollback()).toMatchObject({ state: 'withdrawn', answered_by: 'eve' });
    expect(await question(id)).toMatchObject({ digest: asked.digest, state: 'waiting' });
    expect((await answers(id, asked, await person('bob'))).status).toBe(200);
    await seen(id, 'runbook.finished');
  });

  test('is withdrawn by an abort, by any person', async () => {
    await fires('aborted', 'asks-bob');
    const { id } = await incidentOf('aborted');
    const asked = await question(id);
    const { status } = await firebreak.request('POST', `/v1/incidents/${id}/actions/abort`, {}, await person('eve'));
    expect(status).toBe(202);
    await seen(id, 'runbook.stopped');
    expect((await answers(id, asked, await person('bob'))).status).toBe(409);
    expect((await told(id)).filter((line) => line.startsWith('http.'))).toEqual([]);
  });

  test('is stored with its inputs, like every decision', async () => {
    const { id } = await incidentOf('asked');
    const asked = await question(id);
    const number = asked.id.split('-').at(-1);
    const { body } = await firebreak.get(`/v1/incidents/${id}/decisions/${number}`);
    expect(body.inputs).toMatchObject({ runbook: 'asks-bob', step: 'call', guards: { requires_approval: true } });
    expect(body.decision.digest).toBe(asked.digest);
  });
});
