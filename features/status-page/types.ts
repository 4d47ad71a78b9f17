import type { IncidentId } from '../../schemas/config/names.ts';
import type { PublicIncident } from './schemas/public-incident.ts';
import type { ComponentStatus, PublicStatus } from './schemas/states.ts';
import type { Subscriber, SubscriptionChannel, Delivery } from './schemas/subscriber.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import type { VendorResponse } from '../../core/domain/ports/vendor-response.ts';
import type { LinkPurpose } from './decisions/subscriptions/links.ts';
import type { Message } from './decisions/subscriptions/message.ts';

/** Incidents as the public sees them. The projector of the status page writes them; pages read nothing else. */
export type PublicIncidents = PublicIncidentIds & PublicIncidentStore;

export type PublicIncidentIds = {
  /** Returns the public ID of an incident, which reveals nothing of the incident's own. */
  idOf(incident: IncidentId): string;
};

export type PublicIncidentStore = {
  /** Strongly consistent. */
  read(id: string): Promise<PublicIncident | undefined>;
  /**
   * Writes the whole record. Only the holder of the projector's lease calls it.
   *
   * @param announce whether pages have subscribers: then the record is marked for their projector with the same write
   */
  write(incident: PublicIncident, announce: boolean): Promise<void>;
  /** Returns unresolved incidents, newest first. */
  open(): Promise<PublicIncident[]>;
  /** Returns the newest incidents that started in a month (UTC), such as `2026-11`, newest first. */
  startedIn(month: string): Promise<PublicIncident[]>;
  /** Returns since when Firebreak watches components, by name. */
  watchedSince(): Promise<ReadonlyMap<string, Timestamp>>;
  /** Records since when Firebreak watches components that are not recorded. */
  watch(components: readonly string[], since: Timestamp): Promise<void>;
};

/** People and systems that get updates of a status page. */
export type Subscribers = SubscriberKeys & SubscriberStore;

/** What identifies a subscription, and proves that a request is from its owner. */
export type SubscriberKeys = {
  /** Returns the ID of a subscription. */
  idOf(page: string, channel: SubscriptionChannel, to: string): string;
  /** Returns a new secret for the links of a subscription. */
  newKey(): string;
  /** Returns the code of a link, which is signed with the subscription's own key. */
  codeOf(subscriber: Pick<Subscriber, 'page' | 'id' | 'key'>, purpose: LinkPurpose): string;
  /** Returns the secret that signs messages to a webhook: `whsec_…`. */
  secretOf(subscriber: Pick<Subscriber, 'page' | 'id' | 'key'>): string;
  /** Compares a code in constant time. */
  isCode(subscriber: Pick<Subscriber, 'page' | 'id' | 'key'>, purpose: LinkPurpose, code: string): boolean;
};

export type SubscriberStore = {
  /** Strongly consistent. Undefined: there is none, or it is to be deleted. */
  read(page: string, id: string): Promise<Subscriber | undefined>;
  /** Returns all of a page in every state. Strongly consistent. */
  of(page: string): Promise<Subscriber[]>;
  /**
   * Stores a subscription, and counts the modification.
   *
   * @param asks a message is due, so that the projector is marked in the same transaction
   * @returns false: it was modified concurrently, and nothing was stored
   */
  write(subscriber: Subscriber, asks?: boolean): Promise<boolean>;
  /** Deletes a subscription with its address. That it existed is known for a year, so that no import brings it back. */
  remove(page: string, id: string): Promise<void>;
  /** Returns whether it was removed within a year. Strongly consistent. */
  hasLeft(page: string, id: string): Promise<boolean>;
  /** Counts a request of a client, to a page, or for a mailbox, in the current hour or day (UTC). Returns the count with it. */
  count(who: string, at: Timestamp, per?: 'hour' | 'day'): Promise<number>;
};

/** Webhooks that anybody can subscribe. */
export type SubscriberWebhooks = {
  /**
   * Makes one attempt to send a message to a public address.
   *
   * @param secret signs messages of the channel `webhook`
   * @param key the same for each attempt, by which receivers detect repeats
   */
  send(to: {
    channel: Exclude<SubscriptionChannel, 'email'>;
    url: string;
    message: Message;
    secret: string;
    key: string;
  }): Promise<VendorResponse<null>>;
};

/** An incident or a maintenance on a page. */
export type PageEvent = { page: string; kind: 'incident' | 'maintenance'; id: string };

/** What subscribers have been sent. Only the holder of the projector's lease writes it. */
export type Deliveries = {
  /** By the subscriber's ID. Strongly consistent. */
  of(event: PageEvent): Promise<ReadonlyMap<string, Delivery>>;
  write(event: PageEvent, subscriber: string, delivery: Delivery, at: Timestamp): Promise<void>;
};

/** `group`: name of the group that contains it. */
export type PublicComponent = { id: string; name: string; group: string | null; status: string };

/** Hosted public status page. One attempt per call. */
export type StatusPage = {
  components(): Promise<VendorResponse<PublicComponent[]>>;
  setComponent(id: string, status: ComponentStatus): Promise<VendorResponse<null>>;
  /** Finds the incident with this key among the unresolved ones and those resolved in the last days. */
  findIncident(key: string): Promise<VendorResponse<{ id: string; status: string } | null>>;
  /** Creates an incident; subscribers are notified. */
  createIncident(incident: PublicUpdate & { key: string; name: string }): Promise<VendorResponse<{ id: string }>>;
  updateIncident(id: string, update: PublicUpdate): Promise<VendorResponse<null>>;
  /**
   * Finds the maintenance with this key among those that are planned, in progress, or ended lately. `change`: that of the
   * last update that arrived.
   */
  findMaintenance(key: string): Promise<VendorResponse<{ id: string; change: string | null } | null>>;
  /** Creates a maintenance; subscribers are notified. */
  createMaintenance(maintenance: PlannedMaintenance): Promise<VendorResponse<{ id: string }>>;
  /** @param update subscribers are notified if it has a text */
  updateMaintenance(
    id: string,
    update: Omit<PlannedMaintenance, 'body'> & { body: string | null },
  ): Promise<VendorResponse<null>>;
};

/** A maintenance at a hosted page. The page starts and ends it only on request, never by its own clock. */
export type PlannedMaintenance = {
  /** By which the maintenance is found. */
  key: string;
  /** By which an update is recognized. */
  change: string;
  name: string;
  status: 'scheduled' | 'in_progress' | 'completed';
  body: string;
  from: Timestamp;
  until: Timestamp;
  /** IDs of the components that it affects. */
  affects: readonly string[];
  /** Statuses by component ID. */
  components: Readonly<Record<string, ComponentStatus>>;
};

export type PublicUpdate = {
  status: PublicStatus;
  body: string;
  /** Statuses by component ID. */
  components: Readonly<Record<string, ComponentStatus>>;
};
