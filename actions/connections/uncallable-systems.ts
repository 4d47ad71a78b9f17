import type { Deps } from '../../domain/ports/deps.ts';
import { configured } from '../../domain/ports/extensions.ts';
import { defaultUrl } from '../../domain/catalogue/vendors.ts';
import { secretNameIn } from '../../domain/runbooks/secret-names.ts';
import type { CanaryConfig } from '../../schemas/canary/canary.ts';
import type { TrafficConfig } from '../../schemas/canary/traffic-config.ts';
import type { JudgeConfig } from '../../schemas/canary/judge-config.ts';
import type { EnvironmentName, ServiceName } from '../../schemas/config/names.ts';
import type { RouteConfig } from '../../schemas/rollback/reroute.ts';
import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import { credentialOf } from './check-result.ts';

type UncallableSystem = { service: string; environment: string; problem: string };

type UncallableDeps = Pick<Deps, 'config' | 'extensions' | 'secrets' | 'trafficRouterFor'>;

/** Returns the traffic routers and routes, metrics, and systems of features that cannot be called. Calls none of them. */
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
      const { canary, judge, reroute = {} } = entry;
      const problems = [
        ...(canary === undefined ? [] : await trafficProblems(deps, canary, serviceEnvironment)),
        ...(judge === undefined ? [] : await metricProblems(deps, judge)),
        ...(await Promise.all(systems.map(async (one) => (await one.problems?.(entry)) ?? []))).flat(),
        ...(await Promise.all(Object.entries(reroute).map(([name, route]) => routeProblems(deps, name, route)))).flat(),
      ];
      return problems.map((problem) => ({ ...serviceEnvironment, problem }));
    }),
  );
  return found.flat();
}

async function trafficProblems(
  deps: UncallableDeps,
  { traffic }: CanaryConfig,
  serviceEnvironment: ServiceEnvironment,
): Promise<string[]> {
  if ((await deps.trafficRouterFor(traffic, serviceEnvironment)) === undefined)
    return [`the traffic router (${traffic.kind}) has no address: set its \`url\`, or ${ADDRESSES[traffic.kind]}`];
  const name = credentialFor(traffic);
  if (name === null) return []; // called with the IAM role of the functions
  if (name === undefined) return ['the traffic router is called without credentials (no "auth")'];
  return (await credentialOf(deps.secrets, name)) ? [] : [`the secret ${name} of the traffic router is not set`];
}

const ADDRESSES = {
  http: 'TRAFFIC_URL',
  'lambda-alias': 'AWS_TARGETS_URL',
  'gateway-api': 'KUBERNETES_URL',
  smi: 'KUBERNETES_URL',
  'argo-rollouts': 'KUBERNETES_URL',
} as const satisfies Record<TrafficConfig['kind'], string>;

/** Returns the name of a router's secret. Null: it needs none. Undefined: it has none. */
function credentialFor(traffic: TrafficConfig): string | null | undefined {
  switch (traffic.kind) {
    case 'http':
      return traffic.auth && secretNameIn(traffic.auth);
    case 'lambda-alias':
      return null;
    case 'gateway-api':
    case 'smi':
    case 'argo-rollouts':
      return traffic.auth?.bearer ?? 'KUBERNETES_TOKEN';
  }
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

async function routeProblems({ secrets }: Pick<Deps, 'secrets'>, name: string, route: RouteConfig): Promise<string[]> {
  if (route.kind === 'route53') return []; // called with the IAM role of the functions
  if (route.kind === 'gateway-api' && !(await clusterAddress(secrets, route)))
    return [`the traffic route ${name} (${route.kind}) has no address: set its \`url\`, or KUBERNETES_URL`];
  const secret =
    route.kind === 'http' ? route.auth && secretNameIn(route.auth) : (route.auth?.bearer ?? 'KUBERNETES_TOKEN');
  if (secret === undefined) return [`the traffic route ${name} is called without credentials (no "auth")`];
  return (await credentialOf(secrets, secret)) ? [] : [`the secret ${secret} of the traffic route ${name} is not set`];
}

/** Returns the address of a cluster: its own, or KUBERNETES_URL. */
export const clusterAddress = async (secrets: Deps['secrets'], { url }: { url?: string | undefined }) =>
  url ?? ((await secrets.get('KUBERNETES_URL')) || defaultUrl('KUBERNETES_URL'));
