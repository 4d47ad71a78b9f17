import { describe, expect, test } from 'vitest';
import type { TargetResponse, Deployer } from '../../../core/domain/rollback/targets.ts';
import { ReplicaSet } from '../../../vendors/kubernetes/objects.ts';
import { templateOf } from '../../../vendors/kubernetes/revisions.ts';
import { argoRolloutsDeployer } from '../../../vendors/kubernetes/rollout.ts';
import type { Version } from '../../../schemas/config/names.ts';
import { openCluster, request, targetWorld, type TestCluster, twoVersions } from './cluster.ts';
import { conforms } from '../target-conformance.ts';

const deployerIn = ({ cluster }: TestCluster) =>
  argoRolloutsDeployer({ kind: 'argo-rollouts', namespace: 'default' }, { cluster, service: 'checkout' });

const said = (text: string) => expect.stringContaining(text) as string;

/** Pauses at 20 percent until a person promotes it. */
const STEPS = { steps: [{ setWeight: 20 }, { pause: {} }, { setWeight: 60 }], replicas: 5 };
const ROUTED = { ...STEPS, trafficRouting: { nginx: { stableIngress: 'checkout' } } };

/** Starts v42 as a paused canary over v41. */
async function canary(more: object = STEPS): Promise<TestCluster> {
  const opened = await openCluster('Rollout');
  await opened.deploy('v41', more);
  opened.forward();
  await opened.deploy('v42');
  opened.forward();
  return opened;
}

/** Calls the deployer as the workflow would, and returns all results. */
async function follow(opened: TestCluster, deployer: Deployer, rolloutRequest = request()): Promise<TargetResponse[]> {
  const answers = [await deployer.rollBack(rolloutRequest)];
  while (answers.at(-1)?.kind === 'in_progress' && answers.length < 12) {
    opened.forward();
    answers.push(await deployer.rollBack(rolloutRequest));
  }
  return answers;
}

describe('a Rollout conforms to the deployer contract', () => {
  conforms(async () => {
    const opened = await twoVersions('Rollout', { steps: [{ setWeight: 50 }, { pause: { duration: 5 } }] });
    return targetWorld(opened, deployerIn(opened));
  });
});

describe('a running canary', () => {
  test('is aborted, and its pod template is restored after the stable version has all traffic', async () => {
    const opened = await canary();
    const deployer = deployerIn(opened);
    expect((await opened.object()).status).toMatchObject({ phase: 'Paused', currentStepIndex: 1 });

    expect(await deployer.rollBack(request())).toEqual({ kind: 'in_progress', id: null, handle: null });
    expect((await opened.object()).status).toMatchObject({ abort: true, phase: 'Paused' });
    expect(await deployer.rollBack(request())).toMatchObject({ kind: 'in_progress' }); // not observed yet: no change
    expect(await opened.writes()).toHaveLength(1);

    opened.forward();
    expect((await opened.object()).status).toMatchObject({ phase: 'Degraded', message: said('RolloutAborted') });
    expect(await opened.running()).toBe('v41');
    expect(await deployer.rollBack(request())).toMatchObject({ kind: 'in_progress' });
    opened.forward();
    expect(await deployer.rollBack(request())).toEqual({ kind: 'succeeded', id: 'revision 3' });
    const { metadata, status } = await opened.object();
    expect(status).toMatchObject({ phase: 'Healthy', abort: false });
    expect(status.stableRS).toBe(status.currentPodHash);
    expect(metadata.annotations['firebreak.dev/rollback-key']).toBe(request().key);
    expect(await opened.writes()).toHaveLength(2); // steps are not skipped on the way back to the stable version
    expect(await deployer.checkDrift?.(request())).toEqual({ kind: 'holds' });
  });

  test.each([
    ['the stable version has all its pods again', STEPS],
    ['no traffic goes to it', ROUTED],
  ])('gets its pod template restored only when %s', async (_, steps) => {
    const opened = await canary(steps);
    const deployer = deployerIn(opened);
    await deployer.rollBack(request());
    opened.forward(500); // observed, but not finished
    expect((await opened.object()).status.phase).toBe('Degraded');
    expect(await deployer.rollBack(request())).toMatchObject({ kind: 'in_progress' });
    expect(await opened.writes()).toHaveLength(1);
    expect((await follow(opened, deployer)).at(-1)).toMatchObject({ kind: 'succeeded' });
    expect(await opened.writes()).toHaveLength(2);
    expect(await opened.running()).toBe('v41');
  });

  test('that its analysis has aborted only gets its pod template restored', async () => {
    const opened = await canary();
    await opened.patch({ status: { abort: true } }, '/status');
    opened.forward();
    expect((await follow(opened, deployerIn(opened))).at(-1)).toMatchObject({ kind: 'succeeded' });
    expect((await opened.writes()).map(({ path }) => path.endsWith('/status'))).toEqual([false]);
  });

  test('over a version that is not the target is replaced', async () => {
    const opened = await openCluster('Rollout');
    await opened.deploy('v40', STEPS);
    opened.forward();
    await opened.deploy('v41');
    opened.forward(); // paused, and never promoted
    await opened.deploy('v42');
    opened.forward();
    expect((await follow(opened, deployerIn(opened))).at(-1)).toMatchObject({ kind: 'succeeded' });
    expect(await opened.running()).toBe('v41');
  });

  test('that Argo CD manages is aborted and not restored, because Git would start it again', async () => {
    const opened = await canary({ ...STEPS, labels: { 'argocd.argoproj.io/instance': 'shop' } });
    const deployer = deployerIn(opened);
    const answers = await follow(opened, deployer);
    expect(answers.at(-1)).toEqual({ kind: 'succeeded', id: 'revision 1' });
    expect(await opened.running()).toBe('v41');
    expect(await opened.writes()).toHaveLength(1);
    expect(await deployer.rollBack(request())).toMatchObject({ kind: 'succeeded' });
    expect(await deployer.checkDrift?.(request())).toEqual({ kind: 'holds' });

    await opened.patch({ status: { abort: false } }, '/status'); // `kubectl argo rollouts retry`
    opened.forward();
    expect(await deployer.checkDrift?.(request())).toMatchObject({ kind: 'drifted', detail: said('v42') });
  });

  test('is not recognized before its controller has observed it', async () => {
    const opened = await openCluster('Rollout');
    await opened.deploy('v41', STEPS);
    opened.forward();
    await opened.deploy('v42');
    expect(await deployerIn(opened).rollBack(request())).toMatchObject({ kind: 'later', detail: said('not seen it') });
    expect(await opened.writes()).toEqual([]);
  });
});

