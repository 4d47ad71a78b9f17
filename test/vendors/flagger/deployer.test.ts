import { describe, expect, test } from 'vitest';
import type { Version } from '../../../schemas/config/names.ts';
import { checksumOf } from '../../../vendors/flagger/checksum.ts';
import { sandbox, setFault } from '../../../packages/sandbox/test/support.ts';
import { deployedTo, gateWorld, openFlagger, otherKey, promoted, type TestFlagger, underWay } from './cluster.ts';
import { fault, image, request, targetWorld } from '../kubernetes/cluster.ts';
import { conforms } from '../target-conformance.ts';

const said = (text: string) => expect.stringContaining(text) as string;
const HOUR_MS = 3_600_000;

const later = ({ clock }: TestFlagger, ms: number) => clock.set(clock.millis + ms);

describe('a Flagger rollout conforms to the deployer contract through its rollback gate', () => {
  conforms(async () => gateWorld(await underWay()));
});

describe('a version that Flagger has promoted conforms to the deployer contract', () => {
  conforms(async () => {
    const flagger = await promoted();
    const world = await targetWorld(flagger, flagger.deployer);
    const drift = async () => {
      const containers = [{ name: 'checkout', image: image('v42') }];
      await flagger.patch({ spec: { template: { spec: { containers } } } });
      flagger.forward();
    };
    return { ...world, drift };
  });
});

describe('a rollout in progress', () => {
  test("is rolled back at Flagger's next webhook call, and by nothing else", async () => {
    const flagger = await underWay();
    const { deployer, gates } = flagger;
    expect(await deployer.rollBack(request())).toEqual({ kind: 'in_progress', id: null, handle: null });
    expect(gates.wish).toMatchObject({ canary: 'default/checkout', from: 'v42', to: 'v41', other_checksum: null });
    expect(await flagger.writes()).toEqual([]);
    expect(await deployer.rollBack(request())).toMatchObject({ kind: 'in_progress' });

    expect(await flagger.checkAsking()).toBe(200);
    expect((await flagger.canary()).status).toMatchObject({ phase: 'Failed', canaryWeight: 0 });
    expect(await deployer.rollBack(request())).toEqual({ kind: 'succeeded', id: 'revision 1' });
    expect(gates.wish?.state).toBe('over');
    expect(await flagger.writes()).toEqual([]);
    expect(await deployer.checkDrift?.(request())).toEqual({ kind: 'holds' });
    expect(await otherKey(deployer)).toEqual({ kind: 'superseded', current: 'v41' });
  });

  test('that waits for its promotion is also rolled back', async () => {
    const confirm = { name: 'ok', type: 'confirm-promotion', url: 'http://tester.test/gate' };
    const flagger = await underWay();
    const { webhooks } = (await flagger.canary()).spec.analysis;
    await flagger.patchCanary({ spec: { analysis: { webhooks: [...webhooks, confirm] } } });
    await flagger.until('WaitingPromotion');
    await flagger.deployer.rollBack(request());
    expect(await flagger.checkAsking()).toBe(200);
    expect(await flagger.deployer.rollBack(request())).toMatchObject({ kind: 'succeeded' });
  });

  test('that Flagger rolls back before calling the webhook is a success', async () => {
    const flagger = await underWay();
    await flagger.deployer.rollBack(request());
    await flagger.check({}, 'failed');
    await flagger.until('Failed');
    expect(await flagger.deployer.rollBack(request())).toMatchObject({ kind: 'succeeded' });
  });

  test('that Flagger rolled back before the request is superseded', async () => {
    const flagger = await underWay();
    await flagger.check({}, 'failed');
    await flagger.until('Failed');
    expect(await flagger.deployer.rollBack(request())).toEqual({ kind: 'superseded', current: 'v41' });
    expect(flagger.gates.wishes).toBe(0);
  });

  test('that is promoted before Flagger calls the webhook is rolled back on the primary', async () => {
    const flagger = await underWay();
    const { deployer, gates } = flagger;
    await deployer.rollBack(request());
    await flagger.until('Promoting'); // the gate is unreachable
    expect(await deployer.rollBack(request())).toMatchObject({ kind: 'busy', detail: said('promoting v42') });
    expect(gates.wish?.state).toBe('open');
    await flagger.until('Succeeded');
    expect(await deployer.rollBack(request())).toMatchObject({ kind: 'in_progress' });
    expect(gates.wish?.state).toBe('over');
    flagger.forward();
    expect(await deployer.rollBack(request())).toEqual({ kind: 'succeeded', id: 'revision 3' });
    expect(await flagger.running()).toBe('v41');
  });

  test('fails after one hour without a webhook call', async () => {
    const flagger = await underWay();
    await flagger.deployer.rollBack(request());
    later(flagger, HOUR_MS);
    expect(await flagger.checkAsking()).toBe(403);
    expect(await flagger.deployer.rollBack(request())).toEqual({ kind: 'failed', detail: said('within an hour') });
    expect(flagger.gates.wish?.state).toBe('over');
  });

  test('without the webhook is refused, with the webhook to add', async () => {
    for (const webhooks of [
      [],
      [{ name: 'tester', type: 'rollback', url: 'http://tester.test/rollback/check' }],
      [{ name: 'firebreak', type: 'event', url: 'https://firebreak.test/integrations/flagger/rollback?key=k' }],
      [{ name: 'firebreak', type: 'rollback', url: 'https://firebreak.test/integrations/flagger/rollback' }],
    ]) {
      const flagger = await underWay({ analysis: { webhooks } });
      const answer = await flagger.deployer.rollBack(request());
      expect(answer).toEqual({ kind: 'refused', detail: said('spec.analysis.webhooks') });
      expect(flagger.gates.wishes).toBe(0);
    }
  });

  test('that is suspended is refused', async () => {
    const flagger = await underWay();
    await flagger.patchCanary({ spec: { suspend: true } });
    expect(await flagger.deployer.rollBack(request())).toEqual({ kind: 'refused', detail: said('spec.suspend') });
  });

  test('without analysis waits for its promotion', async () => {
    const flagger = await underWay();
    await flagger.patchCanary({ spec: { skipAnalysis: true } });
    expect(await flagger.deployer.rollBack(request())).toMatchObject({ kind: 'busy' });
    await flagger.until('Succeeded');
    expect(await flagger.deployer.rollBack(request())).toMatchObject({ kind: 'in_progress' });
    flagger.forward();
    expect(await flagger.deployer.rollBack(request())).toMatchObject({ kind: 'succeeded' });
  });

  test('whose promotion failed is not changed, because the canary carries all traffic', async () => {
    const flagger = await underWay();
    await gateWorld(flagger).settle('failing');
    expect((await flagger.canary()).status).toMatchObject({ phase: 'Failed', canaryWeight: 100 });
    expect(await flagger.deployer.rollBack(request())).toEqual({
      kind: 'refused',
      detail: said('the promotion of'),
    });
    expect(await flagger.deployer.checkDrift?.(request())).toMatchObject({ kind: 'drifted' });
    expect(await flagger.writes()).toEqual([]);
  });

  test('that has not started is retried, and one without traffic is not the running version', async () => {
    const gated = { analysis: { webhooks: [{ name: 'go', type: 'confirm-rollout', url: 'http://tester.test/gate' }] } };
    const flagger = await openFlagger(gated);
    await flagger.deploy('v42');
    expect(await flagger.deployer.rollBack(request())).toMatchObject({ kind: 'later', detail: said('not started') });
    await flagger.until('Waiting');
    expect(await flagger.deployer.rollBack(request())).toEqual({ kind: 'superseded', current: 'v41' });
  });
});

