import { afterAll, beforeAll, expect, test } from 'vitest';
import { EACH_ALONE, Firebreak } from '../support/firebreak.ts';
import { environment, Guarded } from './guarded.ts';

/** Argo CD Image Updater, which would deploy the newest image again after its rollback. */

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
    services: { imaged: { environments: { production: environment('act', { deployer: { kind: 'argo-cd' } }) } } },
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

test('image automation does not deploy a version that was rolled back, until its pin is lifted', async () => {
  const created = await firebreak.request('PUT', application, {
    annotations: { [`${UPDATER}/image-list`]: `api=${IMAGE}` },
    history: [
      { revision: GOOD, images: [`${IMAGE}:v41`] },
      { revision: BAD, images: [`${IMAGE}:v42`] },
    ],
  });
  expect(created.status).toBe(200);
  await guarded.deployed(
    at,
    { version: 'v41', minutes: 310, commit: GOOD },
    { version: 'v42', minutes: 3, commit: BAD },
  );
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
