import type { ServiceEnvironment } from '../../domain/ports/common.ts';
import type { ConfigSource } from '../../domain/ports/config.ts';
import type { RollbackGates } from '../../domain/ports/rollback.ts';
import type { Clock, Secrets } from '../../domain/ports/system.ts';
import type { Deployer, Flags } from '../../domain/rollback/targets.ts';
import type { DeployerConfig, FlagsConfig } from '../../schemas/rollback/targets/index.ts';
import type { GithubAccess } from '../github/access.ts';

/** What flag services are created from, in addition to their configuration. */
export type FlagContext = {
  serviceEnvironment: ServiceEnvironment;
  /** The address in the configuration, that of the vendor's setting, or the vendor's public one. */
  url: string;
  secrets: Secrets;
  clock: Clock;
};

/** What deployers are created from. */
export type TargetContext = FlagContext & { config: ConfigSource; rollbackGates: RollbackGates; github: GithubAccess };

/** Returns the client, or undefined if it is off: something is missing in the catalogue, or a credential. */
type Create<Config, Context, Port> = (config: Config, context: Context) => Port | undefined | Promise<Port | undefined>;

export type CreateDeployer<Config = DeployerConfig> = Create<Config, TargetContext, Deployer>;
export type CreateFlags<Config = FlagsConfig> = Create<Config, FlagContext, Flags>;

/** The deployers of these kinds. */
export type Deployers<Kind extends DeployerConfig['kind'] = DeployerConfig['kind']> = {
  [Each in Kind]: CreateDeployer<Extract<DeployerConfig, { kind: Each }>>;
};

/** The flag services of these kinds. */
export type FlagServices<Kind extends FlagsConfig['kind'] = FlagsConfig['kind']> = {
  [Each in Kind]: CreateFlags<Extract<FlagsConfig, { kind: Each }>>;
};
