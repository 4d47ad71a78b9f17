import { wakeStale } from '../../../core/jobs/sweep/wake-stale.ts';
import type { Log } from '../../../core/domain/ports/system.ts';
import { sync, type Projector } from '../../../core/projectors/sync.ts';
import { Config } from '../../../schemas/config/config.ts';
import type { Subject, ProjectionTargetName } from '../../../schemas/incidents/projection.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import { happen, type Step } from './history.ts';
import { type Fault, over, type Vendor, WELL } from './faults.ts';
import { MemoryIncidents } from './memory-incidents.ts';
import { StoredProjections } from './stored-projections.ts';
import { type Interruptions, Process } from './process.ts';
import { SimulatedClock } from './simulated-clock.ts';

export const START = '2026-11-20T12:00:00.000Z' as Timestamp;

/** Faults of a scenario. */
export type Trouble = {
  faults: readonly Fault[];
  interruptions: Interruptions;
  /** Whether each batch of wake-ups starts two processes. */
  twice: boolean;
  /** Methods that are always refused, such as `pin`. */
  forbidden?: readonly string[];
};

/** Dependencies of a projector, with the interruptions of its process. */
export type Seen = {
  projections: StoredProjections;
  incidents: MemoryIncidents;
  config: { current(): Promise<Config>; problems(): Promise<string[]> };
  vendor<T extends object>(vendor: Vendor<T>): T;
  store<T extends object>(store: T): T;
};

/** A queue, its functions, and the sweeper, for one target. */
export class World {
  readonly clock = new SimulatedClock(START);
  readonly projections: StoredProjections;
  readonly incidents: MemoryIncidents;
  /** Calls to the vendor. */
  readonly calls: string[] = [];
  /** Methods whose last call was refused. */
  readonly refused = new Set<string>();
  config: Config;
  /** Number of pending events; the scenario ends after them. */
  expected = 0;
  readonly #target: ProjectionTargetName;
  readonly #trouble: Trouble;
  readonly #projector: (seen: Seen) => Projector;
  readonly #underWay = { calls: 0 };
  #fault = (_method: string): Fault => this.#trouble.faults[this.calls.length] ?? WELL;
  readonly #alive = new Set<Process>();
  /**
   * Times of pending wake-ups. Wake-ups at the same time are one batch: otherwise, processes that only wait for the
   * lease and wake each other would double with each wait.
   */
  readonly #batches = new Set<number>();
  readonly #bugs: string[] = [];
  #touched = 0;

