import { isDeepStrictEqual } from 'node:util';
import { artifactOf } from '../../core/domain/changes/images.ts';
import type { ObservedRollout } from '../../core/domain/rollback/targets.ts';
import { InstantIn, type Timestamp } from '../../schemas/time/time.ts';
import { versionOf } from '../shared/change-webhook.ts';
import type { Ending } from '../shared/refusals.ts';
import type { Deployment, PodTemplate, ReplicaSet } from './objects.ts';
import { type Marks, ownReplicaSets, templateOf } from './revisions.ts';
import { digestIn, nameOf, versionsOf } from './versions.ts';
import { attemptOn, type WorkloadTarget } from './workload.ts';

/** Number of earlier revisions that can be in progress when a newer one is seen. */
const SUPERSEDED_MAX = 5;

/** Set by `kubectl rollout restart`, which changes nothing else. */
const RESTARTED_AT = 'kubectl.kubernetes.io/restartedAt';

type Progress = { kind: string };

/**
 * Returns the newest rollout of a Deployment. Each revision is a rollout of its own: when an older pod template comes
 * back, such as by `kubectl rollout undo`, its ReplicaSet gets a new revision.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/controllers/deployment/
 */
export function lastRollout(
  target: WorkloadTarget<Deployment>,
  marks: Marks,
  progressOf: (deployment: Deployment) => Progress,
): Promise<ObservedRollout | Ending> {
  return attemptOn(target, async (calls, deployment): Promise<ObservedRollout> => {
    const { metadata, spec, status } = deployment;
    const revision = Number(metadata.annotations[marks.revision] ?? Number.NaN);
    // The controller has not seen the newest pod template yet.
    if (!Number.isInteger(revision) || status.observedGeneration < metadata.generation)
      return { kind: 'observed', report: null, superseded: [] };
    const sets = await ownReplicaSets(calls, target.namespace, deployment);
    const numbered = sets.map((set) => ({ set, number: Number(set.metadata.annotations[marks.revision] ?? 0) }));
    const current = numbered.find(({ number }) => number === revision)?.set;
    const previous = numbered.filter(({ number }) => number < revision).toSorted((a, b) => b.number - a.number)[0]?.set;
    const changed = whatChanged(previous, current, marks);
    if (changed === 'restart' || current === undefined) return { kind: 'observed', report: null, superseded: [] };

    const versions = versionsOf(spec.template, target.container);
    const now = target.cluster.clock.now();
    const { kind } = progressOf(deployment);
    const state = kind === 'succeeded' || kind === 'failed' ? kind : 'started';
    const progressing = status.conditions.find(({ type }) => type === 'Progressing');
    const at = instantOf(progressing?.lastUpdateTime) ?? now;
    const isNew = current.metadata.annotations[`${marks.revision}-history`] === undefined;
    const createdAt = isNew ? instantOf(current.metadata.creationTimestamp) : undefined;
    return {
      kind: 'observed',
      report: {
        source: 'kubernetes',
        key: keyOf(metadata.uid, revision),
        at,
        subject: { kubernetesWorkload: `${target.namespace}/Deployment/${target.name}` },
        status: state,
        // Later, the condition is also about pods that are moved to other nodes.
        ...(state === 'succeeded' && { final: true }),
        version: versionOf(nameOf(versions)),
        artifact: artifactOf(`kubernetes ${target.namespace}/Deployment/${target.name}`, digestIn(versions)),
        ...(changed === 'configuration' && { kind: 'config' as const }),
        started_at: createdAt !== undefined && createdAt < at ? createdAt : at,
        images: spec.template.spec.containers.flatMap(({ image }) => image ?? []).slice(0, 100),
      },
      superseded: Array.from({ length: SUPERSEDED_MAX }, (_, index) => revision - 1 - index)
        .filter((number) => number > 0)
        .map((number) => keyOf(metadata.uid, number)),
    };
  });
}

const keyOf = (uid: string, revision: number): string => `${uid} ${revision}`;

const instantOf = (text: string | null | undefined): Timestamp | undefined => InstantIn.safeParse(text).data;

/** Compares a ReplicaSet with the one of the revision before. Without one, its version counts as new. */
function whatChanged(
  previous: ReplicaSet | undefined,
  current: ReplicaSet | undefined,
  marks: Marks,
): 'version' | 'configuration' | 'restart' {
  if (previous === undefined || current === undefined) return 'version';
  const [previousTemplate, currentTemplate] = [previous, current].map((set) => withoutRestart(templateOf(set, marks)));
  if (isDeepStrictEqual(previousTemplate, currentTemplate)) return 'restart';
  const images = [previous, current].map(({ spec }) =>
    versionsOf(spec.template, undefined).concat(imagesOf(spec.template)),
  );
  return isDeepStrictEqual(images[0], images[1]) ? 'configuration' : 'version';
}

const imagesOf = ({ spec }: PodTemplate): string[] => spec.containers.map(({ image }) => image ?? '');

function withoutRestart({ metadata, ...template }: PodTemplate): unknown {
  const { [RESTARTED_AT]: _restart, ...annotations } = metadata.annotations ?? {};
  return { ...template, metadata: { ...metadata, annotations } };
}
