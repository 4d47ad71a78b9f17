import type { Deps } from '../ports.ts';
import { loaded, readBudgets } from '../../../core/domain/ports/extensions.ts';
import type { Contradiction } from '../../../core/domain/incidents/page-contradiction.ts';
import { contradictionOf, planCheck, sliState } from '../decisions/contradictions.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { serviceEntry } from '../../../core/domain/catalogue/catalogue.ts';
import { pooled } from '../../../core/domain/concurrency.ts';

type ComparePagesDeps = Pick<Deps, 'clock' | 'config' | 'extensions' | 'incidents' | 'publicIncidents'>;

const AT_ONCE = 8;

/**
 * Records on open incidents that the public status page and the SLIs of their service contradict each other, such as a
 * component shown as operational that fails. After five minutes, adds an entry to the timeline.
 */
export async function comparePages(deps: ComparePagesDeps, open: readonly IncidentRecord[]): Promise<void> {
  const config = await deps.config.current();
  const shown = open.filter(
    ({ service, environment }) =>
      serviceEntry(config.services, service)?.statusPage !== undefined &&
      config.statusPage.environments.includes(environment),
  );
  if (shown.length === 0 || config.slos.length === 0) return;
  const published = await deps.publicIncidents.open();
  const budgets = await readBudgets(await loaded(deps.extensions.errorBudgets), shown);
  const now = deps.clock.now();
  const checked = shown.map((incident, index) => ({ incident, statuses: budgets.statuses[index] ?? [] }));
  await pooled(checked, AT_ONCE, async ({ incident, statuses }) => {
    const sli = sliState(statuses, budgets.evaluatedAt, now);
    const id = deps.publicIncidents.idOf(incident.id);
    const publicRecord = published.find((publicIncident) => publicIncident.id === id);
    const contradiction =
      sli === 'unknown' ? sli : contradictionOf(incident, sli, publicRecord, { config, published, now });
    await recordContradiction(deps, incident, contradiction);
  });
}

async function recordContradiction(
  deps: ComparePagesDeps,
  { id, page_contradiction }: IncidentRecord,
  contradiction: Contradiction | null | 'unknown',
): Promise<void> {
  const nothingToEnd = page_contradiction === undefined || page_contradiction.over;
  if ((contradiction === null || contradiction === 'unknown') && nothingToEnd) return;
  // The list of open incidents is eventually consistent.
  const incident = await deps.incidents.read(id);
  if (incident === undefined || incident.status === 'resolved') return;
  const plan = planCheck(incident.page_contradiction, contradiction, deps.clock.now());
  for (const [key, entry] of plan.entries) await deps.incidents.note(id, key, entry);
  if (plan.record !== undefined) await deps.incidents.setPageContradiction(id, plan.record);
}
