import type { z } from 'zod';
import type { RollbackRequest } from '../../domain/targets.ts';
import { truncate } from '../text.ts';
import { type Ending, refuse } from '../ended.ts';
import { attempt, type Calls, type ClusterOptions } from './attempt.ts';
import { CHANGE_CAUSE_MAX_CHARS } from './limits.ts';
import { CHANGE_CAUSE, keeperOf, ROLLBACK_KEY } from './marks.ts';
import type { PodTemplate, Workload } from './objects.ts';

/** The one object of a cluster that a deployer changes. */
export type Place<T extends Workload> = {
  cluster: ClusterOptions;
  /** As scale targets name it. */
  kind: 'Deployment' | 'Rollout';
  namespace: string;
  name: string;
  /** Of the API, without the server. */
  path: string;
  schema: z.ZodType<T>;
  /** Whose image tag is the version. Undefined: of the first. */
  container: string | undefined;
};

/** RFC 1123, as object names are. */
const NAME = /^[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?$/;

/** One attempt on the object. A name that no object can have is not asked for: it could be another path. */
export async function attemptOn<T extends Workload, A>(
  place: Place<T>,
  work: (calls: Calls, found: T) => Promise<A>,
): Promise<A | Ending> {
  return attempt(place.cluster, async (calls) => {
    refuseNoName(place);
    return work(calls, await calls.get(place.path, place.schema));
  });
}

/** @throws Ended for what no object can be called */
export function refuseNoName({ kind, name }: { kind: string; name: string }): void {
  if (!NAME.test(name)) throw refuse(`${JSON.stringify(name)} is no name of a ${kind}; name it in the deployer`);
}

/** @throws Ended where what is done here would not last */
export function refuseKept({ kind, namespace, name }: Place<Workload>, { metadata }: Workload): void {
  const keeper = keeperOf(metadata);
  if (keeper !== undefined) throw refuse(`${kind} ${namespace}/${name} would be put back: ${keeper}`);
}

/**
 * Replaces the whole pod template, where nothing has changed since it was read: an older `resourceVersion` is a conflict.
 * A merge would leave what only the newer template has.
 */
export const backTo = ({ metadata }: Workload, template: PodTemplate, { incident, reason, key }: RollbackRequest) => [
  { op: 'replace', path: '/metadata/resourceVersion', value: metadata.resourceVersion },
  {
    op: 'add',
    path: '/metadata/annotations',
    value: {
      ...metadata.annotations,
      [ROLLBACK_KEY]: key,
      [CHANGE_CAUSE]: truncate(`Firebreak ${incident}: ${reason}`, CHANGE_CAUSE_MAX_CHARS),
    },
  },
  { op: 'replace', path: '/spec/template', value: template },
];

/** Merged where nothing has changed since it was read; the mark says that it was done. */
export const marked = ({ metadata }: Workload, mark: string, key: string, spec: object) => ({
  metadata: { resourceVersion: metadata.resourceVersion, annotations: { [mark]: key } },
  spec,
});

/** As Kubernetes writes times, in whole seconds: Argo Rollouts compares what it was given with what it wrote. */
export const wholeSeconds = (timestamp: string): string => timestamp.replace(/\.\d+Z$/, 'Z');
