import { serviceEntry } from '../../../core/domain/catalogue/catalogue.ts';
import type { DeployFreezes, KeyState } from '../../../core/domain/ports/extensions.ts';
import { stateAt } from '../decisions/state.ts';
import type { Deps } from '../ports.ts';
import { CheckRequest } from '../schemas/freeze-check.ts';
import { answerProtectionRule } from '../vendors/github/receive.ts';
import { check } from './check.ts';
import { detectRollback } from './rollbacks.ts';

const FAILURE_CAUSES: ReadonlySet<string> = new Set(['budget', 'burn', 'incident']);

/** What the core asks about freezes. */
export const deployFreezes = (deps: Deps): DeployFreezes => ({
  async check(deploy, { by, allow, consume, canBeRollback }) {
    const asked = CheckRequest.parse(deploy);
    const request = canBeRollback ? await detectRollback(deps, asked) : asked;
    return check(deps, { request, by, allow, consume, identityToken: null });
  },
  async inForce({ service, environment }) {
    const { services } = await deps.config.current();
    const now = deps.clock.now();
    const scope = { service, environment, team: serviceEntry(services, service)?.team ?? null };
    return (await deps.freezeState.read(scope, [])).own
      .filter((freeze) => stateAt(freeze, now) === 'in_force')
      .map(({ cause, reason }) => ({ reason, isFailure: FAILURE_CAUSES.has(cause) }));
  },
  answerGithub: (payload, delivery) => answerProtectionRule(deps, payload, delivery),
});

/** Checks the signing key of the freeze check. */
export async function signingKey({ signer, secrets }: Pick<Deps, 'signer' | 'secrets'>): Promise<KeyState> {
  const problem = await signer.problem();
  if (problem === null)
    return { state: 'set', detail: 'freeze checks return deployment tokens and a signed state for outages' };
  return { state: (await secrets.get('FIREBREAK_SIGNING_KEY')) ? 'wrong' : 'off', detail: problem };
}
