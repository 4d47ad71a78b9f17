import { expect, test } from 'vitest';
import { idOf, serviceEnvironmentIn, pinsSubject } from '../../../../core/domain/incidents/projections.ts';
import { imagesProjector } from '../../../../vendors/kubernetes/images/images.ts';
import { sync } from '../../../../core/projectors/sync.ts';
import type { PinView } from '../../../../schemas/changes/pin.ts';
import { Config } from '../../../../schemas/config/config.ts';
import type { EnvironmentName, IncidentId, ServiceName, Version } from '../../../../schemas/config/names.ts';
import type { TimelineEntry } from '../../../../schemas/incidents/incident.ts';
import { timestamp } from '../../../../schemas/time/time.ts';
import { APPLICATION, argoWorld, imagesOf } from '../../argo-cd/world.ts';
import { calls, setFault } from '../../../../packages/sandbox/test/support.ts';
import { silent } from '../../../support/fake-deps.ts';
import { StoredProjections } from '../../projectors/stored-projections.ts';

const IMAGE = 'registry.example.com/checkout-api';
const UPDATER = 'argocd-image-updater.argoproj.io';
const UPDATED = { [`${UPDATER}/image-list`]: `api=${IMAGE}, envoy`, [`${UPDATER}/envoy.update-strategy`]: 'semver' };
const V41 = '9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b';
const here = { service: APPLICATION as ServiceName, environment: 'production' as EnvironmentName };
const subject = pinsSubject(here);
const INCIDENT = '01JD4M0V00000000000000000A' as IncidentId;

const pinOf = (version: string, more: Partial<PinView> = {}): PinView => ({
  ...here,
  id: `pin_${version}`,
  version: version as Version,
  incident_id: INCIDENT,
  reason: 'rolled back to v41',
  pinned_at: timestamp(0),
  lifted_at: null,
  lifted_by: null,
  state: 'pinned',
  newer_version: null,
  ...more,
});

/** An automatically synced application that runs v41 again after a rollback of v42, and its projector. */
async function open(annotations: Record<string, string> = UPDATED, sources: object = { image: IMAGE }) {
  const argo = await argoWorld({ application: { automated: { prune: true }, annotations } });
  await argo.tell('POST', '/deploy', { revision: V41, images: imagesOf('v41') });
  const clock = { now: () => timestamp(argo.time.now()) };
  const projections = new StoredProjections(clock);
  const pins = new Map<string, PinView>();
  const timeline = new Map<string, TimelineEntry>();
  const config = Config.parse({
    version: 'test',
    services: { [APPLICATION]: { environments: { production: { deployer: { kind: 'argo-cd' }, sources } } } },
    paging: {},
  });
  const project = imagesProjector({
    config: { current: async () => config },
    pins: {
      of: async () => [...pins.values()].filter(({ state }) => state === 'pinned'),
      get: async (id) => pins.get(id),
    },
    incidents: {
      note: async (id, key, entry) => {
        expect(id).toBe(INCIDENT);
        if (!timeline.has(key)) timeline.set(key, entry);
      },
    },
    projections,
    targets: { deployerFor: async () => argo.deployer, imageAutomationFor: async () => undefined },
  });
  const run = () => sync('images', { clock, log: silent, projections }, project);
  return {
    argo,
    projections,
    pin: (...pinned: PinView[]) => pinned.forEach((one) => pins.set(one.id, one)),
    said: () => [...timeline.values()].map(({ kind, text }) => `${kind}: ${text}`),
    run,
    async changed() {
      await projections.changed(subject);
      await run();
    },
    async later(seconds: number) {
      argo.time.forward(seconds * 1000);
      await run();
    },
    annotations: async () => (await argo.read()).metadata.annotations ?? {},
    patches: async () =>
      (await calls(argo.standIns, '?vendor=argo-cd')).filter(({ method }) => method === 'PATCH').length,
    /** Runs Image Updater, and lets automated sync deploy what it has set. Returns the running images. */
    async updated(...tags: string[]) {
      await argo.tell('POST', '/image-updater', { tags: { [IMAGE]: tags, envoy: ['1.31'] } });
      for (let n = 0; n < 3; n += 1) {
        argo.time.forward(200_000);
        await argo.read();
      }
      return (await argo.read<{ status: { summary: { images: string[] } } }>()).status.summary.images;
    },
  };
}

test('names of services and environments can contain any text', () => {
  const odd = { service: 'a/b:c %' as ServiceName, environment: 'é/' as EnvironmentName };
  expect(serviceEnvironmentIn(pinsSubject(odd))).toEqual(odd);
  expect(idOf(subject)).toBe('checkout-api/production');
});

test('without a hold, Image Updater deploys the bad tag again', async () => {
  const world = await open();
  expect(await world.updated('v41', 'v42')).toEqual([`${IMAGE}:v42`, 'envoy:1.31']);
});

test('Image Updater does not deploy a pinned version again, not even beside a newer one, and is released with the pin', async () => {
  const world = await open();
  world.pin(pinOf('v42'));
  await world.changed();
  expect(world.said()).toEqual([
    `images.held: Argo CD Image Updater does not deploy v42 while it is pinned (${IMAGE})`,
  ]);
  expect((await world.annotations())[`${UPDATER}/api.ignore-tags`]).toBe('42, v42');
  expect(await world.updated('v41', 'v42')).toEqual([`${IMAGE}:v41`, 'envoy:1.31']);
  expect(await world.updated('v41', 'v42', 'v43')).toEqual([`${IMAGE}:v43`, 'envoy:1.31']);

  world.pin(pinOf('v42', { newer_version: 'v43' as Version }));
  await world.later(301);
  expect((await world.annotations())[`${UPDATER}/api.ignore-tags`]).toBe('42, v42');

  world.pin(pinOf('v42', { state: 'lifted', newer_version: 'v43' as Version }));
  await world.changed();
  expect(await world.annotations()).toEqual(UPDATED);
  expect(world.said().slice(1)).toEqual([
    'images.released: Argo CD Image Updater is no longer held back from v42: its pin was lifted',
  ]);
  const before = await world.patches();
  await world.later(3600);
  await world.changed();
  expect(await world.patches()).toBe(before);
  expect(world.said()).toHaveLength(2);
});

