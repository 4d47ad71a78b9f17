import type { SSMClient } from '@aws-sdk/client-ssm';
import type { Blobs, Log, Secrets } from '../../domain/ports/system.ts';
import type { Environment } from './env.ts';
import { ALL_GRANTS, copyFolder } from './secret-groups.ts';
import { sealedCopy } from './secrets-copy.ts';
import { ssmSecrets } from './secrets.ts';

/**
 * Creates the secrets of the function with this environment. An encrypted copy in the bucket replaces them when the
 * function starts while SSM does not respond.
 *
 * @param now milliseconds
 * @throws if the environment grants a group that does not exist
 */
export function secretsOf(
  env: Environment,
  { client, blobs, log, now }: { client: SSMClient; blobs: Blobs; log: Log; now: () => number },
): Secrets {
  const grants = env.FIREBREAK_SECRETS_GRANTS.split(',').map((name) => {
    const grant = ALL_GRANTS.find((one) => one === name);
    if (grant === undefined) throw new Error(`FIREBREAK_SECRETS_GRANTS: unknown group of secrets ${name}`);
    return grant;
  });
  return ssmSecrets({
    client,
    path: env.FIREBREAK_SECRETS_PATH,
    grants,
    copy: sealedCopy(blobs, copyFolder(grants), env.FIREBREAK_SECRETS_KEY),
    log,
    now,
    timeScale: env.FIREBREAK_TIME_SCALE,
  });
}
