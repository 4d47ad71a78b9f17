import * as z from 'zod';
import type { RollbackCall } from '../../core/domain/rollback/targets.ts';
import { refuse } from '../shared/refusals.ts';
import { type Calls } from './attempt.ts';
import { NAMED_VERSIONS } from './limits.ts';
import { type PodTemplate, type ReplicaSet, ReplicaSets, selectorText, type Workload } from './objects.ts';
import { severalCommits, showDifferentCommits, showsCommit, shownCommits } from '../shared/shown-commits.ts';
import { fromVersion, toVersion } from '../shared/versions.ts';
import { isVersion, nameOf, versionsOf } from './versions.ts';
import { parseJson } from '../../schemas/parsing/json.ts';

/** The annotation and the label by which a controller marks its ReplicaSets. */
export type Marks = {
  /** The annotation with the revision number. It increases, also when an old template is used again. */
  revision: string;
  /** The label with the hash of the pod template, which the controller adds. */
  hash: string;
};

/** Returns the ReplicaSets that belong to this workload. */
export async function ownReplicaSets(calls: Calls, namespace: string, workload: Workload): Promise<ReplicaSet[]> {
  const query = new URLSearchParams({ labelSelector: selectorText(workload.spec.selector ?? {}) });
  const path = `/apis/apps/v1/namespaces/${namespace}/replicasets?${query.toString()}`;
  const { items } = await calls.get(path, ReplicaSets);
  const isOwn = ({ metadata }: ReplicaSet) =>
    metadata.ownerReferences.some(({ uid, controller }) => uid === workload.metadata.uid && controller === true);
  return items.filter(isOwn);
}

/**
 * Returns the newest ReplicaSet of the target version. Excludes ReplicaSets that also match `from`, because a name that
 * both versions share doesn't distinguish them.
 * @throws Ended if no ReplicaSet of the target version is kept
 */
export function revisionOf(
  sets: readonly ReplicaSet[],
  request: RollbackCall,
  { marks, container }: { marks: Marks; container: string | undefined },
): ReplicaSet {
  const byRevision = sets.toSorted((a, b) => numberOf(b, marks) - numberOf(a, marks));
  const textsOf = ({ spec }: ReplicaSet): string[] => versionsOf(spec.template, container);
  const alike = byRevision.filter(
    (set) => isVersion(textsOf(set), toVersion(request)) && !isVersion(textsOf(set), fromVersion(request)),
  );
  const ofCommit = alike.find((set) => textsOf(set).some((text) => showsCommit(text, request.toCommit)));
  if (ofCommit) return ofCommit;
  if (showDifferentCommits(alike.map((set) => shownCommits(textsOf(set), [request.from, request.to]))))
    throw refuse(severalCommits(request.to));
  const [found] = alike;
  if (found) return found;
  const versions = [...new Set(byRevision.map(({ spec }) => nameOf(versionsOf(spec.template, container))))];
  throw refuse(
    `no ReplicaSet of ${request.to} exists any more, so a rollback is not possible; ` +
      `existing versions: ${versions.slice(0, NAMED_VERSIONS).join(', ') || 'none'} (see spec.revisionHistoryLimit)`,
  );
}

const numberOf = ({ metadata }: ReplicaSet, { revision }: Marks): number => Number(metadata.annotations[revision] ?? 0);

/** Returns the pod template without the labels and annotations that the controller added. */
export function templateOf({ metadata, spec: { template } }: ReplicaSet, { hash }: Marks): PodTemplate {
  const { labels, annotations } = injectedBy(metadata.annotations[EPHEMERAL]);
  const { labels: ownLabels, annotations: ownAnnotations, ...rest } = template.metadata;
  return {
    ...template,
    metadata: {
      ...rest,
      ...(ownLabels && { labels: without(ownLabels, [hash, ...labels]) }),
      ...(ownAnnotations && { annotations: without(ownAnnotations, annotations) }),
    },
  };
}

/**
 * The annotation in which Argo Rollouts lists, as JSON, the temporary metadata that it adds to canary or stable pods.
 * @see https://argo-rollouts.readthedocs.io/en/stable/features/ephemeral-metadata/
 */
const EPHEMERAL = 'rollout.argoproj.io/ephemeral-metadata';

const Injected = z.object({
  labels: z.record(z.string(), z.string()).nullish(),
  annotations: z.record(z.string(), z.string()).nullish(),
});

function injectedBy(text: string | undefined): { labels: string[]; annotations: string[] } {
  const { data } = Injected.safeParse(parseJson(text ?? '{}'));
  return { labels: Object.keys(data?.labels ?? {}), annotations: Object.keys(data?.annotations ?? {}) };
}

const without = (texts: Record<string, string>, keys: readonly string[]): Record<string, string> =>
  Object.fromEntries(Object.entries(texts).filter(([key]) => !keys.includes(key)));
