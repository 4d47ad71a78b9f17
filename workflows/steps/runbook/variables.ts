import { flagKeyOf } from '../../../core/domain/changes/flags.ts';
import type { Deps } from '../../../core/domain/ports/deps.ts';
import type { SelectedRunbook } from '../../../core/domain/ports/runbooks.ts';
import { incidentVariables, serviceVariables } from '../../../core/domain/runbooks/best-match.ts';
import type { Variables } from '../../../core/domain/runbooks/variables.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { Runbook } from '../../../schemas/runbooks/runbook.ts';
import type { StepEnds } from '../../../schemas/runbooks/parts/runs.ts';

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
    incident: incidentVariables(incident),
    labels: new Map(labels),
    annotations: new Map(annotations),
    inputs: { ...defaultsOf(runbook), ...inputs },
    service: serviceVariables(incident, config),
    steps: ends,
    suspect:
      top && change
        ? {
            version: change.kind === 'flag' ? flagKeyOf(top) : top.version,
            kind: change.kind,
            confidence: top.confidence,
            relation: change.service === incident.service ? 'same' : 'dependency',
          }
        : null,
    decision: judged ? { kind: judged.kind, because: judged.because } : null,
  };
}