describe("an old rollback request doesn't affect a new rollout", () => {
  test('of another version', async () => {
    const flagger = await underWay();
    await flagger.deployer.rollBack(request());
    await flagger.deploy('v43');
    await flagger.check();
    expect(await flagger.checkAsking()).toBe(403);
    expect(await flagger.deployer.rollBack(request())).toEqual({ kind: 'superseded', current: 'v43' });
    expect(flagger.gates.wish?.state).toBe('over');
  });

  test('of the same version after another version', async () => {
    const flagger = await underWay();
    await flagger.deployer.rollBack(request());
    await flagger.deploy('v43');
    await flagger.check();
    await flagger.checkAsking();
    await flagger.deploy('v42');
    await flagger.check();
    expect(await flagger.checkAsking()).toBe(403);
    expect((await flagger.canary()).status.phase).toBe('Progressing');
  });

  test('with another configuration', async () => {
    const flagger = await underWay();
    await flagger.deployer.rollBack(request());
    const status = { trackedConfigs: { 'configmap/flags': '9fc3a7c76acaa7c6' } };
    const path = '/apis/flagger.app/v1beta1/namespaces/default/canaries/checkout/status';
    await flagger.ask('PATCH', path, { status }, 'application/merge-patch+json');
    expect(await flagger.checkAsking()).toBe(403);
    expect(await flagger.deployer.rollBack(request())).toEqual({ kind: 'failed', detail: said('another rollout') });
    expect(flagger.gates.wish?.state).toBe('over');
  });
});

