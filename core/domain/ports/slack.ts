import type { ChatMessage } from '../messages/chat-message.ts';
import type { SlackUser } from '../people/people.ts';
import type { Quarantine } from './alerts.ts';
import type { InboundQueue } from './messages.ts';
import type { Clock, Counters, Log, Secrets } from './system.ts';
import type { Automation } from '../../../schemas/access/access.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import type { IncidentRecord, STATUS_FIELDS } from '../../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { PeopleFile } from '../../../schemas/people/people.ts';

/** Configuration that is needed while Slack waits for a response. */
export type Catalogue = {
  services: Readonly<Record<string, { team?: string | undefined; environments: readonly string[] }>>;
  people: PeopleFile;
};

/** Incident data that is shown while Slack waits for a response. */
export type OpenIncident = Pick<
  IncidentRecord,
  'id' | 'service' | 'environment' | 'title' | 'severity' | 'status' | 'opened_at'
> &
  Partial<
    Pick<
      IncidentRecord,
      'number' | 'channel' | 'channel_id' | 'parent_id' | 'firing' | Exclude<keyof typeof STATUS_FIELDS, 'status'>
    >
  >;

/** The details of an incident, for the button of its card. */
export type IncidentDetails = Pick<IncidentRecord, 'id' | 'number' | 'service' | 'environment'> & {
  message: ChatMessage;
};

/** Change data that is shown while Slack waits for a response. */
export type RecentChange = Pick<
  Change,
  'service' | 'environment' | 'version' | 'kind' | 'status' | 'started_at' | 'rolled_back_by'
>;

/** A modal in Block Kit format. */
export type ModalView = { type: 'modal'; callback_id: string; private_metadata: string; [key: string]: unknown };

/** Slack Web API calls made while Slack waits for a response. Each call has a time-out that leaves time to respond. */
export type SlackCalls = {
  /** @throws SlackRefused */
  openView(trigger: string, view: ModalView): Promise<void>;
  /**
   * Returns a user without user groups, which would take many calls. @param workspaces workspaces whose users count as
   * members @throws SlackRefused
   */
  user(id: string, workspaces: readonly string[]): Promise<SlackUser>;
  /** Sends an ephemeral message in the channel, else a direct message from the app. */
  sendEphemeral(to: { user: string; responseUrl: string | null }, message: ChatMessage): Promise<void>;
};

/**
 * Dependencies for responding to Slack, kept minimal: a function that must start within Slack's limit of three seconds
 * has to be small. Reads may fail; callers cache them.
 */
export type SlackDeps = {
  clock: Clock;
  log: Log;
  counters: Pick<Counters, 'add'>;
  secrets: Secrets;
  inbound: InboundQueue;
  quarantine: Pick<Quarantine, 'keep'>;
  slack: SlackCalls;
  catalogue(): Promise<Catalogue>;
  /** Returns the open incidents. Eventually consistent. */
  openIncidents(): Promise<OpenIncident[]>;
  /** Returns the newest changes of all services, newest first. */
  recentChanges(): Promise<RecentChange[]>;
  /** Returns the incident of a channel, by Slack's ID. Strongly consistent. Undefined: none. */
  inChannel(id: string): Promise<IncidentId | undefined>;
  /** Returns the incident with a number. Strongly consistent. Undefined: none. */
  withNumber(number: number): Promise<IncidentId | undefined>;
  /** Returns an incident. Strongly consistent. Undefined: none. */
  incident(id: IncidentId): Promise<OpenIncident | undefined>;
  /** Returns what the card of an incident has no room for, and the scope in which it may be read. Undefined: no such incident. */
  details(id: IncidentId): Promise<IncidentDetails | undefined>;
  automation(): Promise<Pick<Automation, 'paused' | 'reason' | 'by' | 'mode'>>;
};
