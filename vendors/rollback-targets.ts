import { defaultUrl, type StandIns } from '../core/domain/catalogue/vendors.ts';
import type { Deployer, Flags, ImageAutomation } from '../core/domain/rollback/targets.ts';
import type { ImageAutomationConfig } from '../schemas/rollback/image-automation.ts';
import { type DeployerConfig, type FlagsConfig, type ROLLBACK_TARGETS, targetOf } from '../schemas/rollback/targets.ts';
import type { ClientsOf, CreateDeployer, CreateFlags, FlagContext, TargetContext } from './shared/rollback-target.ts';

/** Loads the clients of each target. A kind without a client does not compile. */
const LOADERS: Loaders = {
  cd: () => import('./http-cd/target.ts'),
  github: () => import('./github/target.ts'),
  'argo-cd': () => import('./argo-cd/target.ts'),
  kubernetes: () => import('./kubernetes/target.ts'),
  launchdarkly: () => import('./launchdarkly/target.ts'),
  aws: () => import('./aws/target.ts'),
};
type Target = (typeof ROLLBACK_TARGETS)[number];
type Loaders = { [One in Target as One['vendor']]: () => Promise<{ clients: ClientsOf<One> }> };

/** Loads the code of a target, so that only configured targets are loaded. */
async function clientsFor(kind: Kind) {
  const { clients } = await LOADERS[targetOf(kind).vendor]();
  return clients as { deployers: Record<Kind, CreateDeployer>; flags: Record<Kind, CreateFlags> };
}
type Kind = DeployerConfig['kind'] | FlagsConfig['kind'];

type WithStandIns<Context> = Omit<Context, 'url'> & { standIns: StandIns };

/** Returns the client for a deployer, or undefined if its address is not known. */
export const deployerFor = (
  entry: DeployerConfig,
  context: WithStandIns<TargetContext>,
): Promise<Deployer | undefined> =>
  createAtUrl(entry, context, async (url) => {
    const { deployers } = await clientsFor(entry.kind);
    return deployers[entry.kind](entry, { ...context, url });
  });

/** Returns the client for a flag service, or undefined if it is not connected. */
export const flagsFor = (entry: FlagsConfig, context: WithStandIns<FlagContext>): Promise<Flags | undefined> =>
  createAtUrl(entry, context, async (url) => {
    const { flags } = await clientsFor(entry.kind);
    return flags[entry.kind](entry, { ...context, url });
  });

/** Returns the client for image automation, or undefined if the address of its cluster is not known. */
export const imageAutomationFor = (
  entry: ImageAutomationConfig,
  context: Pick<WithStandIns<FlagContext>, 'secrets' | 'clock' | 'serviceEnvironment' | 'standIns'>,
): Promise<(ImageAutomation & { standIn: boolean }) | undefined> =>
  createAtUrl({ ...entry, kind: 'kubernetes' }, context, async (url) => {
    const { fluxImageUpdates } = await import('./kubernetes/image-updates.ts');
    const { clusterOf } = await import('./kubernetes/attempt.ts');
    return fluxImageUpdates(entry, clusterOf(entry, { ...context, url }), context.serviceEnvironment);
  });

async function createAtUrl<Port>(
  entry: { kind: Kind; url?: string | undefined },
  { secrets, standIns }: Pick<WithStandIns<FlagContext>, 'secrets' | 'standIns'>,
  create: (url: string) => Port | undefined | Promise<Port | undefined>,
): Promise<(Port & { standIn: boolean }) | undefined> {
  const setting = targetOf(entry.kind).connection.url;
  const url = entry.url ?? ((await secrets.get(setting)) || defaultUrl(setting));
  const port = url === undefined ? undefined : await create(url);
  return port && { ...port, standIn: standIns.at(url) };
}
