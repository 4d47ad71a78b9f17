import type { Mail } from '../../domain/ports/mail.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { Digests } from '../../domain/ports/messages.ts';
import type { Deadline } from '../../domain/concurrency.ts';
import type { Config } from '../../../schemas/config/config.ts';

/** What the job needs that sends updates and reports. */
export type DigestDeps = Pick<
  Deps,
  | 'approvalLinks'
  | 'automation'
  | 'changes'
  | 'chat'
  | 'clock'
  | 'config'
  | 'incidentGroups'
  | 'incidents'
  | 'log'
  | 'publicUrl'
  | 'timeScale'
> & { digests: Digests; emails: Mail };

/** Sends what is due. Returns how many messages each channel sent, or why it failed. */
export type SendDue = (deps: DigestDeps, config: Config, deadline: Deadline) => Promise<PromiseSettledResult<number>[]>;
