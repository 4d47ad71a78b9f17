import * as z from 'zod';
import { EnvironmentName, ServiceName } from '../../schemas/config/names.ts';

/** The payload of every Flagger hook. Flagger before 1.34 sends no checksum. */
export const Hook = z
  .object({
    name: z.string().min(1).max(253),
    namespace: z.string().min(1).max(253),
    phase: z.string().max(64).default(''),
    checksum: z.string().max(64).default(''),
    metadata: z
      .object({
        service: ServiceName.optional(),
        environment: EnvironmentName.optional(),
        env: EnvironmentName.optional(),
      })
      .catchall(z.string())
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
