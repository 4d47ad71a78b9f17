import type { Directory, EphemeralMessages } from '../../core/domain/ports/chat.ts';
import type { PagerIncidents } from '../../core/domain/paging/pagerduty/page-reference.ts';
import type { Quarantine } from '../../core/domain/ports/alerts.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import type { PortsOfFeatures } from '../../core/domain/ports/extensions.ts';
import type { ProcessedEvents, UserCache } from '../../core/domain/ports/messages.ts';
import type { Reports } from '../../core/domain/ports/reports.ts';
import type { Secrets } from '../../core/domain/ports/system.ts';
import type { CodeHistory } from '../../core/domain/ports/changes.ts';

/**
 * Dependencies for commands of people, without the ports whose secrets are not granted to `inbound`
 * (functions/assembly/secret-groups.ts). `secrets` itself is used only if a stand-in replaces Slack, which is never the case on AWS.
 */
export type CommandDeps = Omit<Deps, 'fallbackPager' | 'http' | 'metricQueries'> & {
  code: CodeHistory;
  directory: Directory;
  ephemeralMessages: EphemeralMessages;
  features: PortsOfFeatures;
  pagerIncidents: PagerIncidents;
  processedEvents: ProcessedEvents;
  quarantine: Quarantine;
  reports: Reports;
  secrets: Secrets;
  userCache: UserCache;
};
