import { z } from '@hono/zod-openapi';
import type { Deps } from '../../domain/ports.ts';
import { CheckedChange, CheckRequest } from '../../schemas/freeze-check.ts';
import { EnvironmentName, ServiceName } from '../../schemas/names.ts';
import { knownPlace } from '../freeze/known-place.ts';
import { asWhatItIs } from '../freeze/rollbacks.ts';

/** CD systems send an empty text for what they have no value for. */
const told = z
  .string()
  .max(256)
  .optional()
  .transform((text) => text || undefined);

/** What is asked about, in the address. */
export const askedQuery = z.object({
  service: ServiceName,
  environment: EnvironmentName,
  version: told,
  commit: told,
  deployment_id: told,
  change: z
    .union([CheckedChange, z.literal('')])
    .optional()
    .transform((change) => change || undefined)
    .openapi({
      description:
        'deploy, hotfix, rollback, security or flag; by default rollback where the version is known as earlier and good, ' +
        'else deploy',
    }),
});

/** Whoever vouches for kinds of change that are not taken on the caller's word. */
export const identityHeader = z.object({
  'x-identity-token': z.string().max(16_384).optional().openapi({
    description: 'OpenID Connect, of the CI system, for kinds of change that policy lets pass',
  }),
});

/** `untold`: nobody has said what kind of change it is. */
export const questionOf = (query: z.infer<typeof askedQuery>): { request: CheckRequest; untold: boolean } => ({
  request: CheckRequest.parse(query),
  untold: query.change === undefined,
});

/** Where it is not told what kind of change it is, what is deployed says whether it is a rollback. */
export async function askedOf(
  deps: Pick<Deps, 'changes' | 'incidents' | 'decisions' | 'config' | 'clock'>,
  query: z.infer<typeof askedQuery>,
): Promise<CheckRequest> {
  const { request, untold } = questionOf(query);
  if (!untold) return request;
  const { service, environment, asked } = await knownPlace(deps, await deps.config.current(), request);
  const { change } = await asWhatItIs(deps, { ...request, service, environment }, asked);
  return { ...request, change };
}
