import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { IncidentView, TimelineEntry } from '../../schemas/incidents/incident.ts';
import { millisOf, Timestamp } from '../../schemas/time/time.ts';
import { type Firebreak, ignoreFailedRequest } from './firebreak.ts';

const POLL_EVERY_MS = 200;

/** How long to wait for the outcome of a call. After it, a hanging call is printed without an outcome. */
const UNDECIDED_MAX_MS = 1500;

/** An entry can be stored up to this long after its timestamp. */
const WRITTEN_WITHIN_MS = 150;

/** More than any story needs. */
const LIST_MAX = 500;

/** A call in the sandbox's journal. */
const VendorCall = z.object({
  id: z.string(),
  vendor: z.string(),
  method: z.string(),
  path: z.string(),
  query: z.string().nullable(),
  body: z.unknown(),
  /** Status that the vendor decided on. */
  outcome: z.number().nullable(),
  status: z.number().nullable(),
  at: Timestamp,
  fault: z.string().nullable(),
});
export type VendorCall = z.infer<typeof VendorCall>;

const itemsOf = <T>(item: z.ZodType<T>) => z.object({ items: z.array(item) });

/** Reads the calls to a vendor, or to all vendors, oldest first. */
export async function callsOf(
  firebreak: Firebreak,
  { vendor, since }: { vendor?: string; since?: string | undefined } = {},
): Promise<VendorCall[]> {
  const query = new URLSearchParams({ limit: '10000', ...(vendor && { vendor }), ...(since && { since }) });
  return (await firebreak.get(`/sandbox/calls?${query.toString()}`, itemsOf(VendorCall))).items.toReversed();
}

/** Reads all incidents, oldest first. */
export const incidentsOf = async (firebreak: Firebreak): Promise<IncidentView[]> =>
  (await firebreak.get(`/v1/incidents?limit=${LIST_MAX}`, itemsOf(IncidentView))).items.toReversed();

/** Reads the timeline of an incident, oldest first. */
export const timelineOf = async (firebreak: Firebreak, id: string): Promise<TimelineEntry[]> =>
  (await firebreak.get(`/v1/incidents/${id}/timeline?limit=${LIST_MAX}`, itemsOf(TimelineEntry))).items.toReversed();

/** Receiver of events. It gets each event once. */
export type EventReceiver = {
  /** Receives calls in their order of arrival. */
  vendorCalled(call: VendorCall): void;
  entryRecorded(entry: TimelineEntry, incident: IncidentView): void;
  /** Confirms that all events up to this time were delivered. Milliseconds since the Unix epoch. */
  completeUntil(at: number): void;
};

export type EventPollerOptions = {
  firebreak: Firebreak;
  receiver: EventReceiver;
  /** Receives unexpected errors. */
  failed(error: unknown): void;
};

/** Observes Firebreak from outside: timelines of its incidents, and calls to the vendors. */
export class EventPoller {
  readonly #options: EventPollerOptions;
  readonly #known = new Set<string>();
  #lastCall: string | undefined;
  #running = true;
  #polling = Promise.resolve();

  constructor(options: EventPollerOptions) {
    this.#options = options;
  }

  /** Starts to observe. Earlier calls are not delivered. */
  async start(): Promise<void> {
    this.#lastCall = (await callsOf(this.#options.firebreak)).at(-1)?.id;
    this.#polling = this.#poll().catch(this.#options.failed);
  }

  /** Polls a last time, so that no event is missing. */
  async stop(): Promise<void> {
    this.#running = false;
    await this.#polling;
  }

  async #poll(): Promise<void> {
    const { receiver } = this.#options;
    for (let last = false; !last;) {
      last = !this.#running;
      const completeUntil = await this.#pollOnce().catch(ignoreFailedRequest);
      if (completeUntil !== undefined) receiver.completeUntil(completeUntil - WRITTEN_WITHIN_MS);
      if (!last) await sleep(POLL_EVERY_MS);
    }
  }

  /** Polls once. @returns the time up to which all events are known */
  async #pollOnce(): Promise<number> {
    const startedAt = Date.now();
    await this.#deliverEntries();
    const firstUndecided = await this.#deliverCalls();
    return Math.min(startedAt, firstUndecided ?? startedAt);
  }

  async #deliverEntries(): Promise<void> {
    const { firebreak, receiver } = this.#options;
    const incidents = await incidentsOf(firebreak);
    const entryRecorded = incidents.map(async (incident) => ({
      incident,
      entries: await timelineOf(firebreak, incident.id),
    }));
    for (const { incident, entries } of await Promise.all(entryRecorded)) {
      for (const entry of entries) {
        const key = `${incident.id} ${entry.at} ${entry.kind} ${entry.text}`;
        if (!this.#known.has(key)) receiver.entryRecorded(entry, incident);
        this.#known.add(key);
      }
    }
  }

  /** Delivers new calls. @returns the time of the first undecided call; undefined if all are decided */
  async #deliverCalls(): Promise<number | undefined> {
    const { firebreak, receiver } = this.#options;
    for (const call of await callsOf(firebreak, { since: this.#lastCall })) {
      const at = millisOf(call.at);
      const undecided = call.outcome === null && call.fault === null;
      if (undecided && Date.now() - at < UNDECIDED_MAX_MS) return at;
      this.#lastCall = call.id;
      receiver.vendorCalled(call);
    }
    return undefined;
  }
}
