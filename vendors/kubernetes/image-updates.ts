import * as z from 'zod';
import type { ServiceEnvironment } from '../../core/domain/ports/common.ts';
import type { HoldRequest, ImageAutomation } from '../../core/domain/rollback/targets.ts';
import type { ImageAutomationConfig } from '../../schemas/rollback/image-automation.ts';
import { refuse, vendorResponse } from '../shared/refusals.ts';
import { attempt, type Calls, type ClusterOptions } from './attempt.ts';
import { Metadata } from './objects.ts';
import { parseJson } from '../../schemas/parsing/json.ts';

/** The annotation that records who holds the automation, and whether people had suspended it before. */
const HOLD_ANNOTATION = 'firebreak.dev/image-hold';
const Hold = z.object({ suspended: z.boolean(), by: z.array(z.string()) });
type Hold = z.infer<typeof Hold>;

/** @see https://fluxcd.io/flux/components/image/imageupdateautomations/ */
const Automation = z.object({
  metadata: Metadata,
  spec: z.object({ suspend: z.boolean().default(false) }),
});

/**
 * Returns the port to an ImageUpdateAutomation of Flux. It has no list of tags to leave out, so it is suspended while
 * any version is held, which also stops its other updates. So it is resumed when a newer version runs.
 */
export function fluxImageUpdates(
  { apiVersion, namespace, name }: ImageAutomationConfig,
  cluster: ClusterOptions,
  { service, environment }: ServiceEnvironment,
): ImageAutomation {
  const path = `/apis/image.toolkit.fluxcd.io/${apiVersion}/namespaces/${namespace}/imageupdateautomations/${name}`;
  const images = [`all images of ImageUpdateAutomation ${namespace}/${name}`];
  return {
    name: 'Flux',
    async hold({ versions, outdated }) {
      const held = versions.filter((version) => !outdated.includes(version));
      const changed = await attempt(cluster, (calls) => hold(calls, path, `${service}/${environment}`, held));
      return typeof changed === 'boolean'
        ? { kind: 'done', value: { images, held, changed } }
        : vendorResponse(changed);
    },
  };
}

/** Returns whether something had to be changed. */
async function hold(calls: Calls, path: string, holder: string, versions: HoldRequest['versions']): Promise<boolean> {
  const { metadata, spec } = await calls.get(path, Automation);
  const text = metadata.annotations[HOLD_ANNOTATION];
  const before = holdIn(text);
  const others = (before?.by ?? []).filter((other) => other !== holder);
  const by = versions.length > 0 ? [...others, holder].toSorted() : others;
  const after: Hold | null = by.length > 0 ? { suspended: before?.suspended ?? spec.suspend, by } : null;
  if (after === null && text === undefined) return false;
  const record = after && JSON.stringify(after);
  const suspend = after !== null || before?.suspended === true;
  // Without a readable record, only people know whether it may run, so spec.suspend stays as it is.
  const leavesSuspend = after === null && before === undefined;
  if (record === text && spec.suspend === suspend) return false;
  const { resourceVersion } = metadata;
  const changed = await calls.patch(
    path,
    'merge',
    {
      // Fails if someone else has changed the object since it was read.
      metadata: { resourceVersion, annotations: { [HOLD_ANNOTATION]: record } },
      ...(!leavesSuspend && { spec: { suspend: suspend ? true : null } }),
    },
    Automation,
  );
  if (!leavesSuspend && changed.spec.suspend !== suspend)
    throw refuse(`the cluster did not store spec.suspend of ${path}`);
  return true;
}

function holdIn(text: string | undefined): Hold | undefined {
  const parsed = Hold.safeParse(parseJson(text ?? ''));
  return parsed.success ? parsed.data : undefined;
}