describe('a promoted version', () => {
  const promoted = async (more: object = STEPS) => {
    const opened = await canary(more);
    await opened.patch({ status: { promoteFull: true } }, '/status');
    opened.forward();
    expect(await opened.running()).toBe('v42');
    return opened;
  };

  test('is rolled back without canary steps', async () => {
    const opened = await promoted();
    const deployer = deployerIn(opened);
    const answers = await follow(opened, deployer);
    expect(answers.at(-1)).toEqual({ kind: 'succeeded', id: 'revision 3' });
    const writes = await opened.writes();
    expect(writes.map(({ path }) => path.split('/checkout')[1])).toEqual(['/status', '']); // newest first
    expect(await opened.running()).toBe('v41');
  });

  test('is promoted in full only once', async () => {
    const opened = await promoted();
    const deployer = deployerIn(opened);
    await deployer.rollBack(request());
    opened.forward();
    for (let again = 0; again < 3; again += 1)
      expect(await deployer.rollBack(request())).toMatchObject({ kind: 'in_progress' });
    expect(await opened.writes()).toHaveLength(2);
  });

  test('is rolled back through its steps if configured', async () => {
    const opened = await promoted({ ...STEPS, annotations: { 'firebreak.dev/keep-steps': 'true' } });
    const deployer = deployerIn(opened);
    expect((await follow(opened, deployer)).at(-1)).toMatchObject({ kind: 'in_progress' });
    expect((await opened.object()).status).toMatchObject({ phase: 'Paused', currentStepIndex: 1 });
    await opened.patch({ status: { pauseConditions: null } }, '/status'); // `kubectl argo rollouts promote`
    opened.forward();
    expect(await deployer.rollBack(request())).toMatchObject({ kind: 'succeeded' });
  });

  test("fails if the old pods don't become ready", async () => {
    const opened = await promoted();
    const deployer = deployerIn(opened);
    await opened.settings({ outcome: 'failed' });
    await deployer.rollBack(request());
    opened.forward(700_000);
    const failed = { kind: 'failed', detail: said('revision 3 is degraded: ProgressDeadlineExceeded') };
    expect(await deployer.rollBack(request())).toEqual(failed);
    expect(await deployer.status('', request())).toEqual(failed);
  });

  test('is refused if Argo CD manages the Rollout', async () => {
    const opened = await promoted({ ...STEPS, labels: { 'argocd.argoproj.io/instance': 'shop' } });
    expect(await deployerIn(opened).rollBack(request())).toEqual({ kind: 'refused', detail: said('application shop') });
    expect(await opened.writes()).toEqual([]);
  });

  test('is not rolled back twice if something restores it', async () => {
    const opened = await promoted();
    const deployer = deployerIn(opened);
    await follow(opened, deployer);
    await opened.deploy('v42');
    opened.forward();
    expect(await deployer.rollBack(request())).toEqual({
      kind: 'failed',
      detail: said('another system then changed it back to v42'),
    });
    await opened.deploy('v43');
    opened.forward();
    expect(await deployer.rollBack(request())).toEqual({ kind: 'superseded', current: 'v43' });
  });
});

