import { proposeEntries, type Proposal } from '../../actions/connections/propose-entries.ts';
import { prometheus } from '../../integrations/prometheus/metrics.ts';
import type { SearchedServer } from '../../integrations/prometheus/service-search.ts';
import { versionLabels } from '../../integrations/prometheus/version-labels.ts';

export type { Proposal } from '../../actions/connections/propose-entries.ts';
export { SearchFailure, type SearchedServer } from '../../integrations/prometheus/service-search.ts';

/** Proposes a catalogue without a running Firebreak. @throws SearchFailure */
export function proposeCatalogue(searched: SearchedServer, alertmanager: SearchedServer | null): Promise<Proposal[]> {
  const url = async () => searched.url;
  return proposeEntries({
    prometheus: searched,
    alertmanager,
    metrics: prometheus(url),
    versionLabels: versionLabels(url, Date.now),
    now: Date.now,
  });
}
