import { describe, expect, test } from 'vitest';
import { chaosMeshObject } from '../chaos/chaos-mesh.ts';
import { chaosSystemFor } from '../chaos/chaos-systems.ts';
import { litmusEngine, litmusEngines } from '../chaos/litmus.ts';
import { SetClock } from '../../../test/support/fake-deps.ts';
import { openCluster } from '../../../test/vendors/kubernetes/cluster.ts';

const LITMUS = '/apis/litmuschaos.io/v1alpha1/namespaces/chaos';
const MESH = '/apis/chaos-mesh.org/v1alpha1/namespaces/chaos';
const KEY = 'experiment-01JE0000000000000000000000-stop';

describe('a ChaosEngine of LitmusChaos', () => {
  /** @param verdict of its ChaosResult. Null: there is none */
  async function running(verdict: string | null = null) {
    const opened = await openCluster('Deployment');
    const spec = {
      engineState: 'active',
      chaosServiceAccount: 'litmus',
      experiments: [{ name: 'pod-delete', spec: {} }],
    };
    await opened.ask('POST', `${LITMUS}/chaosengines`, { metadata: { name: 'checkout-pod-delete' }, spec });
    if (verdict !== null) {
      const name = 'checkout-pod-delete-pod-delete';
      const of = { engine: 'checkout-pod-delete', experiment: 'pod-delete' };
      await opened.ask('POST', `${LITMUS}/chaosresults`, { metadata: { name }, spec: of });
      // As written by litmus-go with a promProbe.
      const status = {
        experimentStatus: { phase: 'Completed', verdict, probeSuccessPercentage: verdict === 'Pass' ? '100' : '0' },
        history: { passedRuns: 0, failedRuns: 1, stoppedRuns: 0 },
        probeStatuses: [
          {
            name: 'check-error-ratio',
            type: 'promProbe',
            mode: 'Continuous',
            status: { verdict: verdict === 'Pass' ? 'Passed' : 'Failed', description: 'Actual value: 0.2' },
          },
        ],
      };
      await opened.ask('PATCH', `${LITMUS}/chaosresults/${name}/status`, { status }, 'application/merge-patch+json');
    }
    opened.forward();
    return { opened, system: litmusEngine({ namespace: 'chaos', engine: 'checkout-pod-delete' }, opened.cluster) };
  }

  test('runs without an engineState, as after kubectl apply of a manifest that has none', async () => {
    const opened = await openCluster('Deployment');
    const spec = { chaosServiceAccount: 'litmus', experiments: [{ name: 'pod-delete' }] };
    await opened.ask('POST', `${LITMUS}/chaosengines`, { metadata: { name: 'plain' }, spec });
    opened.forward();
    const system = litmusEngine({ namespace: 'chaos', engine: 'plain' }, opened.cluster);
    expect(await system.read()).toMatchObject({ kind: 'running' });
    expect(await system.stop(KEY, 'abort')).toMatchObject({ kind: 'later' });
    opened.forward();
    expect(await system.read()).toMatchObject({ kind: 'ended' });
  });

  test('runs under the name that the API server makes from generateName, as after kubectl create', async () => {
    const opened = await openCluster('Deployment');
    const spec = { chaosServiceAccount: 'litmus', experiments: [{ name: 'pod-delete' }] };
    const create = async () => {
      const created = await opened.ask('POST', `${LITMUS}/chaosengines`, {
        metadata: { generateName: 'nightly-' },
        spec,
      });
      return created.metadata.name;
    };
    const [first, second] = [await create(), await create()];
    expect([first, second]).toEqual([
      expect.stringMatching(/^nightly-\w{5}$/),
      expect.stringMatching(/^nightly-\w{5}$/),
    ]);
    expect(second).not.toBe(first);
    opened.forward();
    const listed = await litmusEngines('chaos', opened.cluster);
    expect(new Set((listed as { name: string }[]).map(({ name }) => name))).toEqual(new Set([first, second]));
    const system = litmusEngine({ namespace: 'chaos', engine: first }, opened.cluster);
    expect(await system.stop(KEY, 'abort')).toMatchObject({ kind: 'later' });
    opened.forward();
    expect(await system.read()).toMatchObject({ kind: 'ended' });
    const other = litmusEngine({ namespace: 'chaos', engine: second }, opened.cluster);
    expect(await other.read()).toMatchObject({ kind: 'running' });
  });

  const writes = async ({ opened }: Awaited<ReturnType<typeof running>>): Promise<number> =>
    (await opened.writes()).filter(({ path }: { path: string }) => path.includes('chaosengines/')).length;

  test('is stopped by its engineState, and only once', async () => {
    const one = await running();
    expect(await one.system.read()).toMatchObject({ kind: 'running', verdict: null });
    expect(await one.system.stop(KEY, 'abort')).toMatchObject({ kind: 'later' });
    expect(await one.system.stop(KEY, 'abort')).toMatchObject({ kind: 'later' }); // not observed yet: no second write
    one.opened.forward();
    expect(await one.system.stop(KEY, 'abort')).toEqual({
      kind: 'taken',
      detail: 'ChaosEngine checkout-pod-delete is stopped, engineState stop',
    });
    expect(await one.system.read()).toMatchObject({ kind: 'ended' });
    expect(await writes(one)).toBe(1);
  });

  test.each([
    ['Pass', 'passed'],
    ['Fail', 'failed'],
    ['Error', 'error'],
  ])('reports the verdict %s with its probes', async (verdict, expected) => {
    const { system } = await running(verdict);
    const { verdict: found } = await system.read();
    expect(found).toMatchObject({ verdict: expected, probes: [{ name: 'check-error-ratio', type: 'promProbe' }] });
    if (verdict === 'Fail')
      expect(found?.text).toBe(
        'Litmus experiment pod-delete: Fail, 0 % of its probes passed; promProbe check-error-ratio failed',
      );
  });

  test('that does not exist is not confirmed as stopped', async () => {
    const { opened } = await running();
    const system = litmusEngine({ namespace: 'chaos', engine: 'another' }, opened.cluster);
    expect(await system.stop(KEY, 'abort')).toMatchObject({ kind: 'refused' });
    expect(await system.read()).toMatchObject({ kind: 'unknown' });
  });
});

