import {
  type RateLimitState,
  PROJECTION_TARGETS,
  type SentMessage,
  type Subject,
  type ProjectionTargetName,
  PROJECTION_TARGET_NAMES,
} from '../../../schemas/incidents/projection.ts';
import { EnvironmentName, ServiceName } from '../../../schemas/config/names.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { ServiceEnvironment } from '../ports/common.ts';

/** A subject that a target must project: it was marked as changed since its last projection. */
export type Due = {
  subject: Subject;
  /** Number of marks, so that a change during projection is not lost. */
  marks: number;
  since: Timestamp;
  /** Earliest time. Null: now. */
  notBefore: Timestamp | null;
};

/** Lease of a target. `pace`: remaining rate limits of the vendor. `wakeAt`: the next requested wake-up. */
export type Lease = { target: ProjectionTargetName; owner: string; pace: RateLimitState; wakeAt: Timestamp | null };

/**
 * Desired and current projections. Level-triggered: a mark says that something changed, but not what; the projector
 * reads the current state of the subject.
 */
export type Projections = {
  /**
   * Marks subjects as changed for every target that shows them, and wakes these targets. Never throws: the sweeper
   * finds lost marks.
   */
  changed(...subjects: readonly Subject[]): Promise<void>;
  /** Returns due subjects, oldest mark first. Strongly consistent. */
  due(target: ProjectionTargetName): Promise<Due[]>;
  /** Returns the due subjects of all targets with one read. */
  dueAnywhere(): Promise<ReadonlyMap<ProjectionTargetName, readonly Due[]>>;
  /** Records that a subject is projected (null), or continues at a time. Changes in the meantime keep it due. */
  settle(target: ProjectionTargetName, due: Due, again: Timestamp | null): Promise<void>;
  /** Acquires the lease of a target, which one projector at a time holds. Undefined: another one holds it. */
  lease(target: ProjectionTargetName, seconds: number): Promise<Lease | undefined>;
  /** Extends the lease. False: it was lost. */
  renew(lease: Lease, seconds: number): Promise<boolean>;
  /** Releases the lease and stores its state. */
  release(lease: Lease): Promise<void>;
  /** Returns whether the target is connected and has anything to show. A change does not wake one that is off. */
  isOn(target: ProjectionTargetName): Promise<boolean>;
  /** Wakes the target after a delay in seconds. */
  wake(target: ProjectionTargetName, afterSeconds: number): Promise<void>;
  /** Returns the state of the projection as last written. */
  read(target: ProjectionTargetName, subject: Subject): Promise<unknown>;
  write(target: ProjectionTargetName, subject: Subject, state: object): Promise<void>;
  sent(target: ProjectionTargetName, subject: Subject, key: string): Promise<SentMessage | undefined>;
  /**
   * Records the intent to send a message. `false`: another process has, or had, the same intent.
   * @param replaces an earlier intent without result
   */
  intend(
    target: ProjectionTargetName,
    subject: Subject,
    key: string,
    at: Timestamp,
    replaces?: SentMessage,
  ): Promise<boolean>;
  conclude(target: ProjectionTargetName, subject: Subject, key: string, sent: SentMessage): Promise<void>;
  /** Returns the next number of a row, greater than `above` and never repeated. */
  nextNumber(row: string, above?: number): Promise<number>;
};

/** Returns the targets that show a subject. */
export const targetsOf = (subject: Subject): readonly ProjectionTargetName[] =>
  PROJECTION_TARGET_NAMES.filter((target) =>
    PROJECTION_TARGETS[target].shows.some((kind) => subject.startsWith(`${kind}:`)),
  );

export const idOf = (subject: Subject): string => subject.slice(subject.indexOf(':') + 1);

/** Returns the subject of the pinned versions of a service and environment, whose names can contain any text. */
export const pinsSubject = (serviceEnvironment: ServiceEnvironment): Subject => `pins:${encoded(serviceEnvironment)}`;

/** Returns the subject of what freezes close in a cluster for a service and environment. */
export const gatesSubject = (serviceEnvironment: ServiceEnvironment): Subject =>
  `freeze-gates:${encoded(serviceEnvironment)}`;

const encoded = ({ service, environment }: ServiceEnvironment): string =>
  `${encodeURIComponent(service)}/${encodeURIComponent(environment)}`;

/** Returns the service and environment of a subject of one. */
export const serviceEnvironmentIn = (subject: Subject): ServiceEnvironment => {
  const [service = '', environment = ''] = idOf(subject).split('/').map(decodeURIComponent);
  return { service: ServiceName.parse(service), environment: EnvironmentName.parse(environment) };
};
