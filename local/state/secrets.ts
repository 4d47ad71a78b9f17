import { groupOf, parametersFor } from '../../aws/secrets/secret-groups.ts';
import { secretNameIn, secretNamesOf } from '../../domain/runbooks/secret-names.ts';
import type { Config } from '../../schemas/config/config.ts';

/**
 * Returns the parameters of the emulated parameter store below `path`: the environment's secrets, and those that the
 * configuration names.
 */
export function parametersOf(
  path: string,
  env: Readonly<Record<string, string | undefined>>,
  config: Config | undefined,
): Record<string, string> {
  const named = new Set(config === undefined ? [] : secretNames(config));
  const entries = Object.entries(env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && (isKnown(entry[0]) || named.has(entry[0])),
  );
  const parameters = Object.entries(parametersFor(Object.fromEntries(entries)));
  return Object.fromEntries(parameters.map(([name, value]) => [`${path}/${name}`, value]));
}

/**
 * Returns whether the product always reads this name as a secret: the configuration did not choose it (no group), and it
 * is not derived from other secrets (`connected`, `links`).
 */
const isKnown = (name: string): boolean => ![undefined, 'connected', 'links'].includes(groupOf(name));

function* secretNames({ services, paging, response, routes, runbooks }: Config): Generator<string> {
  for (const { environments } of Object.values(services)) {
    for (const entry of Object.values(environments)) {
      const { deployer, flags, imageAutomation, judge, canary, experiments, reroute = {} } = entry;
      for (const metric of judge?.metrics ?? [])
        if (metric.kind === 'http' && metric.auth !== undefined) yield secretNameIn(metric.auth);
      const targets = [
        deployer,
        flags,
        imageAutomation,
        canary?.traffic,
        experiments?.chaos,
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
