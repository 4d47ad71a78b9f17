import { z } from '@hono/zod-openapi';
import type { Scope } from '../../domain/access/access.ts';
import { placesOf } from '../../domain/freeze/gate.ts';
import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Deps } from '../../domain/ports/deps.ts';
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

export const query = z.object({
  key: z.string().max(256).optional().openapi({ description: 'A token that allows only flagger:gate' }),
});

export const canaryOf = ({ namespace, name }: Hook): string => `${namespace}/${name}`;

export type May = (scope: Scope) => boolean;

/** Returns the service and environment in the webhook's metadata. */
export const toldPlace = ({ metadata: { service, environment, env } }: Hook) => ({
  service,
  environment: environment ?? env,
});

/**
 * Returns the services and environments of a canary that the caller may access. The webhook's metadata can select one.
 */
export async function placesOfHook(
  { config }: Pick<Deps, 'config'>,
  hook: Hook,
  may: May,
): Promise<ServiceEnvironment[]> {
  const { services } = await config.current();
  const { service, environment } = toldPlace(hook);
  return placesOf(services, canaryOf(hook)).filter(
    (place) =>
      may(place) &&
      (service === undefined || service === place.service) &&
      (environment === undefined || environment === place.environment),
  );
}
