import type { Runbook } from '../../schemas/runbooks/runbook.ts';
import type { HttpAuth } from '../../schemas/runbooks/parts/http.ts';
import { locatedSteps } from './located-steps.ts';

/** Returns the names of the secrets that the calls of a runbook and their inverses use. */
export function secretNamesOf(runbook: Runbook): string[] {
  const calls = locatedSteps(runbook).flatMap(({ step }) => [
    step.with,
    ...('inverse' in step && step.inverse !== undefined ? [step.inverse.with] : []),
  ]);
  const auths = calls.flatMap((call) => ('auth' in call && call.auth !== undefined ? [call.auth] : []));
  return [...new Set(auths.map(secretNameIn))];
}

/** Returns the name of the secret that authenticates a call. */
export function secretNameIn(auth: HttpAuth): string {
  if ('bearer' in auth) return auth.bearer;
  if ('basic' in auth) return auth.basic.password;
  return 'header' in auth ? auth.secret : auth.webhookSignature;
}
