import { parametersFor } from '../aws/secret-groups.ts';
import { secretNamesOf } from '../domain/runbooks/secret-names.ts';
import type { Config } from '../schemas/config.ts';

/** Names that the product reads as secrets, whoever sets them. */
const KNOWN =
  /^(FIREBREAK_(ADMIN|INGEST)_TOKEN|FIREBREAK_ADMIN_TOKEN_PREVIOUS|FIREBREAK_SIGNING_KEY(_PREVIOUS)?|AWS_TARGETS_URL|(SLACK|PAGERDUTY|STATUSPAGE|GRAFANA|PROMETHEUS|ALERTMANAGER|GITHUB|ARGOCD|KUBERNETES|LAUNCHDARKLY|SMTP|MAIL|CD)_[A-Z0-9_]+)$/;

/** What the emulated parameter store holds below `path`: the environment's secrets, and those that the config names. */
export function parametersOf(
  path: string,
  env: Record<string, string | undefined>,
  config: Config | undefined,
): Record<string, string> {
  const named = new Set(config === undefined ? [] : secretNames(config));
  const entries = Object.entries(env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && (KNOWN.test(entry[0]) || named.has(entry[0])),
  );
  const parameters = Object.entries(parametersFor(Object.fromEntries(entries)));
  return Object.fromEntries(parameters.map(([name, value]) => [`${path}/${name}`, value]));
}

function* secretNames({ services, paging, response, routes, runbooks }: Config): Generator<string> {
  for (const { environments } of Object.values(services)) {
    for (const { deployer, flags } of Object.values(environments)) {
      for (const target of [deployer, flags]) {
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
