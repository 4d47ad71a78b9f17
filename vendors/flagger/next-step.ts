import type { TargetResponse, RollbackCall } from '../../core/domain/rollback/targets.ts';
import { ROLLBACK_KEY } from '../kubernetes/annotations.ts';
import type { Deployment } from '../kubernetes/objects.ts';
import { isVersion, nameOf, refuseSharedName, versionsOf } from '../kubernetes/versions.ts';
import type { Canary } from './canary.ts';
import { fromVersion, toVersion } from '../shared/versions.ts';

/**
 * The state of a canary: the resource, the Deployment that is deployed to, and the primary, which carries the traffic.
 */
export type CanaryState = { canary: Canary; target: Deployment; primary: Deployment };

/**
 * The next step. `request`: a rollout is in progress; request a rollback through Flagger's webhook. `undo`: the primary
 * runs `from`; roll it back. `check_result`: Flagger has
 * rolled back; check the result.
 */
export type Step = { kind: 'request' } | { kind: 'undo' } | { kind: 'check_result' } | TargetResponse;

/**
 * Returns the next step. At promotion, Flagger copies the target's pod template to the primary. So users get the
 * primary's version and, during a rollout, also the target's version.
 *
 * @param isRequested this action has requested a rollback from Flagger, so a rollback by Flagger is its result
 */
export function stepOf(state: CanaryState, request: RollbackCall, { container, isRequested }: StepContext): Step {
  const { phase, canaryWeight } = state.canary.status;
  const target = runningVersionOf(state.target, request, container);
  const primary = runningVersionOf(state.primary, request, container);
  switch (phase) {
    case 'Progressing':
    case 'WaitingPromotion':
      return stepDuringRollout(state, request, { target, primary });
    case 'Promoting':
    case 'Finalising':
      if (!target.isFrom) return superseded(target);
      return { kind: 'busy', detail: `Flagger is promoting ${target.name}; it can only be rolled back after that` };
    case 'Failed':
      if (canaryWeight > 0) return stepAfterFailedPromotion(target, { isRequested });
      if (primary.isFrom) return { kind: 'undo' };
      return isRequested && primary.isTo ? { kind: 'check_result' } : superseded(primary);
    case 'Waiting':
      return primary.isFrom ? { kind: 'undo' } : superseded(primary); // the canary has no traffic yet
    case 'Succeeded':
    case 'Initialized':
      return stepWithoutRollout(state, { target, primary });
    case '':
    case 'Initializing':
      return { kind: 'later', detail: 'Flagger is still setting the canary up', afterSeconds: null };
    default:
      return { kind: 'refused', detail: `the canary is in phase ${phase}, in which Flagger does nothing more with it` };
  }
}

type StepContext = { container: string | undefined; isRequested: boolean };

type RunningVersion = { name: string; isFrom: boolean; isTo: boolean };

function runningVersionOf({ spec }: Deployment, request: RollbackCall, container: string | undefined): RunningVersion {
  const versions = versionsOf(spec.template, container);
  refuseSharedName(versions, request);
  const isFrom = isVersion(versions, fromVersion(request));
  return { name: nameOf(versions), isFrom, isTo: !isFrom && isVersion(versions, toVersion(request)) };
}

type RunningVersions = { target: RunningVersion; primary: RunningVersion };

function stepDuringRollout(
  { canary: { spec } }: CanaryState,
  { to }: RollbackCall,
  { target, primary }: RunningVersions,
): Step {
  if (!target.isFrom) return superseded(target);
  if (primary.isFrom)
    return { kind: 'busy', detail: `Flagger itself is rolling out ${target.name} over ${primary.name}` };
  if (!primary.isTo)
    return {
      kind: 'refused',
      detail: `Flagger would restore the version of the primary, which is ${primary.name}, not ${to}`,
    };
  if (spec.suspend)
    return {
      kind: 'refused',
      detail: 'the canary is suspended (spec.suspend), so Flagger does not ask whether to roll back',
    };
  return spec.skipAnalysis
    ? {
        kind: 'busy',
        detail: `Flagger promotes ${target.name} without analysis; it can only be rolled back after that`,
      }
    : { kind: 'request' };
}

/**
 * Returns the result after a failed promotion. Flagger leaves all traffic on the canary, because there is no healthy
 * primary to return it to.
 */
function stepAfterFailedPromotion(target: RunningVersion, { isRequested }: Pick<StepContext, 'isRequested'>): Step {
  if (!target.isFrom) return superseded(target);
  const detail =
    `the promotion of ${target.name} failed: the primary does not become ready, and the canary receives all ` +
    'traffic until another version is deployed';
  return { kind: isRequested ? 'failed' : 'refused', detail };
}

/** Returns the next step while Flagger reports no rollout. */
function stepWithoutRollout(state: CanaryState, { target, primary }: RunningVersions): Step {
  // After a rollback of the primary, the target keeps its pod template, and Flagger starts no rollout for it.
  const isLeftBehind = state.primary.metadata.annotations[ROLLBACK_KEY] !== undefined;
  if (primary.isFrom) return target.isFrom || target.isTo || isLeftBehind ? { kind: 'undo' } : superseded(target);
  if (target.isFrom && primary.isTo && !isLeftBehind)
    return { kind: 'later', detail: `Flagger has not started with ${target.name} yet`, afterSeconds: null };
  return superseded(primary);
}

const superseded = ({ name }: RunningVersion): TargetResponse => ({ kind: 'superseded', current: name });
