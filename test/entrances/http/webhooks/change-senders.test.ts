import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, test } from 'vitest';
import { replay } from '../../../../entrances/http/webhooks/replay.ts';
import { sha256 } from '../../../../core/stores/hash.ts';
import { groupOf } from '../../../../functions/assembly/secret-groups.ts';
import type { Quarantine } from '../../../../core/domain/ports/alerts.ts';
import { api } from '../../../../entrances/http/app.ts';
import { CHANGE_SENDERS } from '../../../../vendors/change-senders.ts';
import type { TokenRecord } from '../../../../schemas/access/access.ts';
import { NewChange } from '../../../../schemas/changes/change.ts';
import { Config } from '../../../../schemas/config/config.ts';
import { tokenRecord } from '../../../support/console-world.ts';
import { FakeWorld, idleEngine } from '../../../support/fake-deps.ts';
import { type SentWebhook, webhook } from '../../../support/webhooks.ts';

const SECRETS: Record<string, string> = {
  FLUX_WEBHOOK_SECRET: 'next-secret, flux-webhook-secret',
  LAUNCHDARKLY_WEBHOOK_SECRET: 'launchdarkly-webhook-secret',
  TERRAFORM_WEBHOOK_SECRET: 'terraform-webhook-secret',
  GITHUB_WEBHOOK_SECRET: 'github-webhook-secret',
  GITLAB_WEBHOOK_SECRET: 'gitlab-secret',
  GO_FEATURE_FLAG_WEBHOOK_SECRET: 'go-feature-flag-secret',
};

const SERVICES = {
  checkout: {
    environments: {
      production: {
        sources: {
          argoApplication: 'checkout-prod',
          image: 'ghcr.io/acme/checkout',
          flag: ['shop/new-checkout', 'shop/test-flag2'],
        },
      },
    },
  },
  web: { environments: { production: { sources: { fluxObject: 'Kustomization/apps/webapp' } } } },
  queue: { environments: { production: { sources: { terraformWorkspace: 'acme-org/my-workspace' } } } },
  batch: { environments: { production: { sources: { ecsService: 'default/servicetest' } } } },
  'checkout-api': { environments: { production: {} } },
  shop: {
    environments: { production: { deployer: { kind: 'argo-rollouts', namespace: 'shop', rollout: 'checkout' } } },
  },
  mySubject123: { environments: { test123: {} } },
};

const token = (name: string, more: Partial<TokenRecord> = {}): [string, TokenRecord] => [
  sha256(`token-of-${name}`),
  { ...tokenRecord(name, ['deployments:write']), id: name, ...more },
];

let world: FakeWorld;
let tokens: Map<string, TokenRecord>;
let quarantine: Map<string, Parameters<Quarantine['keep']>[0]>;
let deps: FakeWorld['deps'];

beforeEach(() => {
  world = new FakeWorld('2026-11-22T16:00:00.000Z');
  world.engine = idleEngine();
  world.config = Config.parse({ version: 'c1', services: SERVICES, paging: {} });
  tokens = new Map([
    token('argo-cd'),
    token('cdevents'),
    token('argo-rollouts'),
    [sha256('gate-key-of-checkout'), token('flagger', { actions: ['flagger:gate'] })[1]],
    token('eventbridge'),
    token('reader', { actions: ['deployments:read'] }),
  ]);
  quarantine = new Map();
  deps = {
    ...world.deps,
    secrets: { get: async (name) => SECRETS[name] },
    queue: { sendAll: async () => undefined },
    tokens: Object.assign(Object.create(null), { find: async (hash: string) => tokens.get(hash) }),
    quarantine: Object.assign(Object.create(null), {
      keep: async (input: Parameters<Quarantine['keep']>[0]) => {
        quarantine.set(`q${quarantine.size + 1}`, input);
        return `q${quarantine.size}`;
      },
    }),
    idempotency: {
      begin: async () => ({ kind: 'mine', first: { at: new FakeWorld().clock.now(), nonce: '' } }),
      end: async () => undefined,
    },
  };
});

async function send({ path, headers, body }: SentWebhook): Promise<{ status: number; body: any }> {
  const { Host: _host, 'Content-Length': _length, ...sent } = headers;
  const response = await api(deps).request(path, { method: 'POST', headers: sent, body });
  return { status: response.status, body: await response.json() };
}
const changes = async () => (await deps.changes.list({ limit: 50 })).items;
const withoutProof = (sent: SentWebhook, headers: Record<string, string> = {}): SentWebhook => ({
  ...sent,
  headers: { 'Content-Type': 'application/json', ...headers },
});

