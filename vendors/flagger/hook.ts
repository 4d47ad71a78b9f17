import * as z from 'zod';
import { EnvironmentName, ServiceName } from '../../schemas/config/names.ts';
import { cutText } from '../../schemas/parsing/text.ts';

/** Longer values are cut: the message of an event is as long as the error that it reports. */
const METADATA_MAX_CHARS = 2048;

/** The payload of every Flagger hook. Flagger before 1.34 sends no checksum. */
export const Hook = z
  .object({
    // Flagger's own workload has this name with `-primary`, which Kubernetes limits to 253 characters.
    name: z.string().min(1).max(245),
    namespace: z.string().min(1).max(253),
    phase: z.string().max(64).default(''),
    checksum: z.string().max(64).default(''),
    metadata: z
      .object({
        service: ServiceName.optional(),
        environment: EnvironmentName.optional(),
        env: EnvironmentName.optional(),
      })
      .catchall(cutText(METADATA_MAX_CHARS))
      .nullish()
      .transform((metadata) => metadata ?? {}),
  })
  .meta({ id: 'FlaggerHook' });
export type Hook = z.infer<typeof Hook>;

export const canaryName = ({ namespace, name }: Hook): string => `${namespace}/${name}`;

/** Returns the service and environment in the webhook's metadata. */
export const serviceEnvironmentInMetadata = ({ metadata: { service, environment, env } }: Hook) => ({
  service,
  environment: environment ?? env,
});
