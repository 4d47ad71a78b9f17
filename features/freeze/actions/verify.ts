import * as z from 'zod';
import { canonicalJson } from '../../../core/stores/hash.ts';
import { CheckRequest, Verdict } from '../schemas/freeze-check.ts';
import { Timestamp } from '../../../schemas/time/time.ts';
import { brief } from '../decisions/words.ts';
import { check } from './check.ts';
import type { CheckDeps } from './inputs.ts';
import { knownScope } from './known-scope.ts';

const OptionalName = z.string().min(1).max(256).nullish();

/** A token and the deployment for which it is presented. Every given field must match the token. */
export const VerifyRequest = z.object({
  token: z.string().min(1).max(16_384),
  service: OptionalName,
  environment: OptionalName,
  version: OptionalName,
  commit: OptionalName,
  deployment_id: OptionalName,
});
export type VerifyRequest = z.infer<typeof VerifyRequest>;

const ServiceEnvironmentQuery = CheckRequest.pick({ service: true, environment: true });

const Claims = z.object({ typ: z.literal('freeze-check'), vouched_by: z.string().optional(), ...CheckRequest.shape });

/**
 * `deployment`: the deployment in the token, so that the caller can compare the other fields. Null if the token is
 * invalid.
 */
export const Verified = Verdict.extend({
  valid: z.boolean(),
  deployment: CheckRequest.nullable(),
  evaluated_at: Timestamp,
  decision_id: z.string().nullable(),
});
export type Verified = z.infer<typeof Verified>;

/**
 * Verifies a token for a deployment, and checks the freezes again: a freeze that started since then refuses the
 * deployment.
 *
 * @param allow throws if the caller may not access the service and environment
 */
export async function verify(
  deps: CheckDeps,
  { token, ...presented }: VerifyRequest,
  by: string,
  allow: (service: string, environment: string) => void,
): Promise<Verified> {
  const verification = await deps.signer.verify(token);
  if (!verification.ok) return invalid(deps, `the token is invalid: ${verification.problem}`);
  const claims = Claims.safeParse(verification.claims);
  if (!claims.success) return invalid(deps, 'the token is invalid: the freeze check did not issue it');
  const { typ: _, vouched_by: voucher, ...request } = claims.data;
  allow(request.service, request.environment);
  const named = await withKnownNames(deps, request, presented);
  const mismatch = (['service', 'environment', 'version', 'commit', 'deployment_id'] as const).find((name) => {
    const value = named[name];
    return value !== undefined && value !== null && canonicalJson(value) !== canonicalJson(request[name]);
  });
  if (mismatch !== undefined)
    return {
      ...invalid(
        deps,
        `the token is for ${mismatch} ${request[mismatch] ?? '(none)'}, not for ${presented[mismatch] ?? ''}`,
      ),
      deployment: request,
    };
  const {
    token: _token,
    signed_state: _state,
    ...answer
  } = await check(deps, {
    request,
    by,
    consume: false,
    identityToken: null,
    // Detect rollbacks here too: the first check does not look for one if no freeze applies.
    isKindUnstated: true,
    ...(voucher !== undefined && { voucher }),
  });
  return { ...answer, valid: answer.allowed, deployment: request };
}

/** Replaces names that refer to the token's service and environment by their known spelling. */
async function withKnownNames(
  deps: CheckDeps,
  request: CheckRequest,
  presented: Omit<VerifyRequest, 'token'>,
): Promise<Omit<VerifyRequest, 'token'>> {
  const serviceEnvironment = ServiceEnvironmentQuery.parse({
    service: presented.service ?? request.service,
    environment: presented.environment ?? request.environment,
  });
  const known = await knownScope(deps, await deps.config.current(), serviceEnvironment);
  const isSame = known.service === request.service && known.environment === request.environment;
  return isSame ? { ...presented, service: known.service, environment: known.environment } : presented;
}

const invalid = ({ clock }: CheckDeps, text: string): Verified => ({
  valid: false,
  deployment: null,
  allowed: false,
  verdict: 'freeze',
  reasons: [brief({ code: 'invalid_token', text })],
  data_age_s: null,
  stale: false,
  next_transition_at: null,
  clears_when: 'when the deployment runs the freeze check again and presents the new token',
  override: null,
  evaluated_at: clock.now(),
  decision_id: null,
});
