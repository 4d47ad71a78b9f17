import type { Deps } from '../../core/domain/ports/deps.ts';
import type { Secrets } from '../../core/domain/ports/system.ts';
import { configured } from '../../core/domain/ports/extensions.ts';
import { defaultUrl } from '../../core/domain/catalogue/vendors.ts';
import { secretNameIn } from '../../core/domain/runbooks/secret-names.ts';
import type { JudgeConfig } from '../../schemas/judge/judge-config.ts';
import type { EnvironmentName, ServiceName } from '../../schemas/config/names.ts';
import type { RouteConfig } from '../../schemas/rollback/reroute.ts';
import { credentialOf } from './check-result.ts';

type UncallableSystem = { service: string; environment: string; problem: string };

type UncallableDeps = Pick<Deps, 'config' | 'extensions'> & { secrets: Secrets };

/** Returns the traffic routes, metrics, and systems of features that cannot be called. Calls none of them. */
export async function uncallableSystems(deps: UncallableDeps): Promise<UncallableSystem[]> {
  const config = await deps.config.current();
  const systems = await configured(deps.extensions.systems, config);
  const all = Object.entries(config.services).flatMap(([service, { environments }]) =>
    Object.entries(environments).map(([environment, entry]) => ({
      serviceEnvironment: { service: service as ServiceName, environment: environment as EnvironmentName },
      entry,
    })),
  );
  const found = await Promise.all(
    all.map(async ({ serviceEnvironment, entry }) => {
      const { judge, reroute = {} } = entry;
      const problems = [
        ...(judge === undefined ? [] : await metricProblems(deps, judge)),
        ...(
          await Promise.all(systems.map(async (one) => (await one.problems?.(entry, serviceEnvironment)) ?? []))
        ).flat(),
        ...(await Promise.all(Object.entries(reroute).map(([name, route]) => routeProblems(deps, name, route)))).flat(),
      ];
      return problems.map((problem) => ({ ...serviceEnvironment, problem }));
    }),
  );
  return found.flat();
}

async function metricProblems(deps: UncallableDeps, { metrics }: JudgeConfig): Promise<string[]> {
  const named = metrics.flatMap((metric) =>
    metric.kind === 'http' && metric.auth !== undefined
      ? [{ metric: metric.name, secret: secretNameIn(metric.auth) }]
      : [],
  );
  const found = await Promise.all(
    named.map(async ({ metric, secret }) =>
      (await credentialOf(deps.secrets, secret)) ? [] : [`the secret ${secret} of the metric ${metric} is not set`],
    ),
  );
  return found.flat();
}

async function routeProblems({ secrets }: { secrets: Secrets }, name: string, route: RouteConfig): Promise<string[]> {
  if (route.kind === 'route53') return []; // called with the IAM role of the functions
  if (route.kind === 'gateway-api' && !(await clusterAddress(secrets, route)))
    return [`the traffic route ${name} (${route.kind}) has no address: set its \`url\`, or KUBERNETES_URL`];
  const secret =
    route.kind === 'http' ? route.auth && secretNameIn(route.auth) : (route.auth?.bearer ?? 'KUBERNETES_TOKEN');
  if (secret === undefined) return [`the traffic route ${name} is called without credentials (no "auth")`];
  return (await credentialOf(secrets, secret)) ? [] : [`the secret ${secret} of the traffic route ${name} is not set`];
}

/** Returns the address of a cluster: its own, or KUBERNETES_URL. */
export const clusterAddress = async (secrets: Secrets, { url }: { url?: string | undefined }) =>
  url ?? ((await secrets.get('KUBERNETES_URL')) || defaultUrl('KUBERNETES_URL'));