describe('the checksum of a rollout', () => {
  test('is computed as in Flagger', () => {
    // The example of the documentation, with the status from Flagger's tests.
    const status = { phase: '', canaryWeight: 0, lastAppliedSpec: '5f56684589' };
    const trackedConfigs = { 'test-config-map': '484637c76acaa7c6' };
    expect(checksumOf({ ...status, trackedConfigs })).toBe('85d557f47b');
    expect(checksumOf({ ...status, trackedConfigs: null })).not.toBe(checksumOf({ ...status, trackedConfigs: {} }));
  });

  test('is read from the webhook call if Flagger computes it differently', async () => {
    const flagger = await underWay();
    const { deployer } = flagger;
    await deployer.rollBack(request());
    expect(await flagger.checkAsking('b5f6c7d8')).toBe(403);
    expect(await deployer.rollBack(request())).toMatchObject({ kind: 'in_progress' });
    expect(await flagger.checkAsking('b5f6c7d8')).toBe(200);
    expect(await deployer.rollBack(request())).toMatchObject({ kind: 'succeeded' });
    expect(flagger.gates.wishes).toBe(1);
  });

  test('is required: a Flagger without it is too old', async () => {
    const flagger = await underWay({ analysis: { maxWeight: 100 } });
    await flagger.deployer.rollBack(request());
    expect(await flagger.checkAsking('')).toBe(403);
    expect(await flagger.deployer.rollBack(request())).toEqual({ kind: 'failed', detail: said('1.34') });
  });
});

describe('a promoted version', () => {
  test('is rolled back on the primary, without a rollout in Flagger', async () => {
    const flagger = await promoted();
    expect(await flagger.deployer.rollBack(request())).toMatchObject({ kind: 'in_progress', handle: said('-') });
    expect((await flagger.writes()).map(({ path }) => path)).toEqual([said('/deployments/checkout-primary')]);
    flagger.forward();
    expect(await flagger.deployer.status('', request())).toEqual({ kind: 'succeeded', id: 'revision 3' });
    expect((await flagger.check()).phase).toBe('Succeeded');
    expect(await flagger.running()).toBe('v41');
    const { annotations } = (await deployedTo(flagger, 'checkout-primary')).metadata;
    expect(annotations['firebreak.dev/rollback-key']).toBe(request().key);
  });

  test('can be rolled back further and forward again', async () => {
    const flagger = await openFlagger();
    for (const version of ['v42', 'v43']) {
      await flagger.deploy(version);
      await flagger.until('Succeeded');
    }
    const goes = async (from: string, to: string) => {
      const asked = request({ from: from as Version, to: to as Version, key: `${from}-${to}` });
      const first = await flagger.deployer.rollBack(asked);
      flagger.forward();
      return [first.kind, (await flagger.deployer.rollBack(asked)).kind, await flagger.running()];
    };
    expect(await goes('v43', 'v42')).toEqual(['in_progress', 'succeeded', 'v42']);
    expect(await goes('v42', 'v41')).toEqual(['in_progress', 'succeeded', 'v41']);
    expect(await goes('v41', 'v43')).toEqual(['in_progress', 'succeeded', 'v43']);
  });

  test('that Flagger restores by another rollout is not rolled back twice', async () => {
    const flagger = await promoted();
    await flagger.deployer.rollBack(request());
    flagger.forward();
    await flagger.deploy('v43');
    await flagger.until('Succeeded');
    expect(await flagger.deployer.status('', request())).toEqual({ kind: 'superseded', current: 'v43' });
    expect(await flagger.deployer.checkDrift?.(request())).toEqual({ kind: 'drifted', detail: said('v43') });
  });
});

describe('requirements', () => {
  test('the canary must target a Deployment and have a valid name', async () => {
    const flagger = await underWay();
    await flagger.patchCanary({ spec: { targetRef: { kind: 'DaemonSet' } } });
    expect(await flagger.deployer.rollBack(request())).toEqual({ kind: 'refused', detail: said('DaemonSet') });
    expect(await flagger.deployer.checkDrift?.(request())).toMatchObject({ kind: 'unknown' });
  });

  test('without the request store, the state is unknown and nothing is done', async () => {
    const flagger = await underWay();
    flagger.gates.trouble = 'down';
    expect(await flagger.deployer.rollBack(request())).toMatchObject({
      kind: 'later',
      detail: said('could not be stored'),
    });
  });

  test('without read permission, the result refers to the documentation', async () => {
    const flagger = await underWay();
    await setFault(flagger.standIns, fault('refused', 'GET'));
    expect(await flagger.deployer.checkDrift?.(request())).toMatchObject({
      kind: 'unknown',
      detail: said('kubernetes.md'),
    });
  });

  test('results contain no key', async () => {
    const flagger = await underWay({
      analysis: { webhooks: [{ name: 'f', type: 'rollback', url: 'http://a?key=hush' }] },
    });
    expect(JSON.stringify(await flagger.deployer.rollBack(request()))).not.toContain('hush');
    expect(flagger.deployer.target).toBe(`Canary default/checkout at ${flagger.cluster.url}`);
    expect(
      await sandbox<unknown[]>(flagger.standIns, 'GET', '/kubernetes/flagger/questions?name=checkout'),
    ).toHaveLength(1);
  });
});
