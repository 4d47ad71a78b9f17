import type { ServiceEnvironment } from '../domain/ports/common.ts';
import type { ConfigSource } from '../domain/ports/config.ts';
import type { Gates } from '../domain/ports/freeze.ts';
import type { Clock, Secrets } from '../domain/ports/system.ts';
import type { Deployer } from '../domain/rollback/targets.ts';
import type { StandIns } from '../domain/catalogue/vendors.ts';
import { argoCdDeployer } from '../integrations/argo-cd/deployer.ts';
import type { AwsAccess } from '../integrations/aws/access.ts';
import { flaggerDeployer } from '../integrations/flagger/deployer.ts';
import type { GithubAccess } from '../integrations/github/access.ts';
import { githubDeployer } from '../integrations/github/deployer.ts';
import { repositoryName } from '../integrations/github/rest.ts';
import { gitReverter } from '../integrations/github/revert.ts';
import { httpDeployer } from '../integrations/http-cd/deployer.ts';
import type { ClusterOptions } from '../integrations/kubernetes/attempt.ts';
import { kubernetesDeployer } from '../integrations/kubernetes/deployment.ts';
import { argoRolloutsDeployer } from '../integrations/kubernetes/rollout.ts';
import type {
  ArgoRolloutsDeployer,
  DeployerConfig,
  FlaggerDeployer,
  KubernetesDeployer,
} from '../schemas/config/deployers.ts';
import type { VariableName } from '../schemas/config/variables.ts';

type Around = {
  place: ServiceEnvironment;
  secrets: Secrets;
  clock: Clock;
  config: ConfigSource;
  gates: Gates;
  github: GithubAccess;
  standIns: StandIns;
};

/** Returns the adapter for a kind of deployer, or undefined if its address is not known. */
export async function deployerFor(entry: DeployerConfig, around: Around): Promise<Deployer | undefined> {
  const deployer = await adapterFor(entry, around);
  return deployer && { ...deployer, standIn: around.standIns.at(await addressOf(entry, around)) };
}

/** Returns the address of a deployer, or undefined if it has none or is AWS itself. */
async function addressOf(entry: DeployerConfig, { secrets }: Pick<Around, 'secrets'>): Promise<string | undefined> {
  if ('url' in entry && entry.url !== undefined) return entry.url;
  return secrets.get(URL_SETTINGS[entry.kind]);
}

const URL_SETTINGS: Record<DeployerConfig['kind'], VariableName> = {
  http: 'CD_URL',
  'argo-cd': 'ARGOCD_URL',
  github: 'GITHUB_API_URL',
  kubernetes: 'KUBERNETES_URL',
  'argo-rollouts': 'KUBERNETES_URL',
  flagger: 'KUBERNETES_URL',
  'lambda-alias': 'AWS_TARGETS_URL',
  ecs: 'AWS_TARGETS_URL',
  codedeploy: 'AWS_TARGETS_URL',
};

async function adapterFor(
  entry: DeployerConfig,
  { place, secrets, clock, config, gates, github }: Around,
): Promise<Deployer | undefined> {
  switch (entry.kind) {
    case 'http': {
      const url = entry.url ?? (await secrets.get('CD_URL'));
      return url === undefined ? undefined : httpDeployer(entry, { url, place, secrets, clock });
    }
    case 'argo-cd': {
      const url = entry.url ?? (await secrets.get('ARGOCD_URL'));
      if (url === undefined) return undefined;
      const git = entry.git && gitReverter(entry.git, await github.to(entry.git.repository));
      return argoCdDeployer(entry, { url, place, secrets, clock, git });
    }
    case 'kubernetes': {
      const cluster = await clusterOf(entry, { secrets, clock });
      return cluster && kubernetesDeployer(entry, { cluster, service: place.service });
    }
    case 'argo-rollouts': {
      const cluster = await clusterOf(entry, { secrets, clock });
      return cluster && argoRolloutsDeployer(entry, { cluster, service: place.service });
    }
    case 'flagger': {
      const cluster = await clusterOf(entry, { secrets, clock });
      return cluster && flaggerDeployer(entry, { cluster, place, gates });
    }
    case 'github': {
      const repository = entry.repository ?? (await repositoryOf(place, config));
      if (repository === undefined) return undefined;
      return githubDeployer(entry, {
        repository,
        environment: entry.environment ?? place.environment,
        ...(await github.to(repository, entry.auth?.bearer)),
      });
    }
    // Loads the SDK of a target only if such a target is configured: the cold start of a function delays every page.
    case 'lambda-alias': {
      const { lambdaAliasDeployer } = await import('../integrations/aws/lambda-alias.ts');
      return lambdaAliasDeployer(entry, await awsAccessOf(entry, secrets));
    }
    case 'ecs': {
      const { ecsDeployer } = await import('../integrations/aws/ecs.ts');
      return ecsDeployer(entry, { access: await awsAccessOf(entry, secrets), service: place.service });
    }
    case 'codedeploy': {
      const { codeDeployDeployer } = await import('../integrations/aws/codedeploy.ts');
      return codeDeployDeployer(entry, { access: await awsAccessOf(entry, secrets), clock });
    }
    default:
      return undefined;
  }
}

/** `AWS_TARGETS_URL` is the address of the sandbox's AWS stand-in. It is not set on AWS. */
async function awsAccessOf(
  { region, roleArn }: { region?: string | undefined; roleArn?: string | undefined },
  secrets: Secrets,
): Promise<AwsAccess> {
  return { region, roleArn, endpoint: await secrets.get('AWS_TARGETS_URL') };
}

async function clusterOf(
  { url, auth }: KubernetesDeployer | ArgoRolloutsDeployer | FlaggerDeployer,
  { secrets, clock }: { secrets: Secrets; clock: Clock },
): Promise<ClusterOptions | undefined> {
  const at = url ?? (await secrets.get('KUBERNETES_URL'));
  return at === undefined ? undefined : { url: at, tokenName: auth?.bearer ?? 'KUBERNETES_TOKEN', secrets, clock };
}

/** The repository of the service in the catalogue. */
async function repositoryOf({ service }: ServiceEnvironment, config: ConfigSource): Promise<string | undefined> {
  const { services } = await config.current();
  return repositoryName(services[service]?.repository ?? '');
}
