import { defaultUrl, type StandIns } from '../domain/catalogue/vendors.ts';
import type { Deployer, Flags, ImageAutomation } from '../domain/rollback/targets.ts';
import type { ImageAutomationConfig } from '../schemas/rollback/image-automation.ts';
import { type DeployerConfig, type FlagsConfig, targetOf } from '../schemas/rollback/targets/index.ts';
import { argoCdDeployers } from './argo-cd/target.ts';
import { awsDeployers } from './aws/target.ts';
import { httpFlags } from './flags-http/flags.ts';
import { githubDeployers } from './github/target.ts';
import { httpDeployers } from './http-cd/target.ts';
import { clusterOf, kubernetesDeployers } from './kubernetes/target.ts';
import { launchDarklyServices } from './launchdarkly/target.ts';
import type {
  CreateDeployer,
  CreateFlags,
  Deployers,
  FlagContext,
  FlagServices,
  TargetContext,
} from './shared/rollback-target.ts';

/** The deployer of each kind. A kind in `schemas/rollback/targets/` without one does not compile. */
const DEPLOYERS: Deployers = {
  ...httpDeployers,
  ...githubDeployers,
  ...argoCdDeployers,
  ...kubernetesDeployers,
  ...awsDeployers,
};

const FLAG_SERVICES: FlagServices = { http: httpFlags, ...launchDarklyServices };

type WithStandIns<Context> = Omit<Context, 'url'> & { standIns: StandIns };

/** Returns the client for a deployer, or undefined if its address is not known. */
export const deployerFor = (
  entry: DeployerConfig,
  context: WithStandIns<TargetContext>,
): Promise<Deployer | undefined> =>
  createAtUrl(entry, context, (url) => (DEPLOYERS[entry.kind] as CreateDeployer)(entry, { ...context, url }));

/** Returns the client for a flag service, or undefined if it is not connected. */
export const flagsFor = (entry: FlagsConfig, context: WithStandIns<FlagContext>): Promise<Flags | undefined> =>
  createAtUrl(entry, context, (url) => (FLAG_SERVICES[entry.kind] as CreateFlags)(entry, { ...context, url }));

/** Returns the client for image automation, or undefined if the address of its cluster is not known. */
export const imageAutomationFor = (
  entry: ImageAutomationConfig,
  context: Pick<WithStandIns<FlagContext>, 'secrets' | 'clock' | 'serviceEnvironment' | 'standIns'>,
): Promise<(ImageAutomation & { standIn: boolean }) | undefined> =>
  createAtUrl({ ...entry, kind: 'kubernetes' }, context, async (url) => {
    const { fluxImageUpdates } = await import('./kubernetes/image-updates.ts');
    return fluxImageUpdates(entry, clusterOf(entry, { ...context, url }), context.serviceEnvironment);
  });

async function createAtUrl<Port>(
  entry: Pick<DeployerConfig | FlagsConfig, 'kind'> & { url?: string | undefined },
  { secrets, standIns }: Pick<WithStandIns<FlagContext>, 'secrets' | 'standIns'>,
  create: (url: string) => Port | undefined | Promise<Port | undefined>,
): Promise<(Port & { standIn: boolean }) | undefined> {
  const setting = targetOf(entry.kind).connection.url;
  const url = entry.url ?? ((await secrets.get(setting)) || defaultUrl(setting));
  const port = url === undefined ? undefined : await create(url);
  return port && { ...port, standIn: standIns.at(url) };
}