describe('a PodChaos of Chaos Mesh', () => {
  async function running(action: string) {
    const opened = await openCluster('Deployment');
    const spec = { action, mode: 'one', selector: { namespaces: ['shop'] }, duration: '10m' };
    await opened.ask('POST', `${MESH}/podchaos`, { metadata: { name: 'lose-a-pod' }, spec });
    await opened.ask('GET', `${MESH}/podchaos/lose-a-pod`);
    opened.forward();
    await opened.ask('GET', `${MESH}/podchaos/lose-a-pod`);
    const of = { namespace: 'chaos', resource: 'PodChaos', name: 'lose-a-pod' } as const;
    return { opened, system: chaosMeshObject(of, opened.cluster) };
  }

  test('is paused, and stopped when all targets have recovered', async () => {
    const { opened, system } = await running('pod-failure');
    expect(await system.read()).toMatchObject({ kind: 'running', verdict: null });
    expect(await system.stop(KEY, 'abort')).toMatchObject({ kind: 'later' });
    expect(await system.stop(KEY, 'abort')).toMatchObject({ kind: 'later' });
    opened.forward();
    expect(await system.stop(KEY, 'abort')).toEqual({
      kind: 'taken',
      detail: 'PodChaos lose-a-pod: desired phase Stop, Selected, AllRecovered, Paused',
    });
    expect(await system.read()).toMatchObject({ kind: 'ended' });
    const patches = (await opened.writes()).filter(({ path }: { path: string }) => path.includes('podchaos/'));
    expect(patches).toHaveLength(1);
    const { metadata } = await opened.ask('GET', `${MESH}/podchaos/lose-a-pod`);
    expect(metadata.annotations).toEqual({ 'experiment.chaos-mesh.org/pause': 'true' });
  });

  test('that kills pods once has nothing to stop, and says so', async () => {
    const { system } = await running('pod-kill');
    const answer = await system.stop(KEY, 'abort');
    expect(answer).toMatchObject({ kind: 'taken', detail: expect.stringContaining('cannot be taken back') });
  });
});

test('a run of another kind than the configuration has no chaos system', async () => {
  const context = { secrets: { get: async () => undefined }, clock: new SetClock('2026-11-20T12:00:00.000Z') };
  const http = { kind: 'http', url: 'https://chaos.test' } as const;
  expect(await chaosSystemFor(http, { kind: 'litmus', engine: 'x' }, context)).toBeUndefined();
  const litmus = { kind: 'litmus', namespace: 'chaos' } as const;
  expect(await chaosSystemFor(litmus, { kind: 'litmus', engine: 'x' }, context)).toBeUndefined(); // no address
});
