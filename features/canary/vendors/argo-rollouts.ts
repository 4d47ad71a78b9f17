import {
  isSameWeight,
  type TrafficCall,
  type TrafficPair,
  type TrafficReading,
  type TrafficRouter,
} from '../decisions/traffic.ts';
import type { TargetResponse } from '../../../core/domain/rollback/targets.ts';
import type { ArgoRolloutsDeployer } from '../../../vendors/kubernetes/schema.ts';
import type { Calls, ClusterOptions } from '../../../vendors/kubernetes/attempt.ts';
import { type ReplicaSet, Rollout } from '../../../vendors/kubernetes/objects.ts';
import { ownReplicaSets } from '../../../vendors/kubernetes/revisions.ts';
import {
  hasAllTraffic,
  isCanary,
  isObserved,
  ownTemplate,
  refusePaused,
  ROLLOUT_MARKS,
  rolloutNames,
  rolloutTarget,
} from '../../../vendors/kubernetes/rollout.ts';
import { isVersion, nameOf, versionsOf } from '../../../vendors/kubernetes/versions.ts';
import { attemptOn, type WorkloadTarget } from '../../../vendors/kubernetes/workload.ts';
import { retryLater, refuse } from '../../../vendors/shared/refusals.ts';

const IN_PROGRESS: TargetResponse = { kind: 'in_progress', id: null, handle: null };

/** The pause of a step, in contrast to those of inconclusive analyses, which people decide about. */
const PAUSE_STEP = 'CanaryPauseStep';

/** A Rollout, and the versions that it runs. `canary`: null if one version has all pods. */
type RolloutState = { rollout: Rollout; stable: string[]; stableSet: ReplicaSet | undefined; canary: string[] | null };

/**
 * Creates a router for a Rollout of Argo Rollouts. Argo Rollouts sets the weights, as its steps say. Firebreak decides
 * when the next step begins, and when the canary is promoted or aborted, with the patches of `kubectl argo rollouts
 * promote`, `promote --full`, and `abort`.
 *
 * @see https://github.com/argoproj/argo-rollouts/tree/master/pkg/kubectl-argo-rollouts/cmd
 */
export function argoRolloutsTraffic(
  config: ArgoRolloutsDeployer,
  options: { cluster: ClusterOptions; service: string },
): TrafficRouter {
  const target = rolloutTarget(config, options);
  return {
    ...rolloutNames(target),
    effectClass: 'convergent',
    async read(pair): Promise<TrafficReading> {
      const state = await attemptOn(target, (calls, rollout) => readState(target, calls, rollout));
      return 'kind' in state ? { kind: 'unknown', detail: state.detail } : readingOf(state, pair);
    },
    apply: (request) =>
      attemptOn(target, async (calls, rollout) => {
        const state = await readState(target, calls, rollout);
        return state.canary === null
          ? applyToOneVersion(state, request)
          : applyToTwoVersions(target, calls, { ...state, canary: state.canary }, request);
      }),
  };
}

/** @throws Ended if the strategy has no steps, or the controller has not observed the newest pod template */
async function readState(target: WorkloadTarget<Rollout>, calls: Calls, rollout: Rollout): Promise<RolloutState> {
  const { namespace, name, container } = target;
  const template = ownTemplate(target, rollout);
  if ((rollout.spec.strategy.canary?.steps ?? []).length === 0)
    throw refuse(
      `Rollout ${namespace}/${name} has no canary steps; add setWeight and pause to spec.strategy.canary.steps`,
    );
  if (!isObserved(rollout)) throw retryLater('its controller has not seen it yet');
  const newest = versionsOf(template, container);
  if (!isCanary(rollout)) return { rollout, stable: newest, stableSet: undefined, canary: null };
  const sets = await ownReplicaSets(calls, namespace, rollout);
  const stableSet = sets.find(({ metadata }) => metadata.labels[ROLLOUT_MARKS.hash] === rollout.status.stableRS);
  if (stableSet === undefined) throw retryLater('its stable ReplicaSet is not found');
  return { rollout, stable: versionsOf(stableSet.spec.template, container), stableSet, canary: newest };
}

const includesVersion = (versions: readonly string[], version: string): boolean =>
  isVersion(versions, { version, commit: null });

