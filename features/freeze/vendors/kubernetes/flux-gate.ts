import * as z from 'zod';
import { Timestamp } from '../../../../schemas/time/time.ts';
import type { Calls } from '../../../../vendors/kubernetes/attempt.ts';
import { Metadata } from '../../../../vendors/kubernetes/objects.ts';
import { refuse } from '../../../../vendors/shared/refusals.ts';
import type { FluxObject } from '../../schemas/freeze-gates.ts';
import { parseJson } from '../../../../schemas/parsing/json.ts';

/** The annotation that records that Firebreak has suspended the object, because of which freeze, and when. */
const MARK = 'firebreak.dev/frozen-by';
const Mark = z.object({ freeze: z.string(), at: Timestamp });
export type Mark = z.infer<typeof Mark>;

/** @see https://fluxcd.io/flux/components/kustomize/kustomizations/#suspend */
const Suspendable = z.object({ metadata: Metadata, spec: z.object({ suspend: z.boolean().default(false) }) });

const RESOURCES = {
  Kustomization: 'kustomize.toolkit.fluxcd.io/v1',
  HelmRelease: 'helm.toolkit.fluxcd.io/v2',
} as const;

export const fluxName = ({ kind, namespace, name }: FluxObject): string => `${kind} ${namespace}/${name}`;

const pathOf = ({ kind, namespace, name }: FluxObject): string =>
  `/apis/${RESOURCES[kind]}/namespaces/${namespace}/${kind.toLowerCase()}s/${name}`;

/**
 * State of an object of Flux. `foreign`: others have suspended it. `closed_again`: others had resumed it in spite of the
 * mark.
 */
export type FluxGate = 'open' | 'closed' | 'foreign' | 'closed_again';

/**
 * Suspends an object and marks it, or resumes it if it has a mark: a suspension by others has none, and stays. An object
 * that was removed is open.
 *
 * @param mark null: resume
 * @throws Ended if the cluster refuses the change, or the object has changed since it was read
 */
export async function setSuspended(calls: Calls, object: FluxObject, mark: Mark | null): Promise<FluxGate> {
  const path = pathOf(object);
  const found = mark === null ? await calls.find(path, Suspendable) : await calls.get(path, Suspendable);
  if (found === undefined) return 'open';
  const { metadata, spec } = found;
  const text = metadata.annotations[MARK];
  const isOurs = Mark.safeParse(parseJson(text ?? '')).success;
  if (mark !== null && spec.suspend) return isOurs ? 'closed' : 'foreign';
  if (mark === null && text === undefined) return spec.suspend ? 'foreign' : 'open';
  // Without a readable mark, only people know whether it may run, so spec.suspend stays as it is.
  const suspend = mark === null ? spec.suspend && !isOurs : true;
  const changed = await calls.patch(
    path,
    'merge',
    {
      // Fails if someone else has changed the object since it was read.
      metadata: {
        resourceVersion: metadata.resourceVersion,
        annotations: { [MARK]: mark && JSON.stringify(mark) },
      },
      spec: { suspend: suspend ? true : null },
    },
    Suspendable,
  );
  if (changed.spec.suspend !== suspend) throw refuse(`the cluster did not store spec.suspend of ${path}`);
  if (mark === null) return suspend ? 'foreign' : 'open';
  return isOurs ? 'closed_again' : 'closed';
}
