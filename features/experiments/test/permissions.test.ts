import { expect, test } from 'vitest';
import { TOOLS_RUN_HERE } from '../../../scripts/kubernetes/tools.ts';
import { access, inCatalogue, rendered } from '../../../test/deploy/chart.ts';
import { SetClock } from '../../../test/support/fake-deps.ts';
import { vendor } from '../../../test/vendors/server.ts';
import { chaosObjectsOf, chaosSystemFor } from '../chaos/chaos-systems.ts';
import { ChaosConfig } from '../config.ts';
import { ChaosMeshResource, ChaosRun } from '../experiment.ts';

/** An object that runs, and an empty list. */
const ANSWER = JSON.stringify({
  metadata: { name: 'a', uid: 'u', resourceVersion: '1', annotations: {} },
  spec: {},
  items: [],
});

const RUNS = {
  litmus: [{ kind: 'litmus', engine: 'a' }],
  'chaos-mesh': ChaosMeshResource.options.map((resource) => ({ kind: 'chaos-mesh', resource, name: 'a' })),
};

/** Returns the permission that the API server asks for. */
function permissionOf({ method, path }: { method: string; path: string }): string {
  const [, group, plural, name] = /^\/apis\/([^/]+)\/[^/]+\/namespaces\/chaos\/([^/?]+)(\/\w+)?/.exec(path) ?? [];
  const verb = method === 'GET' ? (name === undefined ? 'list' : 'get') : method.toLowerCase();
  return `${group}/${plural} ${verb}`;
}

test.skipIf(!TOOLS_RUN_HERE).each([
  ['litmus', {}],
  ['litmus', { observe: {} }],
  ['chaos-mesh', {}],
  ['chaos-mesh', { observe: {} }],
] as const)('the chart permits the calls for %s with %j in its namespace, and no others', async (kind, more) => {
  const { url, received } = await vendor({ body: ANSWER });
  const context = {
    secrets: { get: (name: string) => Promise.resolve(name === 'KUBERNETES_URL' ? url : 'a-token') },
    clock: new SetClock('2026-11-20T12:00:00.000Z'),
  };
  const chaos = { kind, namespace: 'chaos', ...more };
  const config = ChaosConfig.parse(chaos);
  for (const run of RUNS[kind]) {
    const system = await chaosSystemFor(config, ChaosRun.parse(run), context);
    await system?.read();
    await system?.stop('a-key', 'a reason');
  }
  if (config.kind !== 'http' && config.observe !== undefined) await chaosObjectsOf(config, context);
  const called = [...new Set(received.map(permissionOf))].toSorted();
  expect(called.length).toBeGreaterThan(2);
  expect(access(await rendered(inCatalogue({ experiments: { chaos } })))).toEqual({ chaos: called });
  const elsewhere = inCatalogue({ experiments: { chaos: { ...chaos, url: 'https://k8s.example.com' } } });
  expect(access(await rendered(elsewhere))).toEqual({});
});
