import type { IncidentDeps } from '../../domain/ports/deps.ts';
import { SHARED_LIMITS } from '../clients/client.ts';
import { s3Snapshots } from '../clients/snapshots.ts';
import { subscriberWebhooks } from '../../integrations/webhook/subscriber-webhooks.ts';
import { notifyingIncidents, notifyingPostmortems } from '../notifying-stores.ts';
import { QuarantineTable } from '../table/alerts/quarantine.ts';
import { DecisionTable } from '../table/incidents/decisions.ts';
import { DrillTable } from '../table/incidents/drills.ts';
import { EffectTable } from '../table/incidents/effects.ts';
import { EvidenceTable } from '../table/incidents/evidence.ts';
import { IncidentGroupTable } from '../table/incidents/incident-groups.ts';
import { IncidentLog } from '../table/incidents/incident-log.ts';
import { IncidentTable } from '../table/incidents/incidents.ts';
import { RunbookTable } from '../table/incidents/runbooks.ts';
import { AlertNoticeTable } from '../table/messages/alert-notices.ts';
import { ActionItemIssueTable } from '../table/postmortems/action-item-issues.ts';
import { PostmortemTable } from '../table/postmortems/postmortems.ts';
import { DeliveryTable } from '../table/status/deliveries.ts';
import { PublicIncidentTable } from '../table/status/public-incidents.ts';
import { SubscriberTable } from '../table/status/subscribers.ts';
import type { Environment } from '../secrets/env.ts';
import type { Shared } from './shared.ts';

/** Creates the stores of incidents and of the alerts before them. */
export function incidentDeps(
  { FIREBREAK_SNAPSHOT_BUCKET: bucket }: Environment,
  { system: { clock, blobs, counters, log }, table, projections, s3 }: Shared,
): IncidentDeps {
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
    postmortems: notifyingPostmortems(new PostmortemTable(table), (...subjects) => projections.changed(...subjects)),
    actionItemIssues: new ActionItemIssueTable(table, clock),
    evidencePacks: new EvidenceTable(table, blobs),
    quarantine: new QuarantineTable(table, blobs, clock),
    alertNotices: new AlertNoticeTable(table),
    projections,
    publicIncidents: new PublicIncidentTable(table, clock),
    subscribers: new SubscriberTable(table, clock),
    deliveries: new DeliveryTable(table),
    snapshots: s3Snapshots(s3, bucket, SHARED_LIMITS),
    subscriberWebhooks: subscriberWebhooks({ clock }),
  };
}
