import { hash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { documents } from '../core/exchanges.ts';
import { type KubernetesObject, timeText } from './objects.ts';

/**
 * Settings of the cluster. Settings that are not given keep their defaults. Durations are divided by the time scale.
 */
export const ClusterSettings = z.strictObject({
  /** Milliseconds until a controller observes a change. */
  observe_ms: z.number().min(0).max(3_600_000).default(100),
  /** Milliseconds until new pods are available. For a Rollout, also the duration of each step that sets a weight. */
  rollout_ms: z.number().min(0).max(3_600_000).default(2000),
  /** `failed`: new pods do not become available, so the progress deadline is exceeded. */
  outcome: z.enum(['succeeded', 'failed']).default('succeeded'),
  /** What becomes of new pods with an image, by the tag of the image. Absent: they become ready. */
  pods: z.record(z.string(), z.enum(['crashes', 'never-ready', 'unschedulable', 'unpullable', 'evicted'])).default({}),
  /** How gateways treat changed routes. */
  gateway: z.enum(['accepts', 'rejects', 'misses-backend']).default('accepts'),
  /** What the caller's role does not allow, such as `patch httproutes.gateway.networking.k8s.io`. */
  denied: z.array(z.string()).default([]),
});
export type ClusterSettings = z.infer<typeof ClusterSettings>;

/** A controller's internal state for an object. Times are in milliseconds since the Unix epoch. */
export type ControllerState = {
  /** Time of the last external change; null if the controller has observed all changes. */
  changedAt: number | null;
  /** Start of the current phase. */
  since: number;
  /** End of the current phase; null if there is none. */
  until: number | null;
};

export type Item<T extends KubernetesObject = KubernetesObject> = { object: T; work: ControllerState };

/** All objects in the cluster, in memory. Changes are stored only by `save`. */
export type ClusterObjects = {
  settings: ClusterSettings;
  find<T extends KubernetesObject>(kind: string, namespace: string, name: string): Item<T> | undefined;
  /** Returns objects, oldest first. */
  list<T extends KubernetesObject>(kind: string, namespace?: string): Item<T>[];
  /** @param now milliseconds since the Unix epoch */
  create<T extends KubernetesObject>(object: NewObject<T>, now: number): Item<T>;
  /** Replaces the item's object with `next`. Returns whether they differ; only then does the version change. */
  replace<T extends KubernetesObject>(item: Item<T>, nextVersion: T): boolean;
  remove(item: Item): void;
  /** Returns the version of the newest change. */
  version(): string;
  /** Stores all changes. Call it once. */
  save(): void;
};

export type NewObject<T extends KubernetesObject> = Omit<T, 'metadata'> & {
  metadata: Pick<T['metadata'], 'name' | 'namespace'> & Partial<T['metadata']>;
};

/** The objects and the version of the newest change, in one document. */
type Stored = { version: number; items: Item[] };

const storedIn = (db: DatabaseSync) => documents<Stored>(db, 'kubernetes cluster');
const settingsIn = (db: DatabaseSync) => documents<ClusterSettings>(db, 'kubernetes settings');

/** Returns an ID with the form of a UUID, the same for the same text, so that no test depends on chance. */
const uidOf = (text: string): string =>
  hash('sha256', text).replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-4$3-8$4-$5');

export function openClusterObjects(db: DatabaseSync): ClusterObjects {
  const state = storedIn(db).get() ?? { version: 1000, items: [] };
  const before = JSON.stringify(state.items);
  const { items } = state;
  let version = state.version;
  const nextVersion = (): string => String((version += 1));

  return {
    settings: settingsIn(db).get() ?? ClusterSettings.parse({}),
    find: <T extends KubernetesObject>(kind: string, namespace: string, name: string) =>
      items.find(
        ({ object: { kind: itemKind, metadata } }) =>
          itemKind === kind && metadata.namespace === namespace && metadata.name === name,
      ) as Item<T> | undefined,
    list: <T extends KubernetesObject>(kind: string, namespace?: string) =>
      items.filter(
        ({ object }) => object.kind === kind && (namespace ?? object.metadata.namespace) === object.metadata.namespace,
      ) as Item<T>[],
    create<T extends KubernetesObject>(object: NewObject<T>, now: number) {
      const metadata = {
        ...object.metadata,
        uid: uidOf(`${now} ${version}`),
        resourceVersion: nextVersion(),
        generation: 1,
        creationTimestamp: timeText(now),
      };
      const item = { object: { ...object, metadata } as T, work: { changedAt: now, since: now, until: null } };
      items.push(item);
      return item;
    },
    replace(item, object) {
      if (isDeepStrictEqual(throughJson(item.object), throughJson(object))) return false;
      item.object = { ...object, metadata: { ...object.metadata, resourceVersion: nextVersion() } };
      return true;
    },
    remove: (item) => {
      nextVersion();
      items.splice(items.indexOf(item), 1);
    },
    version: () => String(version),
    save() {
      if (JSON.stringify(items) !== before) storedIn(db).put({ version, items });
    },
  };
}

/** Normalizes a value through JSON, so that values with equal JSON count as unchanged. */
export const throughJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

export const setClusterSettings = (db: DatabaseSync, settings: ClusterSettings): ClusterSettings =>
  settingsIn(db).put(settings);
