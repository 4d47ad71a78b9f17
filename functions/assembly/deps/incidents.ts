import { QuarantineTable } from '../../../core/alerts/stores/quarantine.ts';
import { DecisionTable } from '../../../core/incidents/stores/decisions.ts';
import { DrillTable } from '../../../core/incidents/stores/drills.ts';
import { EffectTable } from '../../../core/incidents/stores/effects.ts';
import { EvidenceTable } from '../../../core/incidents/stores/evidence.ts';
import { IncidentGroupTable } from '../../../core/incidents/stores/incident-groups.ts';
import { IncidentLog } from '../../../core/incidents/stores/incident-log.ts';
import { IncidentTable } from '../../../core/incidents/stores/incidents.ts';
import { shownIncidents } from '../../../core/incidents/stores/shown-incidents.ts';
import { RunbookTable } from '../../../core/incidents/stores/runbooks.ts';
import { LookTable } from '../../../core/look/stores/looks.ts';
import { AlertNoticeTable } from '../../../core/messages/stores/alert-notices.ts';
import type { Shared } from './shared.ts';

/** Creates the stores of incidents and of the alerts before them. */
export function incidentDeps({ system: { clock, blobs, counters, log }, table, projections, changed }: Shared) {
  const observers = { counters, events: new IncidentLog(table, log), shown: shownIncidents(table, changed) };
  return {
    incidents: new IncidentTable(table, clock, observers),
    incidentGroups: new IncidentGroupTable(table, clock, observers),
    decisions: new DecisionTable(table, blobs, clock, observers),
    effects: new EffectTable(table, clock, observers),
    looks: new LookTable(table),
    runbooks: new RunbookTable(table, blobs, clock, observers),
    drills: new DrillTable(table, clock),
    evidencePacks: new EvidenceTable(table, blobs),
    quarantine: new QuarantineTable(table, blobs, clock),
    alertNotices: new AlertNoticeTable(table),
    projections,
  };
}
