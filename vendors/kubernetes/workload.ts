import { outgoing } from '../../core/domain/redaction/outgoing.ts';
import type { z } from 'zod';
import type { RollbackCall } from '../../core/domain/rollback/targets.ts';
import { truncate } from '../shared/text.ts';
import { type Ending, refuse } from '../shared/refusals.ts';
import { attempt, type Calls, type ClusterOptions } from './attempt.ts';
import { CHANGE_CAUSE_MAX_CHARS } from './limits.ts';
import { CHANGE_CAUSE, managerWarning, ROLLBACK_KEY } from './annotations.ts';
import type { PodTemplate, Workload } from './objects.ts';

/** The object that a deployer changes. */
export type WorkloadTarget<T extends Workload> = {
  cluster: ClusterOptions;
  /** The kind, as in scale target references. */
  kind: 'Deployment' | 'Rollout';
  namespace: string;
  name: string;
  /** The API path, without the server. */
  path: string;
  schema: z.ZodType<T>;
  /** The container whose image tag is the version; undefined for the first one. */
  container: string | undefined;
};

/** The format of object names (RFC 1123). */
export const OBJECT_NAME = /^[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?$/;

/** Runs one attempt on the object. Refuses an invalid name, because it could address another path. */
export async function attemptOn<T extends Workload, A>(
  target: WorkloadTarget<T>,
  work: (calls: Calls, workload: T) => Promise<A>,
  timeoutMs?: number,
): Promise<A | Ending> {
  const onWorkload = async (calls: Calls): Promise<A> => {
    refuseInvalidName(target);
    return work(calls, await calls.get(target.path, target.schema));
  };
  return attempt(target.cluster, onWorkload, timeoutMs);
}

/** Refuses an invalid object name. @throws Ended which `attempt` converts to an `Ending` */
export function refuseInvalidName({ kind, name }: { kind: string; name: string }): void {
  if (!OBJECT_NAME.test(name))
    throw refuse(`${JSON.stringify(name)} is not a valid name of a ${kind}; set its name in the deployer`);
}

/** Refuses an object that a GitOps controller would change back. @throws Ended which `attempt` converts to an `Ending` */
export function refuseManaged({ kind, namespace, name }: WorkloadTarget<Workload>, { metadata }: Workload): void {
  const warning = managerWarning(metadata);
  if (warning !== undefined) throw refuse(`${kind} ${namespace}/${name} would be changed back: ${warning}`);
}

/**
 * Returns a patch that replaces the whole pod template. An older `resourceVersion` is a conflict, so nothing is
 * overwritten that changed after the read. A merge would keep fields that only the newer template has.
 */
export const templatePatch = (
  { metadata }: Workload,
  template: PodTemplate,
  { incident, reason, key }: RollbackCall,
) => [
  { op: 'replace', path: '/metadata/resourceVersion', value: metadata.resourceVersion },
  {
    op: 'add',
    path: '/metadata/annotations',
    value: {
      ...metadata.annotations,
      [ROLLBACK_KEY]: key,
      [CHANGE_CAUSE]: truncate(outgoing(`Firebreak ${incident}: ${reason}`), CHANGE_CAUSE_MAX_CHARS),
    },
  },
  { op: 'replace', path: '/spec/template', value: template },
];

/**
 * Returns a merge patch that fails if the object changed after the read. The annotation shows that the action was done.
 */
export const patchWithKey = ({ metadata }: Workload, annotation: string, key: string, spec: object) => ({
  metadata: { resourceVersion: metadata.resourceVersion, annotations: { [annotation]: key } },
  spec,
});

/**
 * Formats a time in whole seconds, as Kubernetes does, because Argo Rollouts compares the given time with the one that
 * it has written.
 */
export const wholeSeconds = (timestamp: string): string => timestamp.replace(/\.\d+Z$/, 'Z');
