import * as z from 'zod';
import { HttpUrl, KubernetesName, Bearer } from '../config/endpoint.ts';

/**
 * Image automation that is suspended while a version of the service is pinned. Argo CD Image Updater needs no entry:
 * its settings are at the application.
 */
export const ImageAutomationConfig = z.strictObject({
  /** An ImageUpdateAutomation of Flux. */
  kind: z.literal('flux'),
  /** URL of the cluster's API server. Absent: `KUBERNETES_URL`. */
  url: HttpUrl.optional(),
  /** Absent: the token in `KUBERNETES_TOKEN`. */
  auth: Bearer.optional(),
  /** The version of Flux's API. `v1` exists since Flux 2.7. */
  apiVersion: z.enum(['v1', 'v1beta2']).default('v1'),
  namespace: KubernetesName.default('flux-system'),
  /** The name of the ImageUpdateAutomation. */
  name: KubernetesName,
});
export type ImageAutomationConfig = z.infer<typeof ImageAutomationConfig>;
