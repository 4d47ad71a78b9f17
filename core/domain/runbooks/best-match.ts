import { incidentName } from '../incidents/incident-number.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import type { Config } from '../../../schemas/config/config.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { Runbook } from '../../../schemas/runbooks/runbook.ts';
import { routingLabels } from '../alerts/routing.ts';
import { serviceEntry } from '../catalogue/catalogue.ts';
import { byPriority, select } from './select.ts';
import type { Variables } from './variables.ts';

/** Maximum number of automatic runbooks per incident. */
export const RUNBOOKS_MAX = 5;

/** Tier of services outside the catalogue: the least critical. */
const NO_TIER = 4;

/** Returns the variables that describe an incident. */
export const incidentVariables = (incident: IncidentRecord): Variables['incident'] => ({
  id: incident.id,
  name: incidentName(incident),
  service: incident.service,
  environment: incident.environment,
  severity: incident.severity,
  title: incident.title,
  status: incident.status,
  firing: Math.max(0, incident.firing),
  opened_at: incident.opened_at,
});

/** Returns the variables that describe the service of an incident. */
export function serviceVariables(incident: IncidentRecord, config: Pick<Config, 'services'>): Variables['service'] {
  const entry = incident.unmatched === null ? serviceEntry(config.services, incident.service) : undefined;
  return { team: entry?.team ?? '', tier: entry?.tier ?? NO_TIER };
}

/** Returns the variables for a runbook's `when` during its selection, before any step or judgement. */
const selectionVariables = (
  incident: IncidentRecord,
  config: Pick<Config, 'services'>,
  signal: Pick<Signal, 'annotations'>,
  labels: ReadonlyMap<string, string>,
): Variables => ({
  incident: incidentVariables(incident),
  labels,
  annotations: new Map(signal.annotations),
  inputs: {},
  service: serviceVariables(incident, config),
  steps: {},
  suspect: null,
  decision: null,
});

export type BestMatch<S> = { runbook: Runbook; signal: S; labels: ReadonlyMap<string, string> };

/**
 * Returns the runbook with the highest priority that matches one of the firing alerts and has not run yet, with that
 * alert.
 *
 * @param started names of the runbooks that the incident follows already
 */
export function bestMatch<S extends Signal>(
  incident: IncidentRecord,
  config: Pick<Config, 'runbooks' | 'services'>,
  firing: readonly S[],
  started: ReadonlySet<string>,
): BestMatch<S> | null {
  const usable = config.runbooks.runbooks.filter(
    ({ name, inputs }) => !started.has(name) && Object.values(inputs).every(({ required }) => !required),
  );
  if (usable.length === 0) return null;
  const entry = incident.unmatched === null ? serviceEntry(config.services, incident.service) : undefined;
  const found = new Map<Runbook, S>();
  for (const signal of firing) {
    const labels = routingLabels(signal, entry);
    const { chosen } = select(usable, labels, selectionVariables(incident, config, signal, labels));
    if (chosen !== null) found.set(chosen, signal);
  }
  const [runbook] = byPriority([...found.keys()]);
  const signal = runbook && found.get(runbook);
  return runbook === undefined || signal === undefined
    ? null
    : { runbook, signal, labels: routingLabels(signal, entry) };
}