test('an image that follows a digest is updated again when a newer version runs', async () => {
  const digest = { ...UPDATED, [`${UPDATER}/api.update-strategy`]: 'digest' };
  const world = await open(digest);
  world.pin(pinOf('v42'));
  await world.changed();
  expect((await world.annotations())[`${UPDATER}/api.ignore-tags`]).toBe('*');
  // Nobody marks the subject when a newer version runs: a later check finds it.
  world.pin(pinOf('v42', { newer_version: 'v43' as Version }));
  await world.later(301);
  expect(await world.annotations()).toEqual(digest);
  expect(world.said().slice(1)).toEqual([
    'images.released: Argo CD Image Updater is no longer held back from v42: v43 has been deployed since',
  ]);
  const before = await world.patches();
  await world.later(3600);
  expect(await world.patches()).toBe(before);
  expect(world.said()).toHaveLength(2);
});

test('a lifted pin releases its version and no other, and each hold is an entry of its own', async () => {
  const world = await open();
  world.pin(pinOf('v42'), pinOf('v40'));
  await world.changed();
  world.pin(pinOf('v42', { state: 'lifted' }));
  await world.changed();
  expect((await world.annotations())[`${UPDATER}/api.ignore-tags`]).toBe('40, v40');
  expect(await world.updated('v40', 'v41', 'v42')).toContain(`${IMAGE}:v42`);
  world.pin(pinOf('v42'));
  await world.changed();
  expect(world.said().map((entry) => entry.split(' while')[0])).toEqual([
    'images.held: Argo CD Image Updater does not deploy v42',
    'images.held: Argo CD Image Updater does not deploy v40',
    'images.released: Argo CD Image Updater is no longer held back from v42: its pin was lifted',
    'images.held: Argo CD Image Updater does not deploy v42',
  ]);
});

test('an application without Image Updater is not changed', async () => {
  for (const world of [await open({ note: 'x' }), await open(UPDATED, { image: 'registry.example.com/other' })]) {
    world.pin(pinOf('v42'));
    await world.changed();
    expect([await world.patches(), world.said()]).toEqual([0, []]);
  }
});

test('a hold that others remove is set again, and the timeline says so once', async () => {
  const world = await open();
  world.pin(pinOf('v42'));
  await world.changed();
  for (let n = 0; n < 2; n += 1) {
    await world.argo.tell('PUT', '', {
      project: 'payments',
      annotations: UPDATED,
      history: [{ revision: V41, images: imagesOf('v41') }],
    });
    await world.later(61);
    expect((await world.annotations())[`${UPDATER}/api.ignore-tags`]).toBe('42, v42');
  }
  expect(world.said().slice(1)).toEqual([expect.stringContaining('images.restored: Another system or a person')]);
});

test('a refusal is on the timeline once, and is retried', async () => {
  const world = await open();
  await world.argo.settings({ denied: ['update'] });
  world.pin(pinOf('v42'));
  await world.changed();
  for (let n = 0; n < 3; n += 1) await world.later(61);
  expect(world.said()).toEqual([
    expect.stringMatching(/^images.refused: Argo CD Image Updater may deploy v42 again: .*permission denied/),
  ]);
  await world.argo.settings({ denied: [] });
  await world.later(61);
  expect(world.said().slice(1)).toEqual([expect.stringMatching(/^images.held/)]);
});

test('a version that is no image tag is named as not held', async () => {
  const world = await open();
  world.pin(pinOf('release 42'));
  for (let n = 0; n < 2; n += 1) await world.changed();
  expect(world.said()).toEqual([
    expect.stringMatching(/^images.refused: .* release 42 again: the version is not a valid/),
  ]);
  expect(await world.patches()).toBe(0);
});

test.each([
  ['lost', { kind: 'lost' }],
  ['server error', { kind: 'status', status: 502 }],
  ['throttled', { kind: 'rate_limit' }],
] as const)('a call without a usable response (%s) ends in the desired state, with one entry', async (_, fault) => {
  const world = await open();
  const match = { method: 'PATCH', path: `/api/v1/applications/${APPLICATION}` };
  await setFault(world.argo.standIns, { vendor: 'argo-cd', fault, times: 1, match });
  world.pin(pinOf('v42'));
  await world.changed();
  for (let n = 0; n < 6; n += 1) await world.later(30);
  expect((await world.annotations())[`${UPDATER}/api.ignore-tags`]).toBe('42, v42');
  expect(world.said()).toEqual([expect.stringMatching(/^images.held/)]);

  await setFault(world.argo.standIns, { vendor: 'argo-cd', fault, times: 1, match });
  world.pin(pinOf('v42', { state: 'lifted' }));
  await world.changed();
  for (let n = 0; n < 6; n += 1) await world.later(30);
  expect(await world.annotations()).toEqual(UPDATED);
  expect(world.said().slice(1)).toEqual([expect.stringMatching(/^images.released/)]);
});
