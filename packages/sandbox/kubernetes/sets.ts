import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Deployment, PodTemplate, ReplicaSet, Rollout, Texts } from './objects.ts';
import type { Item, ClusterObjects } from './cluster-state.ts';

/** The label and annotations with which a kind of controller marks its ReplicaSets. */
export type Marks = { hash: string; revision: string; history: string };

/** Annotations of the owner that are not copied to its ReplicaSets. */
const NOT_COPIED = ['kubectl.kubernetes.io/last-applied-configuration', 'deprecated.deployment.rollback.to'];

type Owner = Deployment | Rollout;

/** Returns the ReplicaSets of an owner, oldest first. */
export const replicaSetsOf = (objects: ClusterObjects, { metadata }: Owner): Item<ReplicaSet>[] =>
  objects
    .list<ReplicaSet>('ReplicaSet', metadata.namespace)
    .filter(({ object }) => object.metadata.ownerReferences?.some(({ uid }) => uid === metadata.uid));

/**
 * Returns the ReplicaSet for the owner's pod template: a new one, or the existing one for this template, which becomes
 * the newest revision. The owner's annotation states its revision.
 */
export function ensureReplicaSet<T extends Owner>(
  objects: ClusterObjects,
  owner: Item<T>,
  marks: Marks,
  now: number,
): Item<ReplicaSet> {
  const sets = replicaSetsOf(objects, owner.object);
  const template = withoutHash(owner.object.spec.template, marks);
  const found = sets.find(({ object }) => isDeepStrictEqual(withoutHash(object.spec.template, marks), template));
  const set = found ?? create(objects, owner.object, marks, now);
  const others = sets.filter((other) => other !== set).map(({ object }) => revisionOf(object, marks));
  const revision = String(Math.max(0, ...others) + 1);
  const before = set.object.metadata.annotations?.[marks.revision];
  const isNewest = before !== undefined && Number(before) >= Number(revision);
  const copied = without(owner.object.metadata.annotations, [...NOT_COPIED, marks.revision, marks.history]);
  const history = set.object.metadata.annotations?.[marks.history];
  const { metadata } = set.object;
  objects.replace(set, {
    ...set.object,
    metadata: {
      ...metadata,
      annotations: {
        ...metadata.annotations,
        ...copied,
        [marks.revision]: isNewest ? before : revision,
        ...(before !== undefined && !isNewest && { [marks.history]: history ? `${history},${before}` : before }),
      },
    },
  });
  const annotations = {
    ...owner.object.metadata.annotations,
    [marks.revision]: set.object.metadata.annotations?.[marks.revision] ?? revision,
  };
  objects.replace(owner, { ...owner.object, metadata: { ...owner.object.metadata, annotations } });
  return set;
}

function create(objects: ClusterObjects, { apiVersion, kind, metadata, spec }: Owner, marks: Marks, now: number) {
  const hash = hashOf(spec.template);
  const labels = { ...spec.template.metadata?.labels, [marks.hash]: hash };
  return objects.create<ReplicaSet>(
    {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: {
        name: `${metadata.name}-${hash}`,
        namespace: metadata.namespace,
        labels,
        ownerReferences: [{ apiVersion, kind, name: metadata.name, uid: metadata.uid, controller: true }],
      },
      spec: {
        replicas: 0,
        selector: { matchLabels: { ...spec.selector.matchLabels, [marks.hash]: hash } },
        template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
      },
      status: { replicas: 0 },
    },
    now,
  );
}

/** Letters and digits that can't form words. */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

const hashOf = (template: PodTemplate): string =>
  [...createHash('sha256').update(JSON.stringify(template)).digest().subarray(0, 10)]
    .map((byte) => ALPHABET[byte % ALPHABET.length])
    .join('');

/** Returns a pod template without the controller's hash label. Empty labels and annotations are omitted. */
function withoutHash({ metadata = {}, ...template }: PodTemplate, { hash }: Marks): unknown {
  const labels = without(metadata.labels, [hash]);
  return { ...template, metadata: { ...metadata, labels, annotations: metadata.annotations ?? {} } };
}

const without = (texts: Texts | undefined, keys: readonly string[]): Texts =>
  Object.fromEntries(Object.entries(texts ?? {}).filter(([key]) => !keys.includes(key)));

export const revisionOf = ({ metadata }: ReplicaSet, { revision }: Marks): number =>
  Number(metadata.annotations?.[revision] ?? 0);

/** @param available number of available pods; the others are not ready */
export function scaleReplicaSet(
  objects: ClusterObjects,
  set: Item<ReplicaSet>,
  replicas: number,
  available = replicas,
): void {
  objects.replace(set, {
    ...set.object,
    spec: { ...set.object.spec, replicas },
    status: { replicas, readyReplicas: available, availableReplicas: available },
  });
}

/** Removes old ReplicaSets without pods that exceed the owner's history limit. */
export function prune(objects: ClusterObjects, owner: Owner, keep: readonly Item<ReplicaSet>[]): void {
  const old = replicaSetsOf(objects, owner).filter((set) => !keep.includes(set));
  const excess = old.length - owner.spec.revisionHistoryLimit;
  const empty = old.filter(({ object }) => object.status.replicas === 0);
  for (const set of empty.slice(0, Math.max(0, excess))) objects.remove(set);
}

/** Returns the total replicas and available replicas of these ReplicaSets. */
export function totals(sets: readonly Item<ReplicaSet>[]): { replicas: number; available: number } {
  const total = (pick: (set: ReplicaSet) => number) => sets.reduce((sum, { object }) => sum + pick(object), 0);
  return {
    replicas: total(({ status }) => status.replicas),
    available: total(({ status }) => status.availableReplicas ?? 0),
  };
}
