import type { Clock } from '../../domain/ports/system.ts';
import { type Due, type Lease, type Projections, targetsOf } from '../../domain/incidents/projections.ts';
import {
  type RateLimitState,
  type SentMessage,
  type Subject,
  type ProjectionTargetName,
  PROJECTION_TARGET_NAMES,
} from '../../schemas/incidents/projection.ts';
import { plusSeconds, secondsBetween, type Timestamp } from '../../schemas/time/time.ts';

type Row = Due & { wokenAt: Timestamp };
type Projector = { owner: string; until: Timestamp | null; pace: RateLimitState; wakeAt: Timestamp | null };

/** Window in which a second wake-up for the same subject is not needed. */
const JUST_WOKEN_SECONDS = 10;

/** In-memory version of stores/incidents/projections.ts. Each call is atomic. */
export class MemoryProjections implements Projections {
  readonly #clock: Clock;
  readonly #wake: (target: ProjectionTargetName, afterSeconds: number) => void;
  readonly #due = new Map<ProjectionTargetName, Map<Subject, Row>>();
  readonly #projectors = new Map<ProjectionTargetName, Projector>();
  readonly #states = new Map<string, string>();
  readonly #sent = new Map<string, SentMessage>();
  readonly #numbers = new Map<string, number>();
  #owners = 0;

  constructor(clock: Clock, wake: (target: ProjectionTargetName, afterSeconds: number) => void) {
    this.#clock = clock;
    this.#wake = wake;
  }

  async changed(...subjects: readonly Subject[]): Promise<void> {
    const woken = subjects.flatMap((subject) => targetsOf(subject).filter((target) => this.#mark(target, subject)));
    for (const target of new Set(woken)) this.#wake(target, 0);
  }

  #mark(target: ProjectionTargetName, subject: Subject): boolean {
    const at = this.#clock.now();
    const before = this.#rows(target).get(subject);
    this.#rows(target).set(subject, {
      subject,
      marks: (before?.marks ?? 0) + 1,
      since: before?.since ?? at,
      notBefore: null,
      wokenAt: at,
    });
    return before === undefined || before.notBefore !== null || secondsBetween(before.wokenAt, at) > JUST_WOKEN_SECONDS;
  }

  async due(target: ProjectionTargetName): Promise<Due[]> {
    return [...this.#rows(target).values()].toSorted((a, b) => (a.since < b.since ? -1 : 1));
  }

  async dueAnywhere(): Promise<ReadonlyMap<ProjectionTargetName, Due[]>> {
    return new Map(
      await Promise.all(PROJECTION_TARGET_NAMES.map(async (target) => [target, await this.due(target)] as const)),
    );
  }

  async settle(target: ProjectionTargetName, { subject, marks: wanted }: Due, again: Timestamp | null): Promise<void> {
    const row = this.#rows(target).get(subject);
    if (row?.marks !== wanted) return;
    if (again === null) this.#rows(target).delete(subject);
    else this.#rows(target).set(subject, { ...row, notBefore: again });
  }

  async lease(target: ProjectionTargetName, seconds: number): Promise<Lease | undefined> {
    const now = this.#clock.now();
    const before = this.#projectors.get(target);
    if (before !== undefined && before.until !== null && before.until >= now) return undefined;
    this.#owners += 1;
    const { pace, wakeAt } = before ?? { pace: { buckets: {}, blocked: {} }, wakeAt: null };
    const owner = `owner ${this.#owners}`;
    this.#projectors.set(target, { owner, until: plusSeconds(now, seconds), pace, wakeAt });
    return { target, owner, pace, wakeAt };
  }

  async renew({ target, owner }: Lease, seconds: number): Promise<boolean> {
    const held = this.#projectors.get(target);
    if (held?.owner !== owner) return false;
    this.#projectors.set(target, { ...held, until: plusSeconds(this.#clock.now(), seconds) });
    return true;
  }

  async release({ target, owner, pace, wakeAt }: Lease): Promise<void> {
    if (this.#projectors.get(target)?.owner === owner)
      this.#projectors.set(target, { owner, until: null, pace, wakeAt });
  }

  async isOn(): Promise<boolean> {
    return true;
  }

  async wake(target: ProjectionTargetName, afterSeconds: number): Promise<void> {
    this.#wake(target, afterSeconds);
  }

  async read(target: ProjectionTargetName, subject: Subject): Promise<unknown> {
    const state = this.#states.get(`${target} ${subject}`);
    return state === undefined ? undefined : JSON.parse(state);
  }

  async write(target: ProjectionTargetName, subject: Subject, state: object): Promise<void> {
    this.#states.set(`${target} ${subject}`, JSON.stringify(state));
  }

  async sent(target: ProjectionTargetName, subject: Subject, key: string): Promise<SentMessage | undefined> {
    return this.#sent.get(`${target} ${subject} ${key}`);
  }

  async intend(
    target: ProjectionTargetName,
    subject: Subject,
    key: string,
    at: Timestamp,
    replaces?: SentMessage,
  ): Promise<boolean> {
    const name = `${target} ${subject} ${key}`;
    const before = this.#sent.get(name);
    if (before?.state !== replaces?.state || before?.at !== replaces?.at) return false;
    this.#sent.set(name, { state: 'intended', at, channel: null, id: null });
    return true;
  }

  async conclude(target: ProjectionTargetName, subject: Subject, key: string, sent: SentMessage): Promise<void> {
    this.#sent.set(`${target} ${subject} ${key}`, sent);
  }

  async nextNumber(row: string, above = 0): Promise<number> {
    const number = Math.max(this.#numbers.get(row) ?? 0, above) + 1;
    this.#numbers.set(row, number);
    return number;
  }

  #rows(target: ProjectionTargetName): Map<Subject, Row> {
    const rows = this.#due.get(target) ?? new Map<Subject, Row>();
    this.#due.set(target, rows);
    return rows;
  }

  /** Number of subjects that are still due. */
  waiting(target: ProjectionTargetName): number {
    return this.#rows(target).size;
  }
}
