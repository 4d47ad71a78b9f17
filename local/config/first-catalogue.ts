import { proposeEntries, type Proposal } from '../../actions/connections/propose-entries.ts';
import { prometheus } from '../../integrations/prometheus/metrics.ts';
import type { SearchedServer } from '../../integrations/prometheus/service-search.ts';
import { versionLabels } from '../../integrations/prometheus/version-labels.ts';

export { serverAt } from '../../integrations/shared/server.ts';
export type { HealthHistory, Proposal } from '../../actions/connections/propose-entries.ts';
export { SearchFailure, type SearchedServer } from '../../integrations/prometheus/service-search.ts';

/** Proposes a catalogue without a running Firebreak. @throws SearchFailure */
export function proposeCatalogue(searched: SearchedServer, alertmanager: SearchedServer | null): Promise<Proposal[]> {
  const server = async () => searched.server;
  return proposeEntries({
    prometheus: searched,
    alertmanager,
    metrics: prometheus(server),
    versionLabels: versionLabels(server, Date.now),
    now: Date.now,
  });
}
