import { proposeEntries, type Proposal } from '../../vendors/connections/propose-entries.ts';
import { prometheus } from '../../vendors/prometheus/metrics.ts';
import type { SearchedServer } from '../../vendors/prometheus/service-search.ts';
import { versionLabels } from '../../vendors/prometheus/version-labels.ts';

export { serverAt } from '../../vendors/shared/server.ts';
export type { HealthHistory, Proposal } from '../../vendors/connections/propose-entries.ts';
export { SearchFailure, type SearchedServer } from '../../vendors/prometheus/service-search.ts';

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
