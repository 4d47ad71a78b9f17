import * as z from 'zod';
import type { Deps } from '../ports.ts';
import { CheckRequest, WrittenChange } from '../schemas/freeze-check.ts';
import { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import { knownScope } from '../actions/known-scope.ts';
import { detectRollback } from '../actions/rollbacks.ts';

/** An optional text. CD systems send an empty text for a missing value. */
const optionalText = z
  .string()
  .max(256)
  .optional()
  .transform((text) => text || undefined);

/** The query parameters of a freeze check. */
export const checkQuery = z.object({
  service: ServiceName,
  environment: EnvironmentName,
  version: optionalText,
  commit: optionalText,
  deployment_id: optionalText,
  change: WrittenChange.transform((change) => change ?? undefined).meta({
    description:
      'deploy, hotfix, rollback, security, or flag. Defaults to rollback if the version ran earlier and is known good, ' +
      'otherwise to deploy',
  }),
  look: z.literal('true').optional().meta({
    description: 'true: no deployment depends on the answer, so that a refusal is not listed as a refused deployment',
  }),
});

/** The header with the caller's identity. Policy requires an identity for some kinds of change. */
export const identityHeader = z.object({
  'x-identity-token': z.string().max(16_384).optional().meta({
    description: 'OpenID Connect token of the CI system, for kinds of change that policy exempts from freezes',
  }),
});

/** Returns the request as the caller sent it. `isKindUnstated`: it does not say the kind of change. */
export const questionOf = (query: z.infer<typeof checkQuery>): { request: CheckRequest; isKindUnstated: boolean } => ({
  request: CheckRequest.parse({ ...query, look: query.look === 'true' || undefined }),
  isKindUnstated: query.change === undefined,
});

/**
 * Returns the request with a kind of change. If the caller did not give it, the recorded deployments decide whether it
 * is a rollback.
 */
export async function checkRequestOf(
  deps: Pick<Deps, 'changes' | 'incidents' | 'decisions' | 'config' | 'clock'>,
  query: z.infer<typeof checkQuery>,
): Promise<CheckRequest> {
  const { request, isKindUnstated } = questionOf(query);
  if (!isKindUnstated) return request;
  const { service, environment, requested } = await knownScope(deps, await deps.config.current(), request);
  const { change } = await detectRollback(deps, { ...request, service, environment }, requested);
  return { ...request, change };
}
