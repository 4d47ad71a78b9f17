import { groupOf, secretOf } from '../../functions/assembly/secret-groups.ts';
import { onceFor } from '../../core/domain/once-for.ts';
import { secretNamesIn, secretNamesOf } from '../../core/domain/runbooks/secret-names.ts';
import type { Config } from '../../schemas/config/config.ts';

/** Returns a secret of the environment, as `secretAmong` does with the names in a configuration. */
export const localSecret = (name: string, env: SetVariables, config: Config | undefined): string | undefined =>
  secretAmong(namedSecrets(config), name, env);

type SetVariables = Readonly<Record<string, string | undefined>>;

/**
 * Returns a secret of the environment: one that the product knows, or that the configuration names, or that is derived
 * from others. Undefined: it is not set, or it is another variable.
 *
 * @param named from `namedSecrets`
 */
export const secretAmong = (named: ReadonlySet<string>, name: string, env: SetVariables): string | undefined =>
  groupOf(name) !== undefined || named.has(name) ? secretOf(name, env) : undefined;

const NONE: ReadonlySet<string> = new Set();
const namesOf = onceFor((config: Config): ReadonlySet<string> => new Set(secretNames(config)));

/** Returns the secrets that a configuration names. Collected once, because secrets are read often. */
export const namedSecrets = (config: Config | undefined): ReadonlySet<string> =>
  config === undefined ? NONE : namesOf(config);

function* secretNames({ runbooks, ...files }: Config): Generator<string> {
  yield* secretNamesIn(files);
  yield* runbooks.runbooks.flatMap(secretNamesOf);
}
