import { expect, test } from 'vitest';
import { readEvidence } from '../../core/actions/incidents/read-evidence.ts';
import type { Caller } from '../../core/actions/people/caller.ts';
import { sha256 } from '../../core/stores/hash.ts';
import { storeDueEvidence } from '../../core/jobs/sweep/evidence.ts';
import type { Config } from '../../schemas/config/config.ts';
import type { ServiceName } from '../../schemas/config/names.ts';
import { plusSeconds } from '../../schemas/time/time.ts';
import { consoleWorld } from '../support/console-world.ts';
import type { FakeWorld } from '../support/fake-deps.ts';
import { acting, answers, deploys, ends, fires, play, theIncident, type Moment } from './play.ts';

const RUN = 'https://github.example.com/Acme/Checkout/actions/runs/7';
const ANYBODY = { name: 'vera', allow: () => undefined } as unknown as Caller;

const configured: Moment = (world) => {
  const config = structuredClone(
    acting({
      autoRollback: { mode: 'approve', evidence: 'time', unknownMigration: 'act' },
      health: { promql: 'errors{instance="10.1.2.3:9090"}', max: 0.01, byVersion: 'errors by (version)' },
    }),
  ) as Config & { services: Record<string, object> };
  Object.assign(config.services['checkout' as ServiceName] ?? {}, { repository: 'acme/checkout' });
  Object.assign(config.links, {
    links: [
      {
        kind: 'url',
        title: 'Logs',
        url: 'https://ops:hunter2@logs.example.com/search?service=${{ service }}&from=${{ from.ms }}&to=${{ to.ms }}&token=abc123',
      },
    ],
  });
  world.config = config;
};

const measured: Moment = (world) => {
  world.curve = Array.from({ length: 20 }, (_, n) => [plusSeconds(world.clock.now(), (n - 20) * 30), n > 15 ? 0.5 : 0]);
};

/** A rollback of v3 to v2 that ada approves, with an alert after it. */
const story = () =>
  play({
    given: [
      configured,
      measured,
      deploys('v2', 120, { commit: 'aaaaaaaaaa', url: RUN, author: 'grace@example.com' }),
      deploys('v3', 4, { commit: 'bbbbbbbbbb', url: `${RUN}?token=abc123`, author: 'grace@example.com' }),
    ],
    timeline: {
      '1 s': fires({ labels: { contact: 'oncall@example.com' } }),
      '2 min': answers('approved'),
      '4 min': fires({ name: 'LaterAlert', labels: { action: 'notify' } }),
      '6 min': ends(),
      '7 min': ends({ name: 'LaterAlert' }),
    },
  });

async function documentIn(world: FakeWorld) {
  const id = theIncident(world);
  const { document, headers } = await readEvidence(world.deps, ANYBODY, { id, name: 'roll-back.1' });
  return { text: Buffer.from(document).toString(), headers };
}

test('the evidence of a rollback has what the decision read, and no people, addresses, or secrets', async () => {
  const { world } = await story();
  const id = theIncident(world);
  expect(await storeDueEvidence(world.deps)).toEqual({ stored: 1 });
  expect(await storeDueEvidence(world.deps)).toEqual({ stored: 0 });

  const { text, headers } = await documentIn(world);
  const [pack] = await world.deps.evidencePacks.list(id);
  expect(pack).toMatchObject({ name: 'roll-back.1', action: 'roll-back', sha256: sha256(text), bytes: text.length });
  expect(headers['repr-digest']).toBe(`sha-256=:${Buffer.from(sha256(text), 'hex').toString('base64')}:`);
  const document = JSON.parse(text);
  expect(document).toMatchObject({
    format: 'firebreak-evidence/1',
    incident: { id, service: 'checkout' },
    action: { name: 'roll-back.1', kind: 'roll-back', service: 'checkout', environment: 'production' },
    decision: { kind: 'approve', state: 'approved', answered_by: 'person-1', from_version: 'v3', to_version: 'v2' },
    configuration: { decided_with: 'test', read_with: 'test' },
    queries: { promql: 'errors{instance="<ip>:9090"}', byVersion: 'errors by (version)', max: 0.01 },
    versions: { from: 'v3', to: 'v2', from_commit: 'bbbbbbbbbb', to_commit: 'aaaaaaaaaa' },
    links: {
      diff: 'https://github.example.com/Acme/Checkout/compare/aaaaaaaaaa...bbbbbbbbbb',
      change: `${RUN}?token=REDACT`,
    },
  });
  const inputs = await world.deps.decisions.inputs(id, 1);
  expect(document.inputs.evidence.health).toEqual(inputs?.evidence.health);
  expect(document.inputs.evidence.health.curve).toHaveLength(20);
  expect(document.alerts.items.map((one: { title: string }) => one.title)).toEqual([
    expect.stringContaining('HighErrorRatio'),
  ]);
  const [logs] = document.links.investigate;
  expect(logs).toMatchObject({ title: 'Logs', url: expect.stringMatching(/^https:\/\/logs\.example\.com\/search\?/) });
  expect(logs.url).toMatch(/from=\d{13}&to=\d{13}/);
  for (const secret of ['hunter2', 'abc123', 'grace', 'person:ada', '10.1.2.3', 'oncall@'])
    expect(text).not.toContain(secret);
});

test('evidence that was stored before a crash is kept as it is, and its hash is audited once', async () => {
  const { world } = await story();
  let crashes = 1;
  world.on('evidencePacks.record', {
    before: () => {
      if (crashes > 0) {
        crashes -= 1;
        throw new Error('killed');
      }
    },
  });
  expect(await storeDueEvidence(world.deps)).toEqual({ stored: 0 });
  const id = theIncident(world);
  expect(await world.deps.evidencePacks.list(id)).toEqual([]);
  // The next attempt would write something else.
  world.config = acting();
  expect(await storeDueEvidence(world.deps)).toEqual({ stored: 1 });
  expect((await documentIn(world)).text).toContain('errors by (version)');
  expect(await world.deps.evidencePacks.due()).toEqual([]);
});

test('the console points at the evidence', async () => {
  const { world } = await story();
  const id = theIncident(world);
  await storeDueEvidence(world.deps);
  const [pack] = await world.deps.evidencePacks.list(id);
  await world.deps.incidents.resolve(id, (await world.deps.incidents.read(id))?.seq ?? 0, 'ada', 'Resolved');
  const { incidents, decisions, effects, runbooks, changes, evidencePacks } = world.deps;
  const web = consoleWorld(() => ({ incidents, decisions, effects, runbooks, changes, evidencePacks }));
  const read = (path: string, token: string) => web.get(`/console/incidents/${id}${path}`, { token });
  expect(await (await read('', 'vera')).text()).toContain(`href="/console/incidents/${id}/evidence/roll-back.1"`);
  const answer = await read('/evidence/roll-back.1', 'vera');
  expect(answer.headers.get('content-disposition')).toBe(`attachment; filename="evidence-${id}-roll-back.1.json"`);
  expect(sha256(await answer.text())).toBe(pack?.sha256);
  const statuses = await Promise.all([
    read('/evidence/roll-back.1', 'cora'),
    read('/evidence/roll-back.1', 'ci'),
    read('/evidence/roll-back.2', 'vera'),
    read('/evidence/..%2fx', 'vera'),
  ]);
  expect(statuses.map(({ status }) => status)).toEqual([403, 403, 404, 404]);
  expect((await web.get(`/console/incidents/${id}/evidence/roll-back.1`)).status).toBe(302);
});
