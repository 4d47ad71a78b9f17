import { featureTargets } from '../../features/names.ts';
import { groupOf, secretOf } from '../../assembly/secret-groups.ts';
import { secretNameIn, secretNamesOf } from '../../domain/runbooks/secret-names.ts';
import type { Config } from '../../schemas/config/config.ts';

/** Returns `secretAmong` the names of a configuration. */
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
const namesOf = new WeakMap<Config, ReadonlySet<string>>();

/** Returns the secrets that a configuration names. Collected once, because secrets are read often. */
export function namedSecrets(config: Config | undefined): ReadonlySet<string> {
  if (config === undefined) return NONE;
  const names = namesOf.get(config) ?? new Set(secretNames(config));
  namesOf.set(config, names);
  return names;
}

function* secretNames({ services, paging, response, routes, runbooks }: Config): Generator<string> {
  for (const { environments } of Object.values(services)) {
    for (const entry of Object.values(environments)) {
      const { deployer, flags, imageAutomation, judge, canary, reroute = {} } = entry;
      for (const metric of judge?.metrics ?? [])
        if (metric.kind === 'http' && metric.auth !== undefined) yield secretNameIn(metric.auth);
      const targets = [
        deployer,
        flags,
        imageAutomation,
        canary?.traffic,
        ...featureTargets(entry),
        ...Object.values(reroute),
      ];
      for (const target of targets) {
        if (target === undefined || !('auth' in target) || target.auth === undefined) continue;
        yield 'bearer' in target.auth ? target.auth.bearer : target.auth.webhookSignature;
      }
    }
  }
  if (paging.fallback !== undefined) yield paging.fallback.signature;
  for (const { signature } of response.webhooks) if (signature !== undefined) yield signature;
  for (const ticket of routes.routes.flatMap((route) => route.ticket)) {
    if ('webhook' in ticket && ticket.webhook.signature !== undefined) yield ticket.webhook.signature;
  }
  yield* runbooks.runbooks.flatMap(secretNamesOf);
}
