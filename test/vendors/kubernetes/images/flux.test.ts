import { expect, test } from 'vitest';
import { pinsSubject } from '../../../../core/domain/incidents/projections.ts';
import { standInsAt } from '../../../../core/domain/catalogue/vendors.ts';
import { imageAutomationFor } from '../../../../vendors/rollback-targets.ts';
import { imagesProjector } from '../../../../vendors/kubernetes/images/images.ts';
import { sync } from '../../../../core/projectors/sync.ts';
import type { PinView } from '../../../../schemas/changes/pin.ts';
import { Config } from '../../../../schemas/config/config.ts';
import type { EnvironmentName, IncidentId, ServiceName, Version } from '../../../../schemas/config/names.ts';
import { timestamp } from '../../../../schemas/time/time.ts';
import { clock, sandbox, setFault, start } from '../../../../packages/sandbox/test/support.ts';
import { silent } from '../../../support/fake-deps.ts';
import { StoredProjections } from '../../projectors/stored-projections.ts';

const PATH = '/apis/image.toolkit.fluxcd.io/v1/namespaces/flux-system/imageupdateautomations';
const HOLD = 'firebreak.dev/image-hold';
const environment = 'production' as EnvironmentName;
const IMAGE = 'registry.test/shop/checkout';

const pinOf = (service: string, state: PinView['state'] = 'pinned', newer: string | null = null): PinView => ({
  service: service as ServiceName,
  environment,
  id: `pin_${service}`,
  version: 'v42' as Version,
  incident_id: '01JD4M0V00000000000000000A' as IncidentId,
  reason: 'rolled back to v41',
  pinned_at: timestamp(0),
  lifted_at: null,
  lifted_by: null,
  state,
  newer_version: newer as Version | null,
});

