import type { Runbook } from '../../../schemas/runbooks/runbook.ts';
import type { HttpAuth } from '../../../schemas/runbooks/parts/http.ts';
import { SecretName } from '../../../schemas/config/endpoint.ts';
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

/** Keys of the configuration whose values are names of secrets (`SecretName`). */
export const SECRET_KEYS: ReadonlySet<string> = new Set([
  'bearer',
  'password',
  'secret',
  'signature',
  'webhookSignature',
]);

/** Returns the names of secrets in a part of the configuration, wherever they are, so that no new key is forgotten. */
export function* secretNamesIn(part: object): Generator<string> {
  for (const [key, value] of Object.entries<unknown>({ ...part })) {
    const name = SECRET_KEYS.has(key) ? SecretName.safeParse(value).data : undefined;
    if (name !== undefined) yield name;
    else if (typeof value === 'object' && value !== null) yield* secretNamesIn(value);
  }
}
