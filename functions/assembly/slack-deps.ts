import { STATUS_FIELDS } from '../../schemas/incidents/incident.ts';
import * as z from 'zod';
import type { Blobs } from '../../core/domain/ports/system.ts';
import type {
  Catalogue,
  IncidentDetails,
  OpenIncident,
  RecentChange,
  SlackDeps,
} from '../../core/domain/ports/slack.ts';
import { interactionCalls } from '../../vendors/slack/interaction-calls.ts';
import { StoredChange, StoredIncident } from '../../schemas/incidents/stored-records.ts';
import { IncidentId, Mode } from '../../schemas/config/names.ts';
import { PeopleFile } from '../../schemas/people/people.ts';
import { inboundQueue } from '../../core/stores/queues/queues.ts';
import { CONFIG_KEY } from '../../core/stores/config/published.ts';
import { keys, shardedLists } from '../../core/stores/keys.ts';
import { incidentWithNumber } from '../../core/stores/incidents/incident-numbers.ts';
import { openIncidentsPage } from '../../core/stores/incidents/open-incidents.ts';
import { QuarantineTable } from '../../core/stores/alerts/quarantine.ts';
import { shardedPage } from '../../core/stores/sharded.ts';
import { CounterTable } from '../../core/stores/counters.ts';
import { Table } from '../../core/stores/table.ts';
import type { Platform } from '../../platforms/platform.ts';
import type { Parts } from './deps/shared.ts';

/** Limit of incidents in a response to a person who is waiting. */
const INCIDENTS_MAX = 200;

/** Number of changes to read to find the deployments of the last hours. */
const CHANGES_MAX = 40;

/** What answering Slack needs: little, because Slack waits three seconds, also for a cold start. */
export type SlackParts = Pick<Parts, 'clock' | 'log'> & {
  platform: Pick<Platform, 'store' | 'blobs' | 'queues' | 'secrets'>;
};

/** Builds the dependencies for answering Slack. */
export function slackDeps({ platform: { store, blobs, queues, secrets }, clock, log }: SlackParts): SlackDeps {
  const table = new Table(store);
  return {
    clock,
    log,
    counters: new CounterTable(table, log, clock),
    secrets,
    inbound: inboundQueue(queues),
    quarantine: new QuarantineTable(table, blobs, clock),
    slack: interactionCalls({ secrets }),
    catalogue: () => readCatalogue(blobs),
    openIncidents: () => readOpen(table),
    recentChanges: () => readRecent(table),
    inChannel: async (id) => {
      const row = await table.get(keys.channel(id));
      return row && IncidentId.parse(row['incident_id']);
    },
    withNumber: (number) => incidentWithNumber(table, number),
    incident: async (id) => {
      const item = await table.get(keys.incident(id));
      return item && Incident.parse(item);
    },
    details: (id) => readDetails(table, id),
    automation: async () => AutomationFields.parse((await table.get(keys.automation())) ?? {}),
  };
}

const Incident = StoredIncident.pick({
  id: true,
  number: true,
  service: true,
  environment: true,
  title: true,
  severity: true,
  ...STATUS_FIELDS,
  opened_at: true,
  channel: true,
  channel_id: true,
  parent_id: true,
  firing: true,
});

const RecentChangeRecord = StoredChange.pick({
  service: true,
  environment: true,
  version: true,
  kind: true,
  status: true,
  started_at: true,
  rolled_back_by: true,
});

const AutomationFields = z.object({
  paused: z.boolean().default(false),
  reason: z.string().nullable().default(null),
  by: z.string().nullable().default(null),
  mode: Mode.nullable().default(null),
});

/** The published configuration, which was validated as a whole; only these parts are read here. */
const Published = z.object({
  config: z.object({
    services: z.record(
      z.string(),
      z.object({ team: z.string().optional(), environments: z.record(z.string(), z.unknown()).default({}) }),
    ),
    people: PeopleFile.prefault({}),
  }),
});

/** Before a configuration is published, the catalogue is empty. */
async function readCatalogue(blobs: Blobs): Promise<Catalogue> {
  const body = await blobs.get(CONFIG_KEY);
  if (body === undefined) return { services: {}, people: PeopleFile.parse({}) };
  const { services, people } = Published.parse(JSON.parse(Buffer.from(body).toString())).config;
  const entries = Object.entries(services).map(
    ([name, { team, environments }]) => [name, { team, environments: Object.keys(environments) }] as const,
  );
  return { services: Object.fromEntries(entries), people };
}

/** Loads what describes an incident on the first use, because the function has to start within Slack's limit. */
async function readDetails(table: Table, id: IncidentId): Promise<IncidentDetails | undefined> {
  const [{ overviewOf }, { detailsCard }] = await Promise.all([
    import('../../core/stores/incidents/story.ts'),
    import('../../core/domain/messages/incident-card.ts'),
  ]);
  const story = await overviewOf(table, id);
  if (story === undefined) return undefined;
  const { number, service, environment } = story.incident;
  return { id, number, service, environment, message: detailsCard(story) };
}

/** Newest first. */
const readOpen = async (table: Table): Promise<OpenIncident[]> =>
  (await openIncidentsPage(table, { limit: INCIDENTS_MAX })).items.map((item) => Incident.parse(item));

const readRecent = async (table: Table): Promise<RecentChange[]> =>
  (await shardedPage(table, shardedLists.changes, { limit: CHANGES_MAX })).items.map((item) =>
    RecentChangeRecord.parse(item),
  );
