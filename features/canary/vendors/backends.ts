import type * as z from 'zod';
import {
  isSameWeight,
  type TrafficCall,
  type TrafficPair,
  type TrafficReading,
  type TrafficRouter,
} from '../decisions/traffic.ts';
import type { Shares } from '../../../vendors/kubernetes/shares.ts';
import type { TargetResponse } from '../../../core/domain/rollback/targets.ts';
import type { TrafficBackend } from '../traffic-config.ts';
import { retryLater, refuse } from '../../../vendors/shared/refusals.ts';
import { ALLOW_ROLLBACK, managerOf } from '../../../vendors/kubernetes/annotations.ts';
import { attempt, type Calls, type ClusterOptions } from '../../../vendors/kubernetes/attempt.ts';
import { Deployment, type Metadata } from '../../../vendors/kubernetes/objects.ts';
import { isVersion, nameOf, versionsOf } from '../../../vendors/kubernetes/versions.ts';
import { OBJECT_NAME } from '../../../vendors/kubernetes/workload.ts';

/** Names the backend of the stable version. Without it, a canary with all of the traffic could not be distinguished from a promoted one. */
export const STABLE_BACKEND = 'firebreak.dev/stable-backend';

/** An object that splits traffic between Services, and how it is read and changed. */
export type SplitKind<T extends { metadata: Metadata }> = {
  /** For people, such as `HTTPRoute`. */
  kind: string;
  path: string;
  schema: z.ZodType<T>;
  /** @throws Ended if the object does not split traffic between these backends */
  shares(object: T, backends: readonly string[]): Shares;
  /** Operations of a JSON patch that give each backend its share, in percent. */
  operations(object: T, shares: Shares): object[];
  /** Whether the change is in effect, according to the controller of the object. */
  effect(object: T, action: TrafficCall['action']): TargetResponse;
};

export type SplitLocation = {
  cluster: ClusterOptions;
  namespace: string;
  name: string;
  backends: readonly TrafficBackend[];
  container: string | undefined;
};

/** A Service that gets traffic, and the versions that its Deployment runs. */
type Backend = { service: string; deployment: string; versions: string[]; available: number };

/** The split of the traffic, and the backends of two versions. Undefined: no Deployment runs the version. */
type SplitState<T> = {
  object: T;
  shares: Shares;
  backends: readonly Backend[];
  stable: Backend | undefined;
  canary: Backend | undefined;
};

/**
 * Creates a router for an object that splits traffic between two Services. Each Service has its own Deployment, whose pod
 * template names the version. The Services have no fixed roles: the new version is deployed behind the one without
 * traffic. The `resourceVersion` prevents a call that arrives late from replacing a newer one.
 */
export function splitTraffic<T extends { metadata: Metadata }>(
  split: SplitKind<T>,
  location: SplitLocation,
): TrafficRouter {
  const { cluster, namespace, name } = location;
  return {
    target: `${split.kind} ${namespace}/${name} at ${cluster.url}`,
    resource: `kubernetes ${JSON.stringify([cluster.url, split.path])}`,
    effectClass: 'convergent',
    async read(pair): Promise<TrafficReading> {
      const found = await attempt(cluster, (calls) => readSplit(split, location, calls, pair));
      return 'kind' in found ? { kind: 'unknown', detail: found.detail } : readingOf(found, pair);
    },
    apply: (request) =>
      attempt(cluster, async (calls): Promise<TargetResponse> => {
        const found = await readSplit(split, location, calls, request);
        const current = otherVersionsServing(found);
        if (current !== undefined) return { kind: 'superseded', current };
        const [from, to] = [found.stable, found.canary];
        // A promotion works without the stable version, and an abort without the new one.
        if (to === undefined && request.action !== 'abort') throw refuse(notDeployed(request.canary, found));
        if (from === undefined && request.action !== 'promote') throw refuse(notDeployed(request.stable, found));
        if (from !== undefined && from === to)
          throw refuse(`${from.deployment} runs both ${request.stable} and ${request.canary}`);
        const targetSplit = targetSplitOf(request, found);
        if (isReached(found, targetSplit)) return split.effect(found.object, request.action);
        const manager = managerOf(found.object.metadata);
        if (manager !== undefined)
          throw refuse(
            `${split.kind} ${namespace}/${name} would be changed back: ${manager.text}; let it ignore the weights, and ` +
              `annotate the object ${ALLOW_ROLLBACK}: "true"`,
          );
        for (const backend of found.backends)
          if ((targetSplit.shares.get(backend.service) ?? 0) > 0 && backend.available === 0)
            throw retryLater(`Deployment ${backend.deployment} has no available pods, so it gets no traffic`);
        const patch = patchOf(found.object, targetSplit, split.operations(found.object, targetSplit.shares));
        return split.effect(await calls.patch(split.path, 'json', patch, split.schema), request.action);
      }),
  };
}

