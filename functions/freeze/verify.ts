import * as z from 'zod';
import { canonicalJson } from '../../aws/hash.ts';
import { CheckRequest, Verdict } from '../../schemas/freeze-check.ts';
import { Timestamp } from '../../schemas/time.ts';
import { check } from './check.ts';
import type { CheckDeps } from './inputs.ts';
import { knownPlace } from './known-place.ts';

const Told = z.string().min(1).max(256).nullish();

/** A token, and the deployment for which it is shown: what is named has to be what the token was given for. */
export const VerifyRequest = z.object({
  token: z.string().min(1).max(16_384),
  service: Told,
  environment: Told,
  version: Told,
  commit: Told,
  deployment_id: Told,
});
export type VerifyRequest = z.infer<typeof VerifyRequest>;

const Place = CheckRequest.pick({ service: true, environment: true });

const Claims = z.object({ typ: z.literal('freeze-check'), vouched_by: z.string().optional(), ...CheckRequest.shape });

/** `deployment`: what the token was given for, so that what was not named can be compared. Null: it is none of ours. */
export const Verified = Verdict.extend({
  valid: z.boolean(),
  deployment: CheckRequest.nullable(),
  evaluated_at: Timestamp,
  decision_id: z.string().nullable(),
});
export type Verified = z.infer<typeof Verified>;

/**
 * Whether a token is good for this deployment, and what holds now: a freeze that began since turns it into a refusal.
 *
 * @param allow throws where the caller has nothing to do with the place
 */
export async function verify(
  deps: CheckDeps,
  { token, ...shown }: VerifyRequest,
  by: string,
  allow: (service: string, environment: string) => void,
): Promise<Verified> {
  const read = await deps.signer.verify(token);
  if (!read.ok) return invalid(deps, `the token is not good: ${read.problem}`);
  const claims = Claims.safeParse(read.claims);
  if (!claims.success) return invalid(deps, 'the token is not good: it is not one of the freeze check');
  const { typ: _, vouched_by: voucher, ...request } = claims.data;
  allow(request.service, request.environment);
  const named = await underKnownNames(deps, request, shown);
  const wrong = (['service', 'environment', 'version', 'commit', 'deployment_id'] as const).find((name) => {
    const value = named[name];
    return value !== undefined && value !== null && canonicalJson(value) !== canonicalJson(request[name]);
  });
  if (wrong !== undefined)
    return {
      ...invalid(deps, `the token is for ${wrong} ${request[wrong] ?? '(not told)'}, not for ${shown[wrong] ?? ''}`),
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
    // It may be a rollback that nobody has called so, and for which no freeze was in the way before.
    untold: true,
    ...(voucher !== undefined && { voucher }),
  });
  return { ...answer, valid: answer.allowed, deployment: request };
}

/** A place shown under other names that stand for the one of the token is that one. */
async function underKnownNames(
  deps: CheckDeps,
  request: CheckRequest,
  shown: Omit<VerifyRequest, 'token'>,
): Promise<Omit<VerifyRequest, 'token'>> {
  const place = Place.parse({
    service: shown.service ?? request.service,
    environment: shown.environment ?? request.environment,
  });
  const known = await knownPlace(deps, await deps.config.current(), place);
  const isSame = known.service === request.service && known.environment === request.environment;
  return isSame ? { ...shown, service: known.service, environment: known.environment } : shown;
}

const invalid = ({ clock }: CheckDeps, text: string): Verified => ({
  valid: false,
  deployment: null,
  allowed: false,
  verdict: 'freeze',
  reasons: [{ code: 'invalid_token', text }],
  data_age_s: null,
  stale: false,
  next_transition_at: null,
  clears_when: 'the deployment asks the freeze check again, and shows the token that it is given',
  override: null,
  evaluated_at: clock.now(),
  decision_id: null,
});
