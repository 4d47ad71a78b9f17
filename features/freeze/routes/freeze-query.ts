import * as z from 'zod';
import type { Context } from 'hono';
import type { Deps } from '../ports.ts';
import type { Env } from '../../../entrances/http/context.ts';
import { CheckRequest, WrittenChange } from '../schemas/freeze-check.ts';
import { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import { Refusal } from '../../../core/domain/refusal.ts';
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

const IDENTITY_HEADER = 'x-identity-token';

/**
 * Describes the header with the caller's identity. Policy requires an identity for some kinds of change. No schema reads
 * it: that would take all headers of each check.
 */
export const identityParameter = {
  parameters: [
    {
      name: IDENTITY_HEADER,
      in: 'header' as const,
      description: 'OpenID Connect token of the CI system, for kinds of change that policy exempts from freezes',
      schema: { type: 'string' as const },
    },
  ],
};

/** Returns that header. */
export const identityTokenOf = ({ req }: Context<Env>): string | null => req.header(IDENTITY_HEADER) || null;

/** The body of a check that is posted. Members that are absent are in the query string. */
const CheckBody = CheckRequest.omit({ look: true })
  .extend({
    change: checkQuery.shape.change.nullish(),
    /** OpenID Connect token of the CI system. Proves the caller's identity for changes that policy exempts. */
    identity_token: z
      .string()
      .max(16_384)
      .nullish()
      .transform((token) => token || null),
  })
  .partial();

/** What describes the change of a check that is posted. */
export const postedRequest = {
  query: checkQuery.partial({ service: true, environment: true }),
  body: { required: false, content: { 'application/json': { schema: CheckBody } } },
} as const;

/**
 * Returns what the query string and the body say together; the query string comes first.
 *
 * @throws Refusal 422 without a service or an environment
 */
export function postedCheck(
  query: z.infer<typeof postedRequest.query>,
  { identity_token: token, ...body }: z.infer<typeof CheckBody>,
  headerToken: string | null,
): { query: z.infer<typeof checkQuery>; identityToken: string | null } {
  const service = query.service ?? body.service;
  const environment = query.environment ?? body.environment;
  if (service === undefined || environment === undefined)
    throw new Refusal(
      422,
      'invalid',
      'service and environment are required, in the query string or in a body with Content-Type: application/json',
    );
  return {
    query: {
      service,
      environment,
      version: query.version ?? body.version ?? undefined,
      commit: query.commit ?? body.commit ?? undefined,
      deployment_id: query.deployment_id ?? body.deployment_id ?? undefined,
      change: query.change ?? body.change ?? undefined,
      look: query.look,
    },
    identityToken: headerToken ?? token ?? null,
  };
}

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
