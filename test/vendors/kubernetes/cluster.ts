import type { Deployer, RollbackCall } from '../../../core/domain/rollback/targets.ts';
import type { ClusterOptions } from '../../../vendors/kubernetes/attempt.ts';
import type { ClusterSettings } from '../../../packages/sandbox/kubernetes/cluster-state.ts';
import type { EnvironmentName, IncidentId, ServiceName, Version } from '../../../schemas/config/names.ts';
import { calls, clock, sandbox, setFault, start, UNTIL_RELEASED } from '../../../packages/sandbox/test/support.ts';
import { SetClock } from '../../support/fake-deps.ts';
import { givesUpOnceHeld, untilNothingIsHeld } from '../time-limits.ts';
import type { TargetWorld, Trouble } from '../target-conformance.ts';

export const KEY = '01JCYZ7Q8M3N5P7R9T1V3X5Z7B.roll-back.1';

export const request = (more: Partial<RollbackCall> = {}): RollbackCall => ({
  service: 'checkout' as ServiceName,
  environment: 'production' as EnvironmentName,
  from: 'v42' as Version,
  to: 'v41' as Version,
  incident: '01JCYZ7Q8M3N5P7R9T1V3X5Z7B' as IncidentId,
  fromCommit: null,
  toCommit: null,
  reason: 'INC-42 HighErrorBurnRate',
  key: KEY,
  ...more,
});

type Kind = 'Deployment' | 'Rollout';

const PATHS = {
  Deployment: '/apis/apps/v1/namespaces/default/deployments',
  Rollout: '/apis/argoproj.io/v1alpha1/namespaces/default/rollouts',
};
const AUTOSCALERS = '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers';
const REVISIONS = { Deployment: 'deployment.kubernetes.io/revision', Rollout: 'rollout.argoproj.io/revision' };

export const image = (version: string): string => `registry.test:5000/shop/checkout:${version}`;

/** Milliseconds, longer than any change that finishes. */
const LONG_MS = 20_000;
/** Milliseconds, longer than any progress deadline. */
const PAST_DEADLINE_MS = 700_000;

/**
 * Starts a cluster with a Deployment or Rollout `checkout` without deployed versions. Its time advances only on
 * request.
 *
 * @param name the object to read and patch
 */
export async function openCluster(kind: Kind, name = 'checkout') {
  const time = clock();
  const standIns = await start({ now: time.now });
  const { kubernetes: url } = standIns.urls;
  const path = `${PATHS[kind]}/${name}`;
  /** Called before each request of the adapter, when it reads its token. */
  const before: { call: () => Promise<void> } = { call: async () => undefined };
  const secrets = {
    get: async () => {
      await before.call();
      return 'a-token-of-a-service-account';
    },
  };
  const cluster: ClusterOptions = {
    url,
    tokenName: 'KUBERNETES_TOKEN',
    secrets,
    clock: new SetClock('2026-11-20T12:00:00.000Z'),
  };

  const ask = async (method: string, at: string, body?: unknown, type = 'application/json'): Promise<any> => {
    const response = await fetch(url + at, {
      method,
      headers: { authorization: 'Bearer an-administrator', 'content-type': type },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return response.json();
  };
  const forward = (ms = LONG_MS) => time.forward(ms);

  return {
    standIns,
    cluster,
    before,
    forward,
    now: time.now,
    ask,
    object: () => ask('GET', path),
    replicaSets: async () => (await ask('GET', '/apis/apps/v1/namespaces/default/replicasets')).items as any[],
    /** Deploys as a pipeline would. The controller observes it only when time advances. */
    deploy: (version: string, more: object = {}) =>
      sandbox(standIns, 'POST', '/kubernetes/deploy', { kind, name: 'checkout', image: image(version), ...more }),
    /** Patches as `kubectl patch --type merge` does. */
    patch: (body: object, subresource = '') => ask('PATCH', path + subresource, body, 'application/merge-patch+json'),
    settings: (settings: Partial<ClusterSettings>) => sandbox(standIns, 'PUT', '/kubernetes/settings', settings),
    /** Creates an autoscaler for this or another object. */
    autoscale: (scaled: string) =>
      ask('POST', AUTOSCALERS, {
        metadata: { name: `${scaled}-hpa` },
        spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind, name: scaled }, minReplicas: 2, maxReplicas: 10 },
      }),
    writes: async () =>
      (await calls(standIns, '?vendor=kubernetes')).filter(({ method, headers }) => {
        const isOurs = headers['user-agent'] === 'firebreak';
        return isOurs && method === 'PATCH';
      }),
    /** Returns the version of the ReplicaSet with the most available pods. */
    running: async (): Promise<string> => {
      const { items } = await ask('GET', '/apis/apps/v1/namespaces/default/replicasets');
      const [most] = (items as any[]).toSorted(
        (a, b) => (b.status.availableReplicas ?? 0) - (a.status.availableReplicas ?? 0),
      );
      return most.spec.template.spec.containers[0].image.split(':').at(-1);
    },
    revision: async (): Promise<string> => (await ask('GET', path)).metadata.annotations[REVISIONS[kind]],
  };
}

export type TestCluster = Awaited<ReturnType<typeof openCluster>>;

/**
 * Starts a cluster that runs v42, after v41.
 * @param more options of the first deployment
 */
export async function twoVersions(kind: Kind, more: object = {}): Promise<TestCluster> {
  const cluster = await openCluster(kind);
  await cluster.deploy('v41', more);
  cluster.forward();
  await cluster.deploy('v42');
  cluster.forward();
  return cluster;
}

/** Returns the conformance test's world. */
export async function targetWorld(opened: TestCluster, deployer: Deployer): Promise<TargetWorld> {
  const generation = async (): Promise<number> => (await opened.object()).metadata.generation;
  let base = await generation();
  const late = lateness(opened);
  return {
    deployer,
    request: request(),
    trouble: (trouble) =>
      trouble === 'late_effect' ? late.begin() : setFault(opened.standIns, fault(trouble)).then(() => undefined),
    async settle(how) {
      await late.end();
      if (how === 'failing') await opened.settings({ outcome: 'failed' });
      opened.forward(how === 'failing' ? PAST_DEADLINE_MS : LONG_MS);
    },
    running: opened.running,
    begun: async () => (await generation()) - base,
    async ship() {
      await opened.deploy('v43');
      opened.forward();
      base = await generation();
      return 'v43';
    },
    async drift() {
      await opened.deploy('v42');
      opened.forward();
    },
  };
}

const next = (method: string) => ({ vendor: 'kubernetes', match: { method }, times: 1 });

const status = (code: number, reason: string, message: string) => ({
  kind: 'status' as const,
  status: code,
  body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', reason, message, code },
});

/** Sets a fault for the next call of this method. */
export function fault(trouble: Exclude<Trouble, 'late_effect'>, method = 'PATCH') {
  const faults = {
    lost_answer: { kind: 'lost' as const },
    throttled: { kind: 'rate_limit' as const },
    refused: status(403, 'Forbidden', 'User "system:serviceaccount:ops:firebreak" cannot patch resource'),
    server_error: status(500, 'InternalError', 'etcdserver: leader changed'),
  };
  return { ...next(method), fault: faults[trouble] };
}

/** Holds effects back until `end` is called. */
const lateness = ({ standIns }: TestCluster) => ({
  async begin() {
    await setFault(standIns, { ...next('PATCH'), fault: { kind: 'late', delay_ms: UNTIL_RELEASED } });
    givesUpOnceHeld(standIns);
  },
  end: () => untilNothingIsHeld(standIns),
});
