import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { IncidentView, TimelineEntry } from '../schemas/incident.ts';
import { millisOf, Timestamp } from '../schemas/time.ts';
import { type Firebreak, whenAway } from './firebreak.ts';

const LOOK_EVERY_MS = 200;

/** What is decided about a call is known soon after it came in; one that hangs is told without. */
const UNDECIDED_MAX_MS = 1500;

/** An entry has its time before it is written. */
const WRITTEN_WITHIN_MS = 150;

/** More than any story has. */
const LIST_MAX = 500;

/** A call as the sandbox's journal shows it. */
const VendorCall = z.object({
  id: z.string(),
  vendor: z.string(),
  method: z.string(),
  path: z.string(),
  query: z.string().nullable(),
  body: z.unknown(),
  /** What the vendor made of it. */
  outcome: z.number().nullable(),
  status: z.number().nullable(),
  at: Timestamp,
  fault: z.string().nullable(),
});
export type VendorCall = z.infer<typeof VendorCall>;

const itemsOf = <T>(item: z.ZodType<T>) => z.object({ items: z.array(item) });

/** Every call that a vendor got, oldest first; all vendors when none is named. */
export async function callsOf(
  firebreak: Firebreak,
  { vendor, since }: { vendor?: string; since?: string | undefined } = {},
): Promise<VendorCall[]> {
  const query = new URLSearchParams({ limit: '10000', ...(vendor && { vendor }), ...(since && { since }) });
  return (await firebreak.get(`/sandbox/calls?${query.toString()}`, itemsOf(VendorCall))).items.toReversed();
}

/** Every incident, in the order in which they opened. */
export const incidentsOf = async (firebreak: Firebreak): Promise<IncidentView[]> =>
  (await firebreak.get(`/v1/incidents?limit=${LIST_MAX}`, itemsOf(IncidentView))).items.toReversed();

/** What happened in an incident, oldest first. */
export const timelineOf = async (firebreak: Firebreak, id: string): Promise<TimelineEntry[]> =>
  (await firebreak.get(`/v1/incidents/${id}/timeline?limit=${LIST_MAX}`, itemsOf(TimelineEntry))).items.toReversed();

/** Who is told of what happens, of each thing once. */
export type Audience = {
  /** In the order in which they came in. */
  heard(call: VendorCall): void;
  read(entry: TimelineEntry, incident: IncidentView): void;
  /** Of everything that has happened until then they have been told. Milliseconds since the Unix epoch. */
  knownUntil(at: number): void;
};

export type WitnessOptions = {
  firebreak: Firebreak;
  audience: Audience;
  /** Told of what should not happen. */
  failed(error: unknown): void;
};

/** Looks at what Firebreak has done, from outside: its incidents' timelines, and the calls that the vendors got. */
export class Witness {
  readonly #options: WitnessOptions;
  readonly #known = new Set<string>();
  #lastCall: string | undefined;
  #running = true;
  #looking = Promise.resolve();

  constructor(options: WitnessOptions) {
    this.#options = options;
  }

  /** From now on: what was called before is not told. */
  async start(): Promise<void> {
    this.#lastCall = (await callsOf(this.#options.firebreak)).at(-1)?.id;
    this.#looking = this.#look().catch(this.#options.failed);
  }

  /** Looks a last time, so that nothing is missing. */
  async stop(): Promise<void> {
    this.#running = false;
    await this.#looking;
  }

  async #look(): Promise<void> {
    const { audience } = this.#options;
    for (let last = false; !last;) {
      last = !this.#running;
      const known = await this.#lookOnce().catch(whenAway);
      if (known !== undefined) audience.knownUntil(known - WRITTEN_WITHIN_MS);
      if (!last) await sleep(LOOK_EVERY_MS);
    }
  }

  /** Gives until when everything is known by now. */
  async #lookOnce(): Promise<number> {
    const begun = Date.now();
    await this.#timelines();
    const decided = await this.#calls();
    return Math.min(begun, decided ?? begun);
  }

  async #timelines(): Promise<void> {
    const { firebreak, audience } = this.#options;
    const incidents = await incidentsOf(firebreak);
    const read = incidents.map(async (incident) => ({ incident, entries: await timelineOf(firebreak, incident.id) }));
    for (const { incident, entries } of await Promise.all(read)) {
      for (const entry of entries) {
        const key = `${incident.id} ${entry.at} ${entry.kind} ${entry.text}`;
        if (!this.#known.has(key)) audience.read(entry, incident);
        this.#known.add(key);
      }
    }
  }

  /** Gives until when all is decided; undefined when all is. */
  async #calls(): Promise<number | undefined> {
    const { firebreak, audience } = this.#options;
    for (const call of await callsOf(firebreak, { since: this.#lastCall })) {
      const at = millisOf(call.at);
      const undecided = call.outcome === null && call.fault === null;
      if (undecided && Date.now() - at < UNDECIDED_MAX_MS) return at;
      this.#lastCall = call.id;
      audience.heard(call);
    }
    return undefined;
  }
}