describe('a webhook of a system that deploys', () => {
  test('of Argo CD records the rollout, with the tag of the image as its version', async () => {
    for (const name of ['deployed', 'sync-running', 'deployed', 'drift'])
      expect(await send(webhook(`argo-cd/notification-${name}`))).toMatchObject({ status: 202 });
    expect((await changes()).toSorted((a, b) => (a.kind < b.kind ? -1 : 1))).toMatchObject([
      { kind: 'config', reported_by: 'drift', started_at: '2026-11-22T14:03:00.000Z' },
      {
        service: 'checkout',
        environment: 'production',
        kind: 'deploy',
        status: 'succeeded',
        version: '1.4.0',
        previous_version: null,
        commit: 'f3937462080c6946ff5ec4b5fa393e7c22388e4c',
        started_at: '2026-11-22T10:00:00.000Z',
        finished_at: '2026-11-22T10:00:41.000Z',
        reported_by: 'argo-cd',
      },
    ]);
  });

  test('of Argo CD adds to what a pipeline has recorded with the tag of the image', async () => {
    await deps.changes.record(
      NewChange.parse({
        service: 'checkout',
        environment: 'production',
        version: '1.4.0',
        commit: 'a'.repeat(40),
        started_at: '2026-11-22T09:59:00Z',
        finished_at: '2026-11-22T09:59:30Z',
      }),
    );
    expect(await send(webhook('argo-cd/notification-deployed'))).toMatchObject({ status: 202 });
    expect(await changes()).toMatchObject([{ version: '1.4.0', commit: 'a'.repeat(40) }]);
  });

  test('of Argo CD tells what a tag meant apart by its digest', async () => {
    const { body, ...sent } = webhook('argo-cd/notification-deployed');
    for (const [minute, digit] of ['1', '2'].entries()) {
      const image = `ghcr.io/acme/checkout:latest@sha256:${digit.repeat(64)}`;
      const changed = body
        .replaceAll('ghcr.io/acme/checkout:1.4.0', image)
        .replaceAll('T10:00:', `T1${minute}:00:`)
        .replaceAll('f3937462080c6946ff5ec4b5fa393e7c22388e4c', digit.repeat(40));
      expect(await send({ ...sent, body: changed })).toMatchObject({ status: 202 });
    }
    expect(await changes()).toMatchObject([
      { version: 'latest (sha256:2222222)', reported_version: 'latest', kind: 'deploy' },
      { version: 'latest (sha256:1111111)', reported_version: 'latest', kind: 'deploy' },
    ]);
  });

  test('of Flux records the rollout, which later reconciliations and errors do not change', async () => {
    const names = [
      'kustomization-reconciled',
      'kustomization-health-check-failed',
      'kustomization-healthy',
      'kustomization-applied',
    ];
    for (const name of [...names, ...names.toReversed()])
      expect(await send(webhook(`flux/${name}`))).toMatchObject({
        status: 202,
        body: { changes: [expect.any(String)] },
      });
    expect(await changes()).toMatchObject([
      {
        service: 'web',
        status: 'succeeded',
        started_at: '2026-11-22T10:00:02.000Z',
        finished_at: '2026-11-22T10:00:31.000Z',
      },
    ]);
  });

  test('of Flux that brings an earlier revision back is a rollback, in any order', async () => {
    const [applied, reconciled] = ['kustomization-applied', 'kustomization-reconciled'].map((name) =>
      JSON.parse(webhook(`flux/${name}`).body),
    );
    const flux = (event: any, revision: string, at: string) => {
      const body = JSON.stringify({ ...event, timestamp: at, metadata: { revision: `main@sha1:${revision}` } });
      const signature = createHmac('sha256', 'flux-webhook-secret').update(body).digest('hex');
      const headers = { 'Content-Type': 'application/json', 'X-Signature': `sha256=${signature}` };
      return { path: '/integrations/flux/webhook', headers, body };
    };
    const [one, two] = ['1'.repeat(40), '2'.repeat(40)];
    const sent = [
      flux(applied, one, '2026-11-22T09:00:00Z'),
      flux(reconciled, one, '2026-11-22T09:00:30Z'),
      flux(applied, two, '2026-11-22T10:00:00Z'),
      flux(reconciled, two, '2026-11-22T10:00:30Z'),
      flux(reconciled, two, '2026-11-22T10:10:30Z'),
      flux(applied, one, '2026-11-22T11:00:00Z'),
      flux(reconciled, one, '2026-11-22T11:00:30Z'),
    ];
    for (const index of [0, 1, 5, 6, 2, 6, 4, 3, 5])
      expect(await send(sent[index] as never)).toMatchObject({ status: 202 });
    expect(
      (await changes()).map(({ version, started_at, status, kind }) => [version, started_at, status, kind]),
    ).toEqual([
      [one, '2026-11-22T11:00:00.000Z', 'succeeded', 'rollback'],
      [two, '2026-11-22T10:00:00.000Z', 'succeeded', 'deploy'],
      [one, '2026-11-22T09:00:00.000Z', 'succeeded', 'deploy'],
    ]);
  });

  test('of Argo Rollouts: an aborted canary has failed, and the stable version is back at once', async () => {
    for (const name of ['first-updated', 'first-completed', 'updated', 'aborted', 'updated', 'reverted'])
      expect(await send(webhook(`argo-rollouts/${name}`))).toMatchObject({
        status: 202,
        body: { changes: [expect.any(String)] },
      });
    expect(
      (await changes()).map(({ version, kind, status, finished_at }) => [version, kind, status, finished_at]),
    ).toEqual([
      ['1.3.2', 'rollback', 'succeeded', '2026-11-22T10:20:00.000Z'],
      ['1.4.0', 'deploy', 'failed', '2026-11-22T10:07:30.000Z'],
      ['1.3.2', 'deploy', 'succeeded', '2026-11-22T08:12:00.000Z'],
    ]);
    const live = await deps.changes.live();
    expect(live.map(({ version }) => version)).toEqual(['1.3.2']);
  });

  test('of Flagger: a failed canary is the failure of the change that its pipeline calls a success', async () => {
    const checkout = { service: 'checkout-api', environment: 'production' } as never;
    const recorded = { ...(checkout as object), kind: 'deploy', status: 'succeeded' } as const;
    await deps.changes.record({ ...recorded, version: '1.3.2', started_at: '2026-11-19T08:00:00.000Z' } as never);
    const pipeline = { ...recorded, version: '1.4.0', started_at: '2026-11-20T07:59:00.000Z' };
    await deps.changes.record(pipeline as never, { reported_by: 'flux' });
    for (const name of ['waiting', 'new-revision', 'started', 'halted', 'failed', 'threshold', 'started', 'failed'])
      expect(await send(webhook(`flagger/event-${name}`))).toMatchObject({ status: 202 });
    expect(await changes()).toMatchObject([
      { version: '1.4.0', status: 'failed', finished_at: '2026-11-20T08:04:01.000Z', ended_by: 'flagger' },
      { version: '1.3.2', status: 'succeeded' },
    ]);
    expect((await deps.changes.live()).map(({ version }) => version)).toEqual(['1.3.2']);
  });

  test('of Flagger needs a key that allows the service', async () => {
    tokens.set(...token('flagger', { actions: ['flagger:gate'], services: ['web'] }));
    const sent = webhook('flagger/event-started');
    const path = '/integrations/flagger/event?key=token-of-flagger';
    expect(await send({ ...sent, path })).toMatchObject({ status: 403 });
    expect(await changes()).toEqual([]);
  });

  const fromGithub = (event: string, payload: object) => {
    const body = JSON.stringify(payload);
    const key = SECRETS['GITHUB_WEBHOOK_SECRET'] ?? '';
    const headers = {
      'Content-Type': 'application/json',
      'X-GitHub-Event': event,
      'X-Hub-Signature-256': `sha256=${createHmac('sha256', key).update(body).digest('hex')}`,
    };
    return send({ path: '/integrations/github/webhook', headers, body });
  };

  test.each([
    ['its whole ref', { ref: 'refs/tags/v1.2.3', payload: { service: 'checkout-api' } }],
    [
      'the whole ref in its payload',
      { ref: 'main', payload: { service: 'checkout-api', version: 'refs/tags/v1.2.3' } },
    ],
    [
      'its ref, if the version in its payload is blank',
      { ref: 'v1.2.3', payload: { service: 'checkout-api', version: ' ' } },
    ],
  ])('of GitHub has the name of the tag as its version, by %s', async (_where, named) => {
    const payload = JSON.parse(webhook('github/deployment-status-success').body);
    Object.assign(payload.deployment, named);
    expect(await fromGithub('deployment_status', payload)).toMatchObject({ status: 202 });
    expect(await changes()).toMatchObject([
      { service: 'checkout-api', version: 'v1.2.3', commit: payload.deployment.sha },
    ]);
  });

  test('of GitHub with a status without an environment has that of its deployment', async () => {
    const payload = JSON.parse(webhook('github/deployment-status-success').body);
    payload.deployment.payload = { service: 'checkout-api' };
    payload.deployment_status.environment = '';
    expect(await fromGithub('deployment_status', payload)).toMatchObject({ status: 202 });
    expect(await changes()).toMatchObject([{ service: 'checkout-api', environment: 'production' }]);
  });

  test('of Flux is followed from its repository to the image and the commit of the application', async () => {
    const [revision, code] = ['731f7eaddfb6af01cb2173e18f0f75b0ba780ef1', '4c1f0d9b2a6e8f7d5c3b1a09e8d7c6b5a4f3e2d1'];
    const push = JSON.parse(webhook('github/push').body);
    const repository = (full_name: string) => ({ ...push.repository, full_name });
    const folder = 'clusters/production/webapp';
    const [commit] = push.commits;
    const deploys = {
      ...push,
      repository: repository('acme/deploy'),
      after: revision,
      commits: [
        {
          ...commit,
          id: revision,
          message: 'Automated image update\n\nChanges:\n- ghcr.io/acme/webapp:1.4.0 -> ghcr.io/acme/webapp:4c1f0d9b\n',
          added: [],
          modified: [`${folder}/deployment.yaml`],
        },
      ],
    };
    const sources = {
      fluxObject: 'Kustomization/apps/webapp',
      image: 'ghcr.io/acme/webapp',
      deployRepository: { repository: 'acme/deploy', path: folder },
    };
    world.config = Config.parse({
      version: 'c2',
      services: { web: { repository: 'octo-org/checkout-api', environments: { production: { sources } } } },
      paging: {},
    });
    await fromGithub('push', push);
    await send(webhook('flux/kustomization-applied'));
    expect(await changes()).toMatchObject([{ service: 'web', version: revision, commit: revision }]);
    expect(await fromGithub('push', deploys)).toMatchObject({
      status: 202,
      body: { recorded: `acme/deploy@${revision}` },
    });
    await send(webhook('flux/kustomization-reconciled'));
    expect(await changes()).toMatchObject([
      {
        version: '4c1f0d9b',
        commit: code,
        committed_at: '2026-11-20T06:19:58.000Z',
        deploy_commit: revision,
        status: 'succeeded',
      },
    ]);
  });

  test('of Flux can come through GitHub', async () => {
    const dispatched = (action: string, client_payload: unknown) =>
      fromGithub('repository_dispatch', {
        action,
        branch: 'main',
        client_payload,
        repository: { full_name: 'acme/deploy' },
      });
    const event = JSON.parse(webhook('flux/kustomization-applied').body);
    expect(await dispatched('Kustomization/webapp.apps', event)).toEqual({
      status: 202,
      body: { changes: [expect.any(String)] },
    });
    expect(await changes()).toMatchObject([{ service: 'web', status: 'started', reported_by: 'flux' }]);
    expect(await dispatched('deploy', { version: 'v1' })).toEqual({
      status: 202,
      body: { ignored: 'repository_dispatch of another sender' },
    });
    expect(await dispatched('Kustomization/webapp.apps', { ...event, severity: 'high' })).toMatchObject({
      status: 422,
    });
  });

  test('of EventBridge records the rollout when its state and its version are known', async () => {
    expect(await send(webhook('eventbridge/ecs-in-progress'))).toEqual({
      status: 202,
      body: { changes: [], waiting: 1 },
    });
    for (const name of ['ecs-completed', 'ecs-update-service', 'ecs-in-progress'])
      expect(await send(webhook(`eventbridge/${name}`))).toMatchObject({ status: 202 });
    expect(await changes()).toMatchObject([
      {
        service: 'batch',
        version: 'servicetest:17',
        status: 'succeeded',
        started_at: '2020-05-23T12:31:10.000Z',
        finished_at: '2020-05-23T12:31:14.000Z',
        reported_by: 'aws',
      },
    ]);
  });

  test('of the others records their changes', async () => {
    for (const name of ['cdevents/service-upgraded-structured', 'launchdarkly/flag-turned-on', 'terraform/run-applied'])
      expect(await send(webhook(name))).toEqual({ status: 202, body: { changes: [expect.any(String)] } });
    expect((await changes()).map(({ service, kind }) => `${service} ${kind}`).toSorted()).toEqual([
      'checkout flag',
      'mySubject123 deploy',
      'queue infrastructure',
    ]);
  });

  test('of each relay proxy of GO Feature Flag is one change of the flag, until the flag changes again', async () => {
    const sent = webhook('go-feature-flag/flags-changed');
    const from = (host: string, change: (payload: any) => void = () => undefined) => {
      const payload = JSON.parse(sent.body);
      payload.meta.hostname = host;
      payload.flags.added = payload.flags.deleted = {};
      change(payload.flags.updated['test-flag2']);
      const body = JSON.stringify(payload);
      const signature = createHmac('sha256', 'go-feature-flag-secret').update(body).digest('hex');
      return { ...sent, body, headers: { ...sent.headers, 'X-Hub-Signature-256': `sha256=${signature}` } };
    };
    const on = (flag: any) => void Object.assign(flag, { old_value: flag.new_value, new_value: flag.old_value });
    for (const one of [from('relay-1'), from('relay-2'), from('relay-1', on), from('relay-2', on), from('relay-1')]) {
      expect(await send(one)).toMatchObject({ status: 202, body: { changes: [expect.any(String)] } });
      world.clock.set(world.clock.millis + 30_000);
    }
    expect((await changes()).map(({ kind, version }) => `${kind} ${version.split(' (')[0]}`)).toEqual([
      'flag test-flag2 off',
      'flag test-flag2 on: Default',
      'flag test-flag2 off',
    ]);
  });

  /** Returns a fixture with other values in its body, signed again. */
  const replaced = (name: string, from: string, to: string): SentWebhook => {
    const sent = webhook(name);
    expect(sent.body).toContain(from);
    const body = sent.body.replaceAll(from, to);
    const hmac = (algorithm: string, key = '') => createHmac(algorithm, key).update(body).digest('hex');
    const headers = {
      ...sent.headers,
      'X-Signature': `sha256=${hmac('sha256', 'flux-webhook-secret')}`,
      'X-Hub-Signature-256': `sha256=${hmac('sha256', SECRETS['GITHUB_WEBHOOK_SECRET'])}`,
      'X-LD-Signature': hmac('sha256', SECRETS['LAUNCHDARKLY_WEBHOOK_SECRET']),
      'X-TFE-Notification-Signature': hmac('sha512', SECRETS['TERRAFORM_WEBHOOK_SECRET']),
    };
    return { path: name.startsWith('github/') ? '/integrations/github/webhook' : sent.path, headers, body };
  };
  const configureAllSenders = () => {
    const ofGithub = { repository: 'octo-org/checkout-api', environments: { production: {} } };
    const ofHelm = { environments: { production: { sources: { fluxObject: 'HelmRelease/apps/webapp' } } } };
    const services = { ...SERVICES, 'checkout-api': ofGithub, helm: ofHelm };
    world.config = Config.parse({ version: 'c2', services, paging: {} });
  };
  const ends = async () => (await changes()).map(({ id, status, finished_at }) => [id, status, finished_at]);

  test.each([
    ['argo-cd/notification-deployed', '10:00:41Z', '15:58:00Z'], // pods were replaced
    ['argo-cd/notification-degraded', '10:10:10Z', '10:14:00Z'],
    ['argo-cd/notification-drift', '14:03:00Z', '15:58:00Z'],
    ['argo-rollouts/first-completed', '08:12:00.000Z', '15:58:00.000Z'],
    ['cdevents/service-upgraded-0.5', '2023-03-20T14', '2023-03-21T14'],
    ['flagger/event-succeeded', '1795162200000', '1795248600000'],
    ['flux/helm-upgraded', '10:00:12Z', '15:58:00Z'],
    ['flux/kustomization-reconciled', '2026-11-22T10', '2026-11-22T15'],
    ['github/deployment-status-success', '2026-11-20T06:33:55Z', '2026-11-21T06:33:55Z'],
    ['launchdarkly/flag-turned-on', '1795341600537', '1795345200537'],
    ['terraform/run-applied', '2019-01-25T18:36', '2019-01-26T18:36'],
  ])('that is repeated later does not move the end of its change: %s', async (name, time, laterTime) => {
    configureAllSenders();
    const recorded = { status: 202, body: { changes: expect.arrayContaining([expect.any(String)]) } };
    expect(await send(replaced(name, time, time))).toMatchObject(recorded);
    const before = await ends();
    for (const sent of [replaced(name, time, laterTime), replaced(name, time, laterTime)])
      expect(await send(sent)).toMatchObject(recorded);
    expect(await ends()).toEqual(before);
  });

  test('of Argo CD whose first event comes long after the synchronization ended with it, unless its start is known', async () => {
    const ofDeploy = async () => (await changes()).map(({ finished_at }) => finished_at);
    for (const since of ['15:57:00Z', '15:58:00Z'])
      await send(replaced('argo-cd/notification-deployed', '10:00:41Z', since));
    expect(await ofDeploy()).toEqual(['2026-11-22T10:00:09.000Z']);
    await send(webhook('argo-cd/notification-sync-running'));
    expect(await ofDeploy()).toEqual(['2026-11-22T15:57:00.000Z']);
  });

  test('of GitHub whose first event comes long after its deployment was created is no deploy of now', async () => {
    configureAllSenders();
    const late = replaced('github/deployment-status-success', '2026-11-20T06:33:55Z', '2026-11-20T15:40:00Z');
    await send(late);
    const created = '2026-11-20T06:30:53.000Z';
    expect(await changes()).toMatchObject([{ started_at: created, finished_at: created }]);
    // An earlier event that is late says that it waited or was slow.
    await send(replaced('github/deployment-status-success', '"state":"success"', '"state":"in_progress"'));
    expect(await changes()).toMatchObject([{ finished_at: '2026-11-20T15:40:00.000Z' }]);
  });

  test('about another deployment of the same version is another change', async () => {
    configureAllSenders();
    const name = 'github/deployment-status-success';
    await send(replaced(name, '2459887466', '2459887467'));
    await send(replaced(name, '2026-11-20T06:3', '2026-11-21T06:3'));
    expect((await changes()).map(({ version, finished_at }) => [version.slice(0, 7), finished_at])).toEqual([
      ['4c1f0d9', '2026-11-21T06:33:55.000Z'],
      ['4c1f0d9', '2026-11-20T06:33:55.000Z'],
    ]);
  });

  test('about a failed plan of Terraform waits for an apply, which there may never be', async () => {
    expect(await send(webhook('terraform/run-errored'))).toEqual({ status: 202, body: { changes: [], waiting: 1 } });
    expect(await changes()).toEqual([]);
    await send(webhook('terraform/run-applying'));
    expect(await changes()).toMatchObject([{ status: 'failed', started_at: '2019-01-25T18:35:10.000Z' }]);
  });

  test('that is no change is ignored, with the reason', async () => {
    expect(await send(webhook('terraform/verification'))).toEqual({
      status: 202,
      body: { ignored: 'verification: the notification works' },
    });
  });

  test('that no entry of the catalogue names is kept, and says so', async () => {
    expect(await send(webhook('flux/helm-upgraded'))).toEqual({
      status: 202,
      body: { changes: [], unmapped: [expect.stringContaining('HelmRelease/apps/webapp')] },
    });
    expect(await deps.rollouts.unmapped()).toHaveLength(1);
  });
});

