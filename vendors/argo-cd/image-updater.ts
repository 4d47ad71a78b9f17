import type { ServiceEnvironment } from '../../core/domain/ports/common.ts';
import type { HeldImages, HoldRequest, ImageAutomation } from '../../core/domain/rollback/targets.ts';
import { refuse, vendorResponse } from '../shared/refusals.ts';
import { changesToIgnore, tagsOf, updatedImages } from './ignored-tags.ts';
import { type ArgoOptions, attempt, type Calls } from './rest.ts';

/** Returns the port to Argo CD Image Updater, which reads its settings from annotations of the application. */
export const imageUpdater = (argo: ArgoOptions, { service, environment }: ServiceEnvironment): ImageAutomation => ({
  name: 'Argo CD Image Updater',
  async hold(request) {
    const response = await attempt(argo, (calls) => hold(calls, `${service}/${environment}`, request));
    return response.kind === 'done' ? response : vendorResponse(response);
  },
});

async function hold(calls: Calls, holder: string, { versions, images: named }: HoldRequest): Promise<Done> {
  const application = await calls.application();
  const annotations = application.metadata.annotations ?? {};
  const images = updatedImages(annotations, named);
  const held = images.length === 0 ? [] : versions.filter((version) => tagsOf(version).length > 0);
  const changes = changesToIgnore(annotations, holder, images, held.flatMap(tagsOf));
  const changed = Object.keys(changes).length > 0;
  if (changed) {
    const after = (await calls.patch({ annotations: changes })).metadata.annotations ?? {};
    const lost = Object.entries(changes).find(([key, value]) => (after[key] ?? null) !== value);
    if (lost) throw refuse(`Argo CD did not store the annotation ${lost[0]} of ${application.metadata.name}`);
  }
  return { kind: 'done', value: { images: images.map(({ image }) => image), held, changed } };
}

type Done = { kind: 'done'; value: HeldImages };
