import type * as z from 'zod';
import type { ServiceEnvironment } from '../../core/domain/ports/common.ts';
import type { ConfigSource } from '../../core/domain/ports/config.ts';
import type { RollbackGates } from '../../core/domain/ports/rollback.ts';
import type { Clock, Secrets } from '../../core/domain/ports/system.ts';
import type { Deployer, Flags } from '../../core/domain/rollback/targets.ts';
import type { DeployerConfig, FlagsConfig } from '../../schemas/rollback/targets.ts';
import type { RollbackTarget } from '../../schemas/rollback/target.ts';
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

type ConfigOf<Kind> = Kind extends { schema: infer Schema extends z.ZodType } ? z.infer<Schema> : never;

/** The clients of a target, as its `target.ts` exports them: one for each kind that its schema describes. */
export type ClientsOf<Target extends Pick<RollbackTarget, 'deployers' | 'flags'>> = {
  deployers: { [Kind in keyof Target['deployers']]: CreateDeployer<ConfigOf<Target['deployers'][Kind]>> };
  flags: { [Kind in keyof Target['flags']]: CreateFlags<ConfigOf<Target['flags'][Kind]>> };
};
