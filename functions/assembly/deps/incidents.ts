import { QuarantineTable } from '../../../core/stores/alerts/quarantine.ts';
import { DecisionTable } from '../../../core/stores/incidents/decisions.ts';
import { DrillTable } from '../../../core/stores/incidents/drills.ts';
import { EffectTable } from '../../../core/stores/incidents/effects.ts';
import { EvidenceTable } from '../../../core/stores/incidents/evidence.ts';
import { HealthSampleTable } from '../../../core/stores/incidents/health-samples.ts';
import { IncidentGroupTable } from '../../../core/stores/incidents/incident-groups.ts';
import { IncidentTable } from '../../../core/stores/incidents/incidents.ts';
import { shownIncidents } from '../../../core/stores/incidents/shown-incidents.ts';
import { RunbookTable } from '../../../core/stores/incidents/runbooks.ts';
import { LookTable } from '../../../core/stores/look/looks.ts';
import { AlertNoticeTable } from '../../../core/stores/messages/alert-notices.ts';
import type { Shared } from './shared.ts';

/** Creates the stores of incidents and of the alerts before them. */
export function incidentDeps({ system: { clock, blobs, counters }, table, projections, events, changed }: Shared) {
  const observers = { counters, events, shown: shownIncidents(table, changed) };
  return {
    incidents: new IncidentTable(table, clock, observers),
    incidentGroups: new IncidentGroupTable(table, clock, observers),
    decisions: new DecisionTable(table, blobs, clock, observers),
    effects: new EffectTable(table, clock, observers),
    looks: new LookTable(table),
    runbooks: new RunbookTable(table, blobs, clock, observers),
    drills: new DrillTable(table, clock),
    evidencePacks: new EvidenceTable(table, blobs),
    healthSamples: new HealthSampleTable(table),
    quarantine: new QuarantineTable(table, blobs, clock),
    alertNotices: new AlertNoticeTable(table),
    projections,
  };
}
