import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { minutesAgo } from '../support/alerts.ts';
import { EACH_ALONE, Firebreak } from '../support/firebreak.ts';
import { environment, Guarded } from './guarded.ts';

/**
 * Argo CD Image Updater and Flux image automation, which would deploy the newest image again after its rollback. The only
 * reports of the deploys are the events that Argo CD and Flux send.
 */

const FLUX_SECRET = 'secret of flux';
const at = { service: 'imaged', environment: 'production' };
const IMAGE = 'registry.example.com/imaged';
const UPDATER = 'argocd-image-updater.argoproj.io';
const GOOD = '9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b';
const BAD = '4c1f0d9b2a6e8f7d5c3b1a09e8d7c6b5a4f3e2d1';

let firebreak: Firebreak;
const guarded = new Guarded(() => firebreak);

beforeAll(async () => {
  firebreak = await Firebreak.start({
    unshown: true,
    env: { FLUX_WEBHOOK_SECRET: FLUX_SECRET },
    services: {
      imaged: {
        environments: {
          production: { ...environment('act', { deployer: { kind: 'argo-cd' } }), sources: { image: IMAGE } },
        },
      },
      fluxed: {
        environments: {
          production: {
            ...environment('act', { deployer: { kind: 'kubernetes' } }),
            sources: { fluxObject: 'Kustomization/apps/fluxed' },
            imageAutomation: { kind: 'flux', name: 'apps' },
          },
        },
      },
    },
    configFiles: EACH_ALONE,
    timeScale: 200,
  });
});
afterAll(() => firebreak?.remove());

const application = '/sandbox/argo-cd/applications/imaged';

/** Runs Image Updater, which finds both tags. Returns the image that the Application sets afterwards. */
async function updated(): Promise<string[]> {
  const tags = { [IMAGE]: ['v41', 'v42'] };
  expect((await firebreak.post(`${application}/image-updater`, { tags })).status).toBe(200);
  const { body } = await firebreak.get(application);
  return body.set_images;
}

/** Returns a notification of Argo CD: a synchronization has succeeded, and the application is healthy. */
function synced(tag: string, revision: string, minutes: number): object {
  const [started_at, finished_at] = [minutesAgo(minutes), minutesAgo(minutes - 0.5)];
  const source = '51958ef5319c1f553e7da340422a1be66332a228a9823f55239dabc6af20b731';
  const images = [`${IMAGE}:${tag}`];
  return {
    version: 1,
    argocd_url: 'https://argocd.example.com',
    application: { name: 'imaged', namespace: 'argocd', source },
    sync: { status: 'Synced', revision, revisions: null },
    health: { status: 'Healthy', since: finished_at },
    reconciled_at: finished_at,
    images,
    operation: {
      phase: 'Succeeded',
      started_at,
      finished_at,
      username: null,
      partial: false,
      dry_run: false,
      revision,
      revisions: null,
      source,
      images,
    },
    history: [{ id: minutes === 3 ? 42 : 41, revision, revisions: null, source, started_at }],
  };
}

test('image automation does not deploy a version that was rolled back, until its pin is lifted', async () => {
  const created = await firebreak.request('PUT', application, {
    annotations: { [`${UPDATER}/image-list`]: `api=${IMAGE}` },
    history: [
      { revision: GOOD, images: [`${IMAGE}:v41`] },
      { revision: BAD, images: [`${IMAGE}:v42`] },
    ],
  });
  expect(created.status).toBe(200);
  for (const event of [synced('v41', GOOD, 310), synced('v42', BAD, 3)])
    expect(await firebreak.post('/integrations/argo-cd/webhook', event)).toMatchObject({
      status: 202,
      body: { changes: [expect.any(String)] },
    });
  await guarded.fire(at);
  const one = await guarded.mitigated(at);
  const { text } = await guarded.awaitEntry(one, 'images.held');
  expect(text).toBe(
    `Argo CD Image Updater does not deploy v42 while it is pinned (${IMAGE}) (at a stand-in of the sandbox: no real system was changed)`,
  );
  expect(await updated()).toEqual([]);

  const { body: pinned } = await firebreak.get('/v1/versions/pinned');
  const pin = pinned.items.find(({ service }: { service: string }) => service === at.service);
  expect((await firebreak.request('DELETE', `/v1/versions/pinned/${pin.id}`)).status).toBe(200);
  await guarded.awaitEntry(one, 'images.released', /v42: its pin was lifted/);
  expect(await updated()).toEqual([`${IMAGE}:v42`]);
});