describe('the proof of the sender', () => {
  const refused = (status: number, code: string) => ({ status, body: expect.objectContaining({ code }) });

  test.each(CHANGE_SENDERS.map(({ path, signature }) => [path, signature] as const))(
    '%s: is required',
    async (path, proof) => {
      const sent = { path, headers: {}, body: '{}' };
      expect(await send(withoutProof(sent))).toEqual(refused(401, 'unauthorized'));
      expect(await send(withoutProof(sent, { Authorization: 'Bearer nobody' }))).toEqual(refused(401, 'unauthorized'));
      if (proof !== undefined)
        for (const signature of [
          '',
          'sha256=',
          'sha256=zz',
          'sha1=00',
          '00'.repeat(32),
          `sha256=${'00'.repeat(32)}`,
          '00'.repeat(64),
        ])
          expect(await send(withoutProof(sent, { [proof.headers]: signature }))).toEqual(refused(401, 'unauthorized'));
    },
  );

  test.each([
    'flux/helm-upgraded',
    'launchdarkly/flag-turned-on',
    'terraform/run-applied',
    'go-feature-flag/flags-changed',
  ])('%s: covers every byte, and no secret accepts nothing', async (name) => {
    const sent = webhook(name);
    expect(await send({ ...sent, body: `${sent.body} ` })).toEqual(refused(401, 'unauthorized'));
    deps = { ...deps, secrets: { get: async () => undefined } };
    expect(await send(sent)).toEqual(refused(401, 'unauthorized'));
  });

  test('a token needs deployments:write, for the service of the report', async () => {
    const sent = webhook('argo-cd/notification-deployed');
    const as = (name: string) => send(withoutProof(sent, { Authorization: `Bearer token-of-${name}` }));
    expect(await as('reader')).toEqual(refused(403, 'forbidden'));
    tokens.set(...token('other', { services: ['web'] }));
    tokens.set(...token('own', { services: ['checkout'], environments: ['production'] }));
    expect(await as('other')).toEqual(refused(403, 'forbidden'));
    expect(await changes()).toEqual([]);
    expect(await as('own')).toMatchObject({ status: 202 });
    world.config = Config.parse({ version: 'c2', services: {}, paging: {} });
    expect(await as('own')).toEqual(refused(403, 'forbidden'));
  });

  test('functions that receive webhooks can read the secrets', () => {
    const secrets = CHANGE_SENDERS.flatMap(({ signature }) => signature?.secret ?? []);
    expect(secrets.map(groupOf)).toEqual(secrets.map(() => 'senders'));
  });
});

