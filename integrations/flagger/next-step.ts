import type { TargetResponse, RollbackCall } from '../../domain/rollback/targets.ts';
import { ROLLBACK_KEY } from '../kubernetes/annotations.ts';
import type { Deployment } from '../kubernetes/objects.ts';
import { fromOf, toOf } from '../kubernetes/revisions.ts';
import { isVersion, nameOf, versionsOf } from '../kubernetes/versions.ts';
import type { Canary } from './canary.ts';

/**
 * The state of a canary: the resource, the Deployment that is deployed to, and the primary, which carries the traffic.
 */
export type CanaryState = { canary: Canary; target: Deployment; primary: Deployment };

/**
 * The next step. `request`: a rollout is in progress; request a rollback through Flagger's webhook. `undo`: the primary
 * runs `from`; roll it back. `look`: Flagger has rolled back; check the result.
 */
export type Step = { kind: 'request' } | { kind: 'undo' } | { kind: 'look' } | TargetResponse;

/**
 * Returns the next step. At promotion, Flagger copies the target's pod template to the primary. So users get the
 * primary's version and, during a rollout, also the target's version.
 *
 * @param isRequested this action has requested a rollback from Flagger, so a rollback by Flagger is its result
 */
export function stepOf(found: CanaryState, request: RollbackCall, { container, isRequested }: Reading): Step {
  const { phase, canaryWeight } = found.canary.status;
  const target = readingOf(found.target, request, container);
  const primary = readingOf(found.primary, request, container);
  switch (phase) {
    case 'Progressing':
    case 'WaitingPromotion':
      return inProgress(found, request, { target, primary });
    case 'Promoting':
    case 'Finalising':
      if (!target.isFrom) return superseded(target);
      return { kind: 'busy', detail: `Flagger is promoting ${target.name}; it can only be rolled back after that` };
    case 'Failed':
      if (canaryWeight > 0) return brokenPromotion(target, { isRequested });
      if (primary.isFrom) return { kind: 'undo' };
      return isRequested && primary.isTo ? { kind: 'look' } : superseded(primary);
    case 'Waiting':
      return primary.isFrom ? { kind: 'undo' } : superseded(primary); // the canary has no traffic yet
    case 'Succeeded':
    case 'Initialized':
      return atRest(found, { target, primary });
    case '':
    case 'Initializing':
      return { kind: 'later', detail: 'Flagger is still setting the canary up', afterSeconds: null };
    default:
      return { kind: 'refused', detail: `the canary is in phase ${phase}, in which Flagger does nothing more with it` };
  }
}

type Reading = { container: string | undefined; isRequested: boolean };

type Runs = { name: string; isFrom: boolean; isTo: boolean };

function readingOf({ spec }: Deployment, request: RollbackCall, container: string | undefined): Runs {
  const versions = versionsOf(spec.template, container);
  const isFrom = isVersion(versions, fromOf(request));
  return { name: nameOf(versions), isFrom, isTo: !isFrom && isVersion(versions, toOf(request)) };
}

type Both = { target: Runs; primary: Runs };

function inProgress({ canary: { spec } }: CanaryState, { to }: RollbackCall, { target, primary }: Both): Step {
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
function brokenPromotion(target: Runs, { isRequested }: Pick<Reading, 'isRequested'>): Step {
  if (!target.isFrom) return superseded(target);
  const detail =
    `the promotion of ${target.name} failed: the primary does not become ready, and the canary receives all ` +
    'traffic until another version is deployed';
  return { kind: isRequested ? 'failed' : 'refused', detail };
}

/** Returns the next step while Flagger reports no rollout. */
function atRest(found: CanaryState, { target, primary }: Both): Step {
  // After a rollback of the primary, the target keeps its pod template, and Flagger starts no rollout for it.
  const isLeftBehind = found.primary.metadata.annotations[ROLLBACK_KEY] !== undefined;
  if (primary.isFrom) return target.isFrom || target.isTo || isLeftBehind ? { kind: 'undo' } : superseded(target);
  if (target.isFrom && primary.isTo && !isLeftBehind)
    return { kind: 'later', detail: `Flagger has not started with ${target.name} yet`, afterSeconds: null };
  return superseded(primary);
}

const superseded = ({ name }: Runs): TargetResponse => ({ kind: 'superseded', current: name });