/** Names a version as the canary does, if it is one of its versions. */
const nameIn = (versions: readonly string[], { stable, canary }: TrafficPair): string =>
  includesVersion(versions, canary) ? canary : includesVersion(versions, stable) ? stable : nameOf(versions);

function readingOf({ rollout, stable, canary }: RolloutState, pair: TrafficPair): TrafficReading {
  const weight = canary === null ? 0 : weightOf(rollout);
  return {
    kind: 'split',
    stable: nameIn(stable, pair),
    canary: canary === null || weight === 0 ? null : nameIn(canary, pair),
    weight,
  };
}

/** Returns the weight of the newest step that is done and sets one. */
function weightOf({ spec, status }: Rollout): number {
  if (status.abort && status.phase === 'Degraded') return status.canary;
  const steps = spec.strategy.canary?.steps ?? [];
  const index = status.currentStepIndex ?? 0;
  if (index >= steps.length) return 100;
  return steps.slice(0, index).findLast(({ setWeight }) => setWeight !== undefined)?.setWeight ?? 0;
}

/** One version has all pods. */
function applyToOneVersion(
  { rollout: { status }, stable }: RolloutState,
  { action, canary, stable: stableVersion }: TrafficCall,
): TargetResponse {
  if (includesVersion(stable, canary)) {
    if (action !== 'promote') return { kind: 'superseded', current: canary };
    if (status.phase === 'Degraded') return { kind: 'failed', detail: `it is degraded: ${status.message}` };
    return status.phase === 'Healthy' ? { kind: 'succeeded', id: null } : IN_PROGRESS;
  }
  if (!includesVersion(stable, stableVersion)) return { kind: 'superseded', current: nameOf(stable) };
  if (action === 'abort') return { kind: 'succeeded', id: null };
  throw refuse(`the Rollout runs only ${stableVersion}; deploy ${canary} first`);
}

async function applyToTwoVersions(
  target: WorkloadTarget<Rollout>,
  calls: Calls,
  state: RolloutState & { canary: string[] },
  request: TrafficCall,
): Promise<TargetResponse> {
  const { rollout, stable, stableSet, canary } = state;
  const { status } = rollout;
  if (!includesVersion(stable, request.stable) || !includesVersion(canary, request.canary))
    return { kind: 'superseded', current: `${nameOf(stable)} and ${nameOf(canary)}` };
  const patch = async (change: object): Promise<TargetResponse> => {
    const { resourceVersion } = rollout.metadata;
    await calls.patch(`${target.path}/status`, 'merge', { metadata: { resourceVersion }, status: change }, Rollout);
    return IN_PROGRESS;
  };
  if (request.action === 'abort') {
    if (!status.abort) return patch({ abort: true });
    return stableSet !== undefined && hasAllTraffic(rollout, stableSet) ? { kind: 'succeeded', id: null } : IN_PROGRESS;
  }
  refusePaused(target, rollout);
  if (status.abort)
    throw refuse(`the Rollout was aborted; kubectl argo rollouts retry rollout ${target.name} starts it again`);
  if (status.phase === 'Degraded') return { kind: 'failed', detail: `it is degraded: ${status.message}` };
  if (status.promoteFull)
    return request.action === 'promote' ? IN_PROGRESS : { kind: 'superseded', current: request.canary };
  if (request.action === 'promote') return patch({ promoteFull: true });
  const reasons = status.pauseConditions.map(({ reason }) => reason);
  if (reasons.length === 0) return IN_PROGRESS;
  if (!reasons.every((reason) => reason === PAUSE_STEP))
    throw refuse(
      `the Rollout is paused (${reasons.join(', ')}); kubectl argo rollouts promote ${target.name} resumes it`,
    );
  if (isSameWeight(weightOf(rollout), request.weight)) return { kind: 'succeeded', id: null };
  const next = nextWeight(rollout);
  if (next === undefined || !isSameWeight(next, request.weight))
    throw refuse(
      `the next step of the Rollout ${next === undefined ? 'sets no weight' : `is setWeight: ${next}`}, but the canary's is ` +
        `${request.weight} %; give both the same steps, and each setWeight a pause without duration`,
    );
  return patch({ pauseConditions: null });
}

const nextWeight = ({ spec, status }: Rollout): number | undefined =>
  (spec.strategy.canary?.steps ?? [])
    .slice((status.currentStepIndex ?? 0) + 1)
    .find(({ setWeight }) => setWeight !== undefined)?.setWeight;