describe('Flux', () => {
  const place = { service: 'fluxed', environment: 'production' };
  const FLUXED = 'registry.example.com/fluxed';

  /** Sends the signed events of a Kustomization that applies an image. */
  async function applied(tag: string, commit: string, minutes: number): Promise<void> {
    const events = [
      { reason: 'Progressing', message: 'Deployment/default/fluxed configured', timestamp: minutesAgo(minutes) },
      { reason: 'ReconciliationSucceeded', message: 'Finished', timestamp: minutesAgo(minutes - 0.5) },
    ];
    for (const event of events) {
      const body = JSON.stringify({
        ...event,
        involvedObject: { kind: 'Kustomization', namespace: 'apps', name: 'fluxed' },
        severity: 'info',
        metadata: { revision: `main@sha1:${commit}`, image: `${FLUXED}:${tag}` },
      });
      const signature = `sha256=${createHmac('sha256', FLUX_SECRET).update(body).digest('hex')}`;
      const sent = { 'x-signature': signature };
      expect(await firebreak.request('POST', '/integrations/flux/webhook', body, sent)).toMatchObject({
        status: 202,
        body: { changes: [expect.any(String)] },
      });
    }
  }

  /** Runs image automation, whose policy selects v42. Returns the image that runs afterwards. */
  async function reconciled(): Promise<string> {
    const { status, body } = await firebreak.post('/sandbox/kubernetes/flux/reconcile', {
      name: 'apps',
      deployment: { name: 'fluxed' },
      image: `${FLUXED}:v42`,
    });
    expect(status).toBe(200);
    return body.image;
  }

  test('image automation is suspended while the version is pinned', async () => {
    expect((await firebreak.post('/sandbox/kubernetes/flux/automation', { name: 'apps' })).status).toBe(200);
    for (const [tag, commit, minutes] of [
      ['v41', GOOD, 310],
      ['v42', BAD, 3],
    ] as const) {
      await expect.poll(() => isRolledOut(tag)).toBe(true);
      await applied(tag, commit, minutes);
    }
    await guarded.fire(place);
    const one = await guarded.mitigated(place);
    await guarded.awaitEntry(one, 'images.held', /apps/);
    expect(await reconciled()).toBe(`${FLUXED}:v41`);

    const { body: pinned } = await firebreak.get('/v1/versions/pinned');
    const pin = pinned.items.find(({ service }: { service: string }) => service === place.service);
    expect((await firebreak.request('DELETE', `/v1/versions/pinned/${pin.id}`)).status).toBe(200);
    await guarded.awaitEntry(one, 'images.released');
    expect(await reconciled()).toBe(`${FLUXED}:v42`);
  });

  /** Applies the manifest with this tag. Returns whether all its instances are available. */
  async function isRolledOut(tag: string): Promise<boolean> {
    const { body } = await firebreak.post('/sandbox/kubernetes/deploy', { name: 'fluxed', image: `${FLUXED}:${tag}` });
    const { generation } = body.metadata;
    const [progressing] = (body.status?.conditions ?? []).filter(
      ({ type }: { type: string }) => type === 'Progressing',
    );
    return body.status?.observedGeneration === generation && progressing?.reason === 'NewReplicaSetAvailable';
  }
});