/** A cluster with the Deployment `checkout` at v41 after a rollback, and an automation that two services share. */
async function setUp(spec: object = {}) {
  const time = clock();
  const standIns = await start({ now: time.now });
  const at = standIns.urls.kubernetes;
  const ask = async (method: string, path: string, body?: unknown): Promise<any> => {
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const headers = { authorization: 'Bearer an-administrator', 'content-type': type };
    const response = await fetch(at + path, {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    expect(response.ok).toBe(true);
    return response.json();
  };
  await sandbox(standIns, 'POST', '/kubernetes/deploy', { name: 'checkout', image: `${IMAGE}:v41` });
  await ask('POST', PATH, {
    metadata: { name: 'apps', annotations: { team: 'shop' } },
    spec: { interval: '1m', sourceRef: { kind: 'GitRepository', name: 'flux-system' }, ...spec },
  });
  const config = Config.parse({
    version: 'test',
    services: Object.fromEntries(
      ['checkout', 'search'].map((service) => [
        service,
        { environments: { production: { imageAutomation: { kind: 'flux', name: 'apps' } } } },
      ]),
    ),
    paging: {},
  });
  const simulated = { now: () => timestamp(time.now()) };
  const projections = new StoredProjections(simulated);
  const pins = new Map<string, PinView>();
  const timeline = new Map<string, string>();
  const secrets = { get: async (name: string) => (name === 'KUBERNETES_URL' ? at : 'a-token') };
  const project = imagesProjector({
    config: { current: async () => config },
    pins: {
      of: async ({ service }) => [...pins.values()].filter((pin) => pin.service === service && pin.state === 'pinned'),
      get: async (id) => pins.get(id),
    },
    incidents: { note: async (_, key, { kind, text }) => void timeline.set(key, `${kind}: ${text}`) },
    projections,
    targets: {
      deployerFor: async () => undefined,
      imageAutomationFor: (entry, serviceEnvironment) =>
        imageAutomationFor(entry, { serviceEnvironment, secrets, clock: simulated, standIns: standInsAt([]) }),
    },
  });
  const run = () => sync('images', { clock: simulated, log: silent, projections }, project);
  return {
    standIns,
    ask,
    notes: () => [...timeline.values()],
    automation: () => ask('GET', `${PATH}/apps`),
    async changePins(...pinned: PinView[]) {
      for (const pin of pinned) pins.set(pin.id, pin);
      await projections.changed(...pinned.map(pinsSubject));
      await run();
    },
    async advance(seconds: number) {
      time.forward(seconds * 1000);
      await run();
    },
    /** Lets Flux deploy the image that its policy has selected. Returns the image of the Deployment. */
    async runFlux(version: string): Promise<string> {
      const body = { name: 'apps', deployment: { name: 'checkout' }, image: `${IMAGE}:${version}` };
      return (await sandbox<{ image: string }>(standIns, 'POST', '/kubernetes/flux/reconcile', body)).image;
    },
  };
}

test('without a hold, Flux deploys the bad image again', async () => {
  expect(await (await setUp()).runFlux('v42')).toBe(`${IMAGE}:v42`);
});

test('Flux is suspended while a version is pinned, and runs again with the release of the last pin', async () => {
  const cluster = await setUp();
  const before = await cluster.automation();
  await cluster.changePins(pinOf('checkout'));
  expect(cluster.notes()).toEqual([
    'images.held: Flux does not deploy v42 while it is pinned (all images of ImageUpdateAutomation flux-system/apps)',
  ]);
  expect(await cluster.runFlux('v42')).toBe(`${IMAGE}:v41`);

  await cluster.changePins(pinOf('search'));
  await cluster.changePins(pinOf('checkout', 'lifted'));
  expect(await cluster.runFlux('v42')).toBe(`${IMAGE}:v41`);
  await cluster.changePins(pinOf('search', 'lifted'));
  const { metadata, spec } = await cluster.automation();
  expect([metadata.annotations, spec]).toEqual([before.metadata.annotations, before.spec]);
  expect(await cluster.runFlux('v42')).toBe(`${IMAGE}:v42`);
  expect(cluster.notes().filter((text) => text.startsWith('images.released'))).toHaveLength(2);
});

test('Flux runs again when a newer version does, although the pin stays: it can only stop all updates', async () => {
  const cluster = await setUp();
  await cluster.changePins(pinOf('checkout'));
  await cluster.changePins(pinOf('checkout', 'pinned', 'v43'));
  expect((await cluster.automation()).spec.suspend).toBeUndefined();
  expect(cluster.notes().slice(1)).toEqual([
    'images.released: Flux is no longer held back from v42: v43 has been deployed since',
  ]);
});

test('an automation that people had suspended stays suspended', async () => {
  const cluster = await setUp({ suspend: true });
  await cluster.changePins(pinOf('checkout'));
  await cluster.changePins(pinOf('checkout', 'lifted'));
  const { metadata, spec } = await cluster.automation();
  expect([metadata.annotations[HOLD], spec.suspend]).toEqual([undefined, true]);
});

test('an automation that others resume is suspended again, and the timeline says so', async () => {
  const cluster = await setUp();
  await cluster.changePins(pinOf('checkout'));
  await cluster.ask('PATCH', `${PATH}/apps`, { spec: { suspend: null } });
  await cluster.advance(61);
  expect((await cluster.automation()).spec.suspend).toBe(true);
  expect(cluster.notes().slice(1)).toEqual([expect.stringMatching(/^images.restored: Another system or a person/)]);
  await cluster.changePins(pinOf('checkout', 'lifted'));
  expect((await cluster.automation()).spec.suspend).toBeUndefined();
});

test('a record that cannot be read is removed, and the automation is left as it is', async () => {
  const cluster = await setUp({ suspend: true });
  await cluster.changePins(pinOf('checkout'));
  await cluster.ask('PATCH', `${PATH}/apps`, { metadata: { annotations: { [HOLD]: '{' } } });
  await cluster.changePins(pinOf('checkout', 'lifted'));
  const { metadata, spec } = await cluster.automation();
  expect([metadata.annotations, spec.suspend]).toEqual([{ team: 'shop' }, true]);
});

test.each([
  ['lost', { kind: 'lost' }, []],
  ['server error', { kind: 'status', status: 502 }, []],
  ['conflict', { kind: 'status', status: 409, body: { kind: 'Status', message: 'the object has been modified' } }, []],
  ['forbidden', { kind: 'status', status: 403, body: { kind: 'Status', message: 'cannot patch' } }, ['images.refused']],
] as const)('a call that fails (%s) is repeated', async (_, fault, first) => {
  const cluster = await setUp();
  const rule = { vendor: 'kubernetes', fault, times: 1, match: { method: 'PATCH', path: `${PATH}/apps` } } as const;
  const kinds = () => cluster.notes().map((text) => text.split(':')[0]);
  await setFault(cluster.standIns, rule);
  await cluster.changePins(pinOf('checkout'));
  for (let n = 0; n < 6; n += 1) await cluster.advance(30);
  expect((await cluster.automation()).spec.suspend).toBe(true);
  expect(kinds()).toEqual([...first, 'images.held']);

  await setFault(cluster.standIns, rule);
  await cluster.changePins(pinOf('checkout', 'lifted'));
  for (let n = 0; n < 24; n += 1) await cluster.advance(30);
  const { metadata, spec } = await cluster.automation();
  expect([metadata.annotations, spec.suspend]).toEqual([{ team: 'shop' }, undefined]);
  expect(kinds()).toEqual([...first, 'images.held', 'images.released']);
});
