import type { ChatMessage } from './outlets.ts';
import type { SlackUser } from './people.ts';
import type { Clock, Log, PeopleQueue, Quarantine, Secrets } from './ports.ts';
import type { Automation } from '../schemas/access.ts';
import type { Change } from '../schemas/change.ts';
import type { IncidentRecord } from '../schemas/incident.ts';
import type { IncidentId } from '../schemas/names.ts';
import type { PeopleFile } from '../schemas/people.ts';

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
  Partial<Pick<IncidentRecord, 'channel' | 'channel_id' | 'parent_id' | 'firing'>>;

/** Change data that is shown while Slack waits for a response. */
export type RecentChange = Pick<
  Change,
  'service' | 'environment' | 'version' | 'kind' | 'status' | 'started_at' | 'rolled_back_by'
>;

/** A modal of Block Kit. */
export type ModalView = { type: 'modal'; callback_id: string; private_metadata: string; [key: string]: unknown };

/** Slack's Web API, as far as it is needed while Slack waits. Each call has a time-out that leaves time to answer. */
export type SlackCalls = {
  /** @throws SlackRefused */
  openView(trigger: string, view: ModalView): Promise<void>;
  /** Groups are left out: to know them takes many calls. @param workspaces whose members count @throws SlackRefused */
  user(id: string, workspaces: readonly string[]): Promise<SlackUser>;
  /** Tells somebody something where only they see it: where they were, else in their messages with the app. */
  whisper(to: { user: string; responseUrl: string | null }, message: ChatMessage): Promise<void>;
};

/**
 * All that is needed before Slack is answered, and no more: a function that starts within Slack's three seconds is a
 * small one. Reads may fail, and are remembered by whoever asks.
 */
export type SlackDeps = {
  clock: Clock;
  log: Log;
  secrets: Secrets;
  people: PeopleQueue;
  quarantine: Pick<Quarantine, 'keep'>;
  slack: SlackCalls;
  catalogue(): Promise<Catalogue>;
  /** As far as the index knows. */
  openIncidents(): Promise<OpenIncident[]>;
  /** The newest changes of all services, newest first. */
  recentChanges(): Promise<RecentChange[]>;
  /** Whose channel that is, by Slack's id. Strongly consistent. Undefined: no incident's. */
  inChannel(id: string): Promise<IncidentId | undefined>;
  /** Strongly consistent. Undefined: there is none. */
  incident(id: IncidentId): Promise<OpenIncident | undefined>;
  automation(): Promise<Pick<Automation, 'paused' | 'reason' | 'by' | 'mode'>>;
};