async function readSplit<T extends { metadata: Metadata }>(
  { kind, path, schema, shares }: SplitKind<T>,
  { namespace, name, backends: configured, container }: SplitLocation,
  calls: Calls,
  pair: TrafficPair,
): Promise<SplitState<T>> {
  refuseInvalidName({ kind, name });
  const object = await calls.get(path, schema);
  const backends = await Promise.all(
    configured.map(async ({ service, deployment = service }): Promise<Backend> => {
      const deploymentPath = `/apis/apps/v1/namespaces/${namespace}/deployments/${deployment}`;
      const { spec, status } = await calls.get(deploymentPath, Deployment);
      return {
        service,
        deployment,
        versions: versionsOf(spec.template, container),
        available: status.availableReplicas,
      };
    }),
  );
  const backendRunning = (version: string): Backend | undefined => {
    const found = backends.filter(({ versions }) => isVersion(versions, { version, commit: null }));
    if (found.length > 1)
      throw refuse(`${found.map(({ deployment }) => deployment).join(' and ')} both run ${version}`);
    return found[0];
  };
  return {
    object,
    shares: shares(
      object,
      configured.map(({ service }) => service),
    ),
    backends,
    stable: backendRunning(pair.stable),
    canary: backendRunning(pair.canary),
  };
}

/** @throws Ended for an invalid object name, which could address another path */
function refuseInvalidName({ kind, name }: { kind: string; name: string }): void {
  if (!OBJECT_NAME.test(name))
    throw refuse(`${JSON.stringify(name)} is not a valid name of a ${kind}; set it in canary.traffic`);
}

const shareOf = ({ shares }: Pick<SplitState<unknown>, 'shares'>, backend: Backend | undefined): number =>
  backend === undefined ? 0 : (shares.get(backend.service) ?? 0);

/** Returns what has traffic, unless it is only the two versions. */
function otherVersionsServing(found: SplitState<unknown>): string | undefined {
  const serving = [...found.shares].filter(([, share]) => share > 0);
  const known = [found.stable?.service, found.canary?.service];
  if (serving.every(([service]) => known.includes(service))) return undefined;
  return serving.map(([service]) => versionNameOf(found, service)).join(' and ');
}

function versionNameOf({ backends }: SplitState<unknown>, service: string): string {
  const backend = backends.find((other) => other.service === service);
  return backend === undefined ? `Service ${service}` : nameOf(backend.versions);
}

function readingOf<T extends { metadata: Metadata }>(found: SplitState<T>, pair: TrafficPair): TrafficReading {
  const current = otherVersionsServing(found);
  if (current !== undefined) return { kind: 'split', stable: current, canary: null, weight: 0 };
  const weight = shareOf(found, found.canary);
  if (weight === 0) return { kind: 'split', stable: pair.stable, canary: null, weight: 0 };
  const isPromoted = weight === 100 && (found.stable === undefined || stableBackend(found) !== found.stable.service);
  return isPromoted
    ? { kind: 'split', stable: pair.canary, canary: null, weight: 0 }
    : { kind: 'split', stable: pair.stable, canary: pair.canary, weight };
}

const stableBackend = ({ object }: { object: { metadata: Metadata } }): string | undefined =>
  object.metadata.annotations[STABLE_BACKEND];

type TargetSplit = { shares: Shares; stable: string };

function targetSplitOf<T>({ action, weight }: TrafficCall, { backends, stable, canary }: SplitState<T>): TargetSplit {
  const share = { set: weight, promote: 100, abort: 0 }[action];
  const shares = new Map(backends.map(({ service }) => [service, service === canary?.service ? share : 100 - share]));
  return { shares, stable: (action === 'promote' ? canary : stable)?.service ?? '' };
}

const isReached = <T extends { metadata: Metadata }>(found: SplitState<T>, { shares, stable }: TargetSplit): boolean =>
  [...shares].every(([service, share]) => isSameWeight(found.shares.get(service) ?? 0, share)) &&
  stableBackend(found) === stable;

/** An outdated `resourceVersion` is a conflict, so nothing is overwritten that changed after the read. */
const patchOf = ({ metadata }: { metadata: Metadata }, { stable }: TargetSplit, operations: object[]): object[] => [
  { op: 'replace', path: '/metadata/resourceVersion', value: metadata.resourceVersion },
  { op: 'add', path: '/metadata/annotations', value: { ...metadata.annotations, [STABLE_BACKEND]: stable } },
  ...operations,
];

const notDeployed = (version: string, { backends }: SplitState<unknown>): string =>
  `no backend runs ${version}: ${backends.map(({ deployment, versions }) => `Deployment ${deployment} runs ${nameOf(versions)}`).join(', ')}`;
