import type { Clock, ConfigSource, Place, Secrets } from '../domain/ports.ts';
import type { Deployer } from '../domain/targets.ts';
import { githubDeployer } from '../integrations/github/deployer.ts';
import { GITHUB_API_URL, repositoryName } from '../integrations/github/rest.ts';
import { httpDeployer } from '../integrations/http-cd/deployer.ts';
import type { ClusterOptions } from '../integrations/kubernetes/attempt.ts';
import { kubernetesDeployer } from '../integrations/kubernetes/deployment.ts';
import { argoRolloutsDeployer } from '../integrations/kubernetes/rollout.ts';
import type { ArgoRolloutsDeployer, DeployerConfig, KubernetesDeployer } from '../schemas/deployers.ts';

/** The adapter of each kind of deployer. Undefined: no address is known for it. */
export async function deployerFor(
  entry: DeployerConfig,
  { place, secrets, clock, config }: { place: Place; secrets: Secrets; clock: Clock; config: ConfigSource },
): Promise<Deployer | undefined> {
  switch (entry.kind) {
    case 'http': {
      const url = entry.url ?? (await secrets.get('CD_URL'));
      return url === undefined ? undefined : httpDeployer(entry, { url, place, secrets, clock });
    }
    case 'kubernetes': {
      const cluster = await clusterOf(entry, { secrets, clock });
      return cluster && kubernetesDeployer(entry, { cluster, service: place.service });
    }
    case 'argo-rollouts': {
      const cluster = await clusterOf(entry, { secrets, clock });
      return cluster && argoRolloutsDeployer(entry, { cluster, service: place.service });
    }
    case 'github': {
      const repository = entry.repository ?? (await repositoryOf(place, config));
      if (repository === undefined) return undefined;
      return githubDeployer(entry, {
        repository,
        environment: entry.environment ?? place.environment,
        apiUrl: (await secrets.get('GITHUB_API_URL')) ?? GITHUB_API_URL,
        token: () => secrets.get(entry.auth?.bearer ?? 'GITHUB_TOKEN'),
        clock,
      });
    }
    default:
      return undefined;
  }
}

async function clusterOf(
  { url, auth }: KubernetesDeployer | ArgoRolloutsDeployer,
  { secrets, clock }: { secrets: Secrets; clock: Clock },
): Promise<ClusterOptions | undefined> {
  const at = url ?? (await secrets.get('KUBERNETES_URL'));
  return at === undefined ? undefined : { url: at, tokenName: auth?.bearer ?? 'KUBERNETES_TOKEN', secrets, clock };
}

/** As the catalogue says it of the service. */
async function repositoryOf({ service }: Place, config: ConfigSource): Promise<string | undefined> {
  const { services } = await config.current();
  return repositoryName(services[service]?.repository ?? '');
}