describe('a webhook that cannot be read', () => {
  const { headers } = webhook('argo-cd/notification-deployed');
  const path = '/integrations/argo-cd/webhook';

  test('is refused with the reason, and kept', async () => {
    expect(await send({ path, headers, body: '{' })).toMatchObject({
      status: 400,
      body: { code: 'not-json', detail: 'the body is not JSON in UTF-8 (kept in quarantine as q1)' },
    });
    expect(await send({ path, headers, body: '{"version": 2}' })).toMatchObject({
      status: 422,
      body: { code: 'invalid', detail: expect.stringMatching(/version[^]*\(kept in quarantine as q2\)$/) },
    });
    expect([...quarantine.values()]).toMatchObject([
      { source: 'argo-cd', sender: 'argo-cd:argo-cd', receiver: path, status: 400 },
      { source: 'argo-cd', sender: 'argo-cd:argo-cd', receiver: path, status: 422 },
    ]);
  });

  test('is also one whose report has no version', async () => {
    const sent = webhook('cdevents/service-deployed-0.5');
    const artifactId = 'pkg:oci/myapp@sha256%3A0b31b1c02ff458ad9b7b81cbdf8f028bd54699fa151f221d1e8de6817db93427';
    expect(await send({ ...sent, body: sent.body.replace(artifactId, 'pkg:oci/myapp?tag=') })).toMatchObject({
      status: 422,
      body: { code: 'invalid', detail: expect.stringContaining('version') },
    });
    expect(quarantine.size).toBe(1);
  });

  test('but not one with half a surrogate pair, or with a version that is too long', async () => {
    const { body } = webhook('argo-cd/notification-deployed');
    const long = `${'v'.repeat(255)}\u{1F600}`;
    const changed = body
      .replaceAll('f3937462080c6946ff5ec4b5fa393e7c22388e4c', long)
      .replace('"username": null', '"username": "\\ud800"');
    world.config = Config.parse({
      version: 'c2',
      services: { checkout: { environments: { production: { sources: { argoApplication: 'checkout-prod' } } } } },
      paging: {},
    });
    expect(await send({ path, headers, body: changed })).toMatchObject({ status: 202 });
    expect(await changes()).toMatchObject([{ version: `${'v'.repeat(255)}\ufffd`, author: '\ufffd' }]);
  });

  test('of GitHub and GitLab is kept, and can be replayed with its type', async () => {
    const fixture = (name: string) => readFileSync(new URL(`../../../fixtures/${name}.json`, import.meta.url), 'utf8');
    const fromGithub = (event: string, body: string) => {
      const signature = createHmac('sha256', SECRETS['GITHUB_WEBHOOK_SECRET'] ?? '')
        .update(body)
        .digest('hex');
      const sent = {
        'Content-Type': 'application/json',
        'X-GitHub-Event': event,
        'X-Hub-Signature-256': `sha256=${signature}`,
      };
      return send({ path: '/integrations/github/webhook', headers: sent, body });
    };
    const fromGitlab = (body: string) =>
      send({
        path: '/integrations/gitlab/webhook',
        headers: { 'Content-Type': 'application/json', 'X-Gitlab-Token': 'gitlab-secret' },
        body,
      });
    const push = fixture('gitlab/push');
    const deployment = JSON.stringify({ ...JSON.parse(webhook('github/deployment-created').body), deployment: {} });
    for (const [answer, status] of [
      [await fromGithub('deployment', deployment), 422],
      [await fromGithub('deployment', '{'), 400],
      [await fromGitlab(push.replace('"after"', '"later"')), 422],
      [await fromGitlab('{'), 400],
    ] as const)
      expect(answer).toMatchObject({ status, body: { detail: expect.stringContaining('(kept in quarantine as q') } });
    expect([...quarantine.values()].map(({ source, receiver }) => [source, receiver])).toEqual([
      ['github', '/integrations/github/webhook?event=deployment'],
      ['github', '/integrations/github/webhook?event=deployment'],
      ['gitlab', '/integrations/gitlab/webhook'],
      ['gitlab', '/integrations/gitlab/webhook'],
    ]);
    expect(await fromGithub('deployment_protection_rule', '{"action": "requested"}')).toMatchObject({ status: 422 });
    expect(quarantine.size).toBe(4); // GitHub asks again, and waits for the answer

    const caller = { name: 'admin', allow: () => undefined };
    const replayed = (source: string, receiver: string, body: string) => {
      const entry = { source, receiver, content_type: 'application/json', body: Buffer.from(body) };
      const found = Object.assign(Object.create(null), { get: async () => entry, replayed: async () => undefined });
      const sender = { name: 'admin', mayRequestRollback: () => true };
      return replay({ ...deps, quarantine: found }, caller, { id: 'q1', trace: 'trace', sender });
    };
    const [github] = [...quarantine.values()];
    const created = webhook('github/deployment-created').body;
    expect(await replayed('github', github?.receiver ?? '', created)).toMatchObject({ accepted: 1 });
    expect(await replayed('gitlab', '/integrations/gitlab/webhook', push)).toMatchObject({ accepted: 1 });
    await expect(replayed('github', github?.receiver ?? '', deployment)).rejects.toMatchObject({ status: 422 });
    await expect(replayed('gitlab', '/integrations/gitlab/webhook', '{')).rejects.toMatchObject({ status: 422 });
  });

  test('can be replayed by a version that reads it', async () => {
    const caller = { name: 'admin', allow: () => undefined };
    const kept = (name: string, body = webhook(name).body) => ({
      source: name.split('/')[0],
      receiver: webhook(name).path,
      content_type: webhook(name).headers['Content-Type'],
      body: Buffer.from(body),
    });
    const replayed = (entry: ReturnType<typeof kept>) => {
      const found = Object.assign(Object.create(null), { get: async () => entry, replayed: async () => undefined });
      const sender = { name: 'admin', mayRequestRollback: () => true };
      return replay({ ...deps, quarantine: found }, caller, { id: 'q1', trace: 'trace', sender });
    };
    expect(await replayed(kept('argo-cd/notification-deployed'))).toMatchObject({ accepted: 1 });
    expect(await replayed(kept('cdevents/service-upgraded-structured'))).toMatchObject({ accepted: 1 });
    expect((await changes()).map(({ service }) => service).toSorted()).toEqual(['checkout', 'mySubject123']);
    await expect(replayed(kept('flux/helm-upgraded', '{}'))).rejects.toMatchObject({
      status: 422,
      code: 'wrong-shape',
    });
    await expect(replayed(kept('terraform/verification'))).rejects.toMatchObject({ status: 422, code: 'ignored' });
  });
});