test('a Rollout with spec.paused is refused', async () => {
  const opened = await canary();
  await opened.patch({ spec: { paused: true } });
  opened.forward();
  expect(await deployerIn(opened).rollBack(request())).toEqual({ kind: 'refused', detail: said('spec.paused') });
});

test('a Rollout that uses the pod template of a Deployment is refused with the name of the Deployment', async () => {
  const opened = await canary();
  await opened.patch({
    spec: { template: null, selector: null, workloadRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' } },
  });
  const deployer = deployerIn(opened);
  expect(await deployer.rollBack(request())).toEqual({ kind: 'refused', detail: said('from Deployment web') });
  expect(await deployer.checkDrift?.(request())).toMatchObject({ kind: 'unknown', detail: said('workloadRef') });
});

test('scaling sets the count', async () => {
  const opened = await canary({ replicas: 3 });
  const { scaling } = deployerIn(opened);
  const rolloutRequest = { ...request(), from: 3, to: 4 };
  expect(await scaling?.count()).toEqual({ kind: 'count', count: 3 });
  expect(await scaling?.set(rolloutRequest)).toMatchObject({ kind: 'in_progress' });
  opened.forward();
  expect(await scaling?.set(rolloutRequest)).toMatchObject({ kind: 'succeeded' });
  await opened.autoscale('checkout');
  expect(await scaling?.count()).toMatchObject({ kind: 'refused', detail: said('checkout-hpa') });
});

test('a restart replaces all pods once, with the same version', async () => {
  const opened = await canary({ replicas: 3 });
  const deployer = deployerIn(opened);
  const rolloutRequest = await deployer.restart?.(request());
  expect(rolloutRequest).toEqual({ kind: 'in_progress', id: null, handle: '2026-11-20T12:00:00Z' });
  expect(await deployer.restartStatus?.('', request())).toMatchObject({ kind: 'in_progress' });
  opened.forward();
  expect(await deployer.restartStatus?.('', request())).toEqual({ kind: 'succeeded', id: null });
  expect(await deployer.restart?.(request())).toMatchObject({ kind: 'succeeded' });
  expect(await opened.writes()).toHaveLength(1);
  expect(await opened.revision()).toBe('2');
});

test('metadata that the controller adds to canary pods is not part of the pod template', () => {
  const set = ReplicaSet.parse({
    metadata: {
      name: 'checkout-5d',
      uid: '1',
      resourceVersion: '1',
      annotations: {
        'rollout.argoproj.io/ephemeral-metadata': '{"labels":{"role":"stable"},"annotations":{"note":"here"}}',
      },
    },
    spec: {
      template: {
        metadata: {
          creationTimestamp: null,
          labels: { app: 'checkout', role: 'stable', 'rollouts-pod-template-hash': '5d' },
          annotations: { note: 'here', team: 'shop' },
        },
        spec: {
          containers: [{ name: 'checkout', image: 'shop:v1', ports: [{ containerPort: 80 }] }],
          restartPolicy: 'A',
        },
      },
    },
  });
  expect(templateOf(set, { revision: '', hash: 'rollouts-pod-template-hash' })).toEqual({
    metadata: { creationTimestamp: null, labels: { app: 'checkout' }, annotations: { team: 'shop' } },
    spec: { containers: [{ name: 'checkout', image: 'shop:v1', ports: [{ containerPort: 80 }] }], restartPolicy: 'A' },
  });
});

test("the deployer's target is the object", async () => {
  const opened = await canary();
  expect(deployerIn(opened)).toMatchObject({
    target: `Rollout default/checkout at ${opened.cluster.url}`,
    effectClass: 'convergent',
  });
  const absent = { ...request(), to: 'v0' as Version };
  expect(await deployerIn(opened).rollBack(absent)).toMatchObject({ kind: 'refused', detail: said('v0') });
});
