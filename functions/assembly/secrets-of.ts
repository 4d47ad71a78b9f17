import type { SSMClient } from '@aws-sdk/client-ssm';
import type { Blobs, Log, Secrets } from '../../core/domain/ports/system.ts';
import { sealedCopy } from '../../platforms/aws/secrets-copy.ts';
import { ssmSecrets, type SsmSecretsOptions } from '../../platforms/aws/ssm-secrets.ts';
import { SecretsUnreadable } from '../../platforms/secrets.ts';
import type { Environment } from './environment.ts';
import { ALL_GRANTS, copyFolder, type Grant, groupOf, namedParameter } from './secret-groups.ts';

/**
 * Creates the secrets of a function. An encrypted copy in the bucket replaces them when the
 * function starts while SSM does not respond.
 *
 * @param now milliseconds
 * @throws if a group is granted that does not exist
 */
export function secretsOf(
  { secrets, timeScale }: Pick<Environment['FIREBREAK_RESOURCES'], 'secrets'> & { timeScale: number },
  { client, blobs, log, now }: { client: SSMClient; blobs: Blobs; log: Log; now: () => number },
): Secrets {
  const grants = secrets.grants.map((name) => {
    const grant = ALL_GRANTS.find((one) => one === name);
    if (grant === undefined) throw new Error(`FIREBREAK_RESOURCES: unknown group of secrets ${name}`);
    return grant;
  });
  return ssmSecrets({
    client,
    path: secrets.path,
    ...placesOf(grants),
    copy: sealedCopy(blobs, copyFolder(grants), secrets.key),
    log,
    now,
    timeScale,
  });
}

/** Returns the parameters of the groups that a function may read. Other secrets are refused, as IAM refuses them. */
export const placesOf = (grants: readonly Grant[]): Pick<SsmSecretsOptions, 'groups' | 'placeOf'> => ({
  groups: grants.filter((grant) => grant !== 'named'),
  placeOf(name) {
    const group = groupOf(name);
    if (!grants.includes(group ?? 'named'))
      throw new SecretsUnreadable(
        `this function may not read ${name}: grant it in functions/assembly/secret-groups.ts`,
      );
    return { parameter: group ?? namedParameter(name), isGroup: group !== undefined };
  },
});