  constructor(
    target: ProjectionTargetName,
    trouble: Trouble,
    config: Config,
    projector: (seen: Seen) => Projector,
    page = 300,
  ) {
    this.#target = target;
    this.#trouble = trouble;
    this.config = config;
    this.#projector = projector;
    this.projections = new StoredProjections(this.clock, async (woken, seconds) => this.#wake(woken, seconds));
    this.incidents = new MemoryIncidents(this.clock, page, (subject) => this.projections.changed(subject));
    this.#sweepNext();
  }

  /** Schedules an event. */
  expect(afterMs: number, happens: () => unknown): void {
    this.expected += 1;
    this.clock.in(afterMs, () => {
      this.expected -= 1;
      happens();
    });
  }

  mark(...subjects: readonly Subject[]): void {
    void this.projections.changed(...subjects);
  }

  /** Schedules a history with its marks, and one more mark at its end. */
  tell(id: IncidentId, history: readonly Step[]): void {
    const subject: Subject = `incident:${id}`;
    this.mark(subject);
    let at = 0;
    for (const [number, step] of history.entries()) {
      at += step.after;
      this.expect(at, () => happen(this.incidents, id, number, step, this.clock.now()));
      for (const mark of step.marks) this.expect(at + mark, () => this.mark(subject));
    }
    this.expect(at + 1, () => this.mark(subject));
  }

  /** Returns the calls after the subjects are marked repeatedly. */
  async callsWhenMarked(...subjects: readonly Subject[]): Promise<string[]> {
    const before = this.calls.length;
    for (const wait of [0, 1, 20_000, 500_000])
      for (const subject of subjects) this.expect(wait, () => this.mark(subject, subject));
    await this.run();
    return this.calls.slice(before);
  }

  /** Runs until nothing is due, or for a number of hours. */
  async run(hours = 5, anyway = false): Promise<void> {
    const end = this.clock.millis + hours * 3_600_000;
    const isOver = async () => this.#bugs.length > 0 || (anyway ? this.clock.millis >= end : this.#calm());
    await this.clock.run(isOver, hours + 1);
    if (this.#bugs.length > 0) throw new Error(this.#bugs.join('\n'));
  }

  async #calm(): Promise<boolean> {
    return (
      this.expected === 0 &&
      this.#alive.size === 0 &&
      this.#underWay.calls === 0 &&
      (await this.projections.waiting(this.#target)) === 0
    );
  }

  #wake(target: ProjectionTargetName, seconds: number): void {
    const at = this.clock.millis + seconds * 1000;
    if (target !== this.#target || this.#batches.has(at)) return;
    this.#batches.add(at);
    this.clock.in(seconds * 1000, () => {
      this.#batches.delete(at);
      this.#spawn();
      if (this.#trouble.twice) this.#spawn();
    });
  }

  #spawn(): void {
    const process = new Process(this.clock, () => {
      this.#touched += 1;
      return this.#trouble.interruptions.get(this.#touched);
    });
    this.#alive.add(process);
    const projections = process.using(this.projections);
    const seen: Seen = {
      projections,
      incidents: process.using(this.incidents),
      config: { current: async () => this.config, problems: async () => [] },
      store: (store) => process.using(store),
      vendor: (vendor) =>
        over(vendor, {
          clock: this.clock,
          process,
          underWay: this.#underWay,
          next: (method, args) => this.#next(method, args),
          done: (method) => void this.refused.delete(method),
        }),
    };
    const work = sync(this.#target, { clock: this.clock, log: this.#log, projections }, this.#projector(seen));
    void work.catch((error: unknown) => this.#bugs.push(String(error))).finally(() => process.end());
    void process.ended.then((well) => {
      this.#alive.delete(process);
      // The queue delivers an unfinished message again.
      if (!well) this.clock.in(90_000, () => this.#spawn());
    });
  }

  /** Sets the outcome of each call, instead of consecutive faults. */
  vendorIs(fault: (method: string) => Fault): void {
    this.#fault = fault;
  }

  #next(method: string, args: readonly unknown[]): Fault {
    const forbidden = this.#trouble.forbidden?.includes(method) ?? false;
    const fault: Fault = forbidden ? { kind: 'refused' } : this.#fault(method);
    this.calls.push(`${method} ${JSON.stringify(args)}`);
    if (fault.kind === 'refused') this.refused.add(method);
    return fault;
  }

  #sweepNext(): void {
    this.clock.in(60_000, () => {
      this.#sweepNext();
      void this.incidents
        .open()
        .then((open) => wakeStale({ projections: this.projections, clock: this.clock, log: this.#log }, open));
    });
  }

  readonly #log: Log = {
    debug: () => undefined,
    info: () => undefined,
    warn: () => undefined,
    error: (message, fields) => void this.#bugs.push(`${message} ${JSON.stringify(fields)}`),
    with: () => this.#log,
  };
}

/** Configuration in which checkout and search share a component. */
export const configOf = (more: object = {}): Config =>
  Config.parse({
    version: 'test',
    services: {
      checkout: {
        slack: { channel: '#team-checkout' },
        statusPage: { components: ['CHECKOUT', 'PAYMENTS'], publish: 'auto' },
      },
      search: { statusPage: { components: ['PAYMENTS', 'SEARCH'], publish: 'auto' } },
    },
    paging: {},
    ...more,
  });
