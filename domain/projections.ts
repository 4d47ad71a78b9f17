import type { Pace, Sent, Subject, Target } from '../schemas/projection.ts';
import type { Timestamp } from '../schemas/time.ts';

/** A subject that a target has to look at. */
export type Due = {
  subject: Subject;
  /** How often it has been marked: what changed while it was being shown is not forgotten. */
  wanted: number;
  since: Timestamp;
  /** Not before. Null: now. */
  notBefore: Timestamp | null;
};

/** `pace`: what is left of the vendor's patience. `wakeAt`: the next time for which somebody has asked to be woken. */
export type Lease = { target: Target; owner: string; pace: Pace; wakeAt: Timestamp | null };

/**
 * What has to be shown where, and what is shown already. Level-triggered: a mark says that something has changed, never
 * what; whoever projects reads the subject as it is then.
 */
export type Projections = {
  /**
   * Marks subjects as changed for every target that shows them, and wakes those. Never throws: whatever is lost here,
   * the sweeper finds.
   */
  changed(...subjects: readonly Subject[]): Promise<void>;
  /** Oldest mark first. Strongly consistent. */
  due(target: Target): Promise<Due[]>;
  /** As `due`, of every target, by one read. */
  dueAnywhere(): Promise<ReadonlyMap<Target, readonly Due[]>>;
  /** It is shown (null), or goes on at a time. What has changed meanwhile stays due. */
  settle(target: Target, due: Due, again: Timestamp | null): Promise<void>;
  /** One projector works at a target at a time. Undefined: another one does. */
  lease(target: Target, seconds: number): Promise<Lease | undefined>;
  /** False: it was lost. */
  renew(lease: Lease, seconds: number): Promise<boolean>;
  /** Gives it back, with what has become of it. */
  release(lease: Lease): Promise<void>;
  /** Lets the target look again after so many seconds. */
  wake(target: Target, afterSeconds: number): Promise<void>;
  /** What the target shows of the subject, as it was written last. */
  read(target: Target, subject: Subject): Promise<unknown>;
  write(target: Target, subject: Subject, state: object): Promise<void>;
  sent(target: Target, subject: Subject, key: string): Promise<Sent | undefined>;
  /**
   * Records that a message is about to be sent. `false`: somebody else has, or had, the same intent.
   * @param replaces an earlier intent that came to nothing
   */
  intend(target: Target, subject: Subject, key: string, at: Timestamp, replaces?: Sent): Promise<boolean>;
  conclude(target: Target, subject: Subject, key: string, sent: Sent): Promise<void>;
  /** The next number of a row, never the same twice; above `above`. */
  nextNumber(row: string, above?: number): Promise<number>;
};

/** Who shows a subject. */
export const targetsOf = (subject: Subject): readonly Target[] =>
  SHOWN_BY[subject.slice(0, subject.indexOf(':'))] ?? [];

const SHOWN_BY: Readonly<Record<string, readonly Target[]>> = {
  incident: ['slack', 'statuspage', 'grafana', 'webhooks'],
  change: ['grafana', 'webhooks'],
  notice: ['slack'],
  ticket: ['tickets'],
};

export const idOf = (subject: Subject): string => subject.slice(subject.indexOf(':') + 1);
