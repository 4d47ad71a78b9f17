import { serviceEntry } from '../../../domain/catalogue/catalogue.ts';
import type { SignalView } from '../../../domain/ports/alerts.ts';
import type { Deps } from '../../../domain/ports/deps.ts';
import type { SelectedRunbook } from '../../../domain/ports/runbooks.ts';
import type { Variables } from '../../../domain/runbooks/variables.ts';
import type { Config } from '../../../schemas/config/config.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { Runbook } from '../../../schemas/runbooks/runbook.ts';
import type { StepEnds } from '../../../schemas/runbooks/parts/runs.ts';

/** Tier of services outside the catalogue: the least critical. */
const NO_TIER = 4;

const incidentOf = (incident: IncidentRecord): Variables['incident'] => ({
  id: incident.id,
  service: incident.service,
  environment: incident.environment,
  severity: incident.severity,
  title: incident.title,
  status: incident.status,
  firing: Math.max(0, incident.firing),
  opened_at: incident.opened_at,
});

function serviceOf(incident: IncidentRecord, config: Config): Variables['service'] {
  const entry = incident.unmatched === null ? serviceEntry(config.services, incident.service) : undefined;
  return { team: entry?.team ?? '', tier: entry?.tier ?? NO_TIER };
}

/** Returns the variables for a runbook's `when` while it is chosen, before any step or judgement. */
export const beforeItBegins = (
  incident: IncidentRecord,
  config: Config,
  signal: SignalView,
  labels: ReadonlyMap<string, string>,
): Variables => ({
  incident: incidentOf(incident),
  labels,
  annotations: new Map(signal.annotations),
  inputs: {},
  service: serviceOf(incident, config),
  steps: {},
  suspect: null,
  decision: null,
});

const defaultsOf = ({ inputs }: Runbook): Variables['inputs'] =>
  Object.fromEntries(
    Object.entries(inputs).flatMap(([name, input]) => (input.default === undefined ? [] : [[name, input.default]])),
  );

/** Returns the variables for the expressions of a step, from the current state. */
export async function variablesOf(
  deps: Pick<Deps, 'changes' | 'config' | 'decisions'>,
  incident: IncidentRecord,
  { runbook, labels, annotations, inputs }: SelectedRunbook,
  ends: StepEnds,
): Promise<Variables> {
  const config = await deps.config.current();
  const judged = incident.mitigations === 0 ? undefined : await deps.decisions.get(incident.id, incident.mitigations);
  const [top] = incident.suspects;
  const change = top && (await deps.changes.get(top.change_id));
  return {
    incident: incidentOf(incident),
    labels: new Map(labels),
    annotations: new Map(annotations),
    inputs: { ...defaultsOf(runbook), ...inputs },
    service: serviceOf(incident, config),
    steps: ends,
    suspect:
      top && change
        ? {
            version: top.version,
            kind: change.kind,
            confidence: top.confidence,
            relation: change.service === incident.service ? 'same' : 'dependency',
          }
        : null,
    decision: judged ? { kind: judged.kind, because: judged.because } : null,
  };
}
