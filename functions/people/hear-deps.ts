import type { Deps } from '../../domain/ports.ts';

/**
 * What people can set in motion. It leaves out the ports whose secrets `hear` is not granted (aws/secret-groups.ts). It asks
 * for `secrets` itself only where a stand-in plays Slack, which is never on AWS.
 */
export type HearDeps = Omit<
  Deps,
  'annotations' | 'audit' | 'fallbackPager' | 'http' | 'receivers' | 'signer' | 'sloMetrics' | 'statusPage'
>;
