import type { Deps } from '../domain/ports/deps.ts';

/**
 * Dependencies for commands of people, without the ports whose secrets are not granted to `inbound`
 * (assembly/secret-groups.ts). `secrets` itself is used only if a stand-in replaces Slack, which is never the case on AWS.
 */
export type CommandDeps = Omit<
  Deps,
  | 'annotations'
  | 'audit'
  | 'fallbackPager'
  | 'http'
  | 'loadedMonitoring'
  | 'receivers'
  | 'signer'
  | 'sloMetrics'
  | 'spans'
  | 'statusPage'
>;
