import type { IncidentDeps } from '../../domain/ports/deps.ts';
import { subscriberWebhooks } from '../../integrations/webhook/subscriber-webhooks.ts';
import { notifyingIncidents } from '../../stores/notifying-stores.ts';
import { QuarantineTable } from '../../stores/alerts/quarantine.ts';
import { DecisionTable } from '../../stores/incidents/decisions.ts';
import { DrillTable } from '../../stores/incidents/drills.ts';
import { EffectTable } from '../../stores/incidents/effects.ts';
import { EvidenceTable } from '../../stores/incidents/evidence.ts';
import { IncidentGroupTable } from '../../stores/incidents/incident-groups.ts';
import { IncidentLog } from '../../stores/incidents/incident-log.ts';
import { IncidentTable } from '../../stores/incidents/incidents.ts';
import { RunbookTable } from '../../stores/incidents/runbooks.ts';
import { AlertNoticeTable } from '../../stores/messages/alert-notices.ts';
import { DeliveryTable } from '../../stores/status/deliveries.ts';
import { PublicIncidentTable } from '../../stores/status/public-incidents.ts';
import { SubscriberTable } from '../../stores/status/subscribers.ts';
import type { Shared } from './shared.ts';

/** Creates the stores of incidents and of the alerts before them. */
export function incidentDeps({
  system: { clock, blobs, counters, log },
  platform,
  table,
  projections,
}: Shared): IncidentDeps {
  const observers = { counters, events: new IncidentLog(table, log) };
  return {
    ...notifyingIncidents(
      {
        incidents: new IncidentTable(table, clock, observers),
        incidentGroups: new IncidentGroupTable(table, clock, observers),
        decisions: new DecisionTable(table, blobs, clock, observers),
        effects: new EffectTable(table, clock, observers),
        runbooks: new RunbookTable(table, blobs, clock),
      },
      (...subjects) => projections.changed(...subjects),
    ),
    drills: new DrillTable(table, clock),
    evidencePacks: new EvidenceTable(table, blobs),
    quarantine: new QuarantineTable(table, blobs, clock),
    alertNotices: new AlertNoticeTable(table),
    projections,
    publicIncidents: new PublicIncidentTable(table, clock),
    subscribers: new SubscriberTable(table, clock),
    deliveries: new DeliveryTable(table),
    snapshots: platform.publicFiles,
    subscriberWebhooks: subscriberWebhooks({ clock }),
  };
}
