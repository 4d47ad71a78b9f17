import type { Named } from '../../../core/domain/incidents/incident-number.ts';
import { type ExperimentStory, viewExperiment } from '../actions/record-experiment.ts';
import { Refusal } from '../../../core/domain/refusal.ts';
import { pooled } from '../../../core/domain/concurrency.ts';
import { type ExpectedAlert, ExperimentId } from '../experiment.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { Viewer } from '../../../entrances/http/context.ts';
import { withPorts } from '../ports.ts';
import type { ConsoleDeps, PageRequest } from '../../../entrances/console/pages/page.ts';

/** Newest incidents of each service whose alerts are compared with the expected ones, and how many alerts of each. */
const INCIDENTS_READ = 10;
const SIGNALS_READ = 100;
const CONCURRENT_READS = 8;

export type ExperimentData = Pick<Viewer, 'may' | 'csrfToken'> & {
  at: Timestamp;
  story: ExperimentStory;
  /** Incidents that list expected alerts: those that were open, or opened when the alerts became real. By `alertKey`. */
  incidents: ReadonlyMap<string, Named>;
};

/** @throws Refusal 404 */
export function experimentIdIn(param: Readonly<Record<string, string>>): ExperimentId {
  const id = ExperimentId.safeParse(param['id']);
  if (!id.success) throw new Refusal(404, 'unknown-experiment', 'there is no such experiment');
  return id.data;
}

/** Identifies an alert by its episode. */
export const alertKey = ({
  service,
  environment,
  episode,
}: Pick<ExpectedAlert, 'service' | 'environment' | 'episode'>): string => `${service}/${environment}/${episode}`;

/** @throws Refusal 403, 404 */
export async function loadExperiment(core: ConsoleDeps, { viewer, param }: PageRequest): Promise<ExperimentData> {
  const { caller, may, csrfToken } = viewer;
  const deps = withPorts(core);
  const story = await viewExperiment(deps, caller, experimentIdIn(param));
  return { may, csrfToken, at: deps.clock.now(), story, incidents: await incidentsOf(deps, may, story) };
}

/** Finds the incidents by the episodes of the alerts. */
async function incidentsOf(
  { incidents }: Pick<ConsoleDeps, 'incidents'>,
  may: Viewer['may'],
  { alerts, started_at: startedAt }: ExperimentStory,
): Promise<Map<string, Named>> {
  const incidentsByAlert = new Map<string, Named>();
  const alertGroups = [...Map.groupBy(alerts, ({ service, environment }) => `${service}/${environment}`).values()];
  await pooled(alertGroups, CONCURRENT_READS, async (group) => {
    const [first] = group;
    if (first === undefined || startedAt === null || !may('incidents:read', first)) return;
    const [open, recent] = await Promise.all([
      incidents.openAt(first),
      incidents.recent({ since: startedAt, limit: INCIDENTS_READ, service: first.service }),
    ]);
    const candidates = new Map(
      [...(open === undefined ? [] : [open]), ...recent.items]
        .filter(({ environment }) => environment === first.environment)
        .map(({ id, number }) => [id, { id, number }]),
    );
    const expected = new Set(group.map(alertKey));
    for (const incident of candidates.values())
      for (const signal of (await incidents.signals(incident.id, { limit: SIGNALS_READ })).items)
        if (expected.has(alertKey(signal))) incidentsByAlert.set(alertKey(signal), incident);
  });
  return incidentsByAlert;
}
