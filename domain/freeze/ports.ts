import type { Freeze, Override } from '../../schemas/freeze.ts';
import type { CheckRequest, Verdict } from '../../schemas/freeze-check.ts';
import type { PinView } from '../../schemas/pin.ts';
import type { SloStatus } from '../../schemas/slo-status.ts';
import type { Timestamp } from '../../schemas/time.ts';
import type { Page, Place } from '../ports.ts';

/** Freezes on record. */
export type Freezes = {
  /**
   * Puts a freeze on record, in every list that a check reads, in one transaction. One of the same cause (objective,
   * incident, entry of the calendar with this beginning) that is not settled yet is given back instead.
   */
  open(freeze: Freeze): Promise<{ freeze: Freeze; created: boolean }>;
  /** Ends it; one that has ended stays as it is. `settled`: its cause is over. Undefined: there is none with this id. */
  end(id: string, end: { at: Timestamp; by: string; reason: string; settled: boolean }): Promise<Freeze | undefined>;
  /** The cause of one that was lifted by a person is over. */
  settle(id: string, at: Timestamp): Promise<void>;
  /** Strongly consistent. */
  get(id: string): Promise<Freeze | undefined>;
  /** Newest first, those that are over included. */
  list(query: { limit: number; cursor?: string }): Promise<Page<Freeze>>;
  /** All that are scheduled, in force, or not settled. Strongly consistent. */
  current(): Promise<Freeze[]>;
  /** Undefined: there is no such freeze, or it is over. */
  addOverride(id: string, override: Override): Promise<Freeze | undefined>;
  /** Says yes as the second person. `own`: it is the one who asked. */
  approveOverride(id: string, override: string, by: string): Promise<Freeze | 'unknown' | 'own'>;
  withdrawOverride(id: string, override: string, by: string): Promise<Freeze | undefined>;
  /** Counts a deployment against an override, once. `spent`: it is not good any more. */
  useOverride(id: string, override: string, deployment: string, by: string): Promise<'used' | 'again' | 'spent'>;
};

/** Where something is checked: its place, with what the catalogue says. */
export type CheckedPlace = Place & { team: string | null };

/** What is on record of one place, strongly consistent. */
export type PlaceState = {
  /** Of each scope that covers the place; scheduled ones and those that are over may be among them. */
  freezes: Freeze[];
  slos: SloStatus[];
};

/** All that a check reads, in as few reads as can be. */
export type FreezeState = {
  read(
    place: CheckedPlace,
    dependencies: readonly CheckedPlace[],
  ): Promise<{ own: PlaceState; dependencies: PlaceState[]; pins: PinView[]; evaluatedAt: Timestamp | null }>;
};

/** One answer of the check on record, with all that it was made of: `decide(inputs)` gives it again. */
export type FreezeDecision<Inputs = unknown> = {
  /** Hash of the scope, the change and the state that it was decided under. */
  id: string;
  at: Timestamp;
  by: string;
  request: CheckRequest;
  verdict: Verdict;
  inputs: Inputs;
};

export type FreezeDecisions = {
  /** Once; again it is counted, at the latest a minute later. */
  keep(decision: FreezeDecision): Promise<'first' | 'again'>;
  /** `count`: how often it was asked, as far as was written. */
  get(id: string): Promise<(FreezeDecision & { count: number; last_at: Timestamp }) | undefined>;
};

/** What is on the sealed log. `detail` is small and holds no secret. */
export type AuditEntry = {
  id: string;
  at: Timestamp;
  actor: string;
  /** `freeze.opened`, `freeze.ended`, `freeze.decision`, `override.requested`, `override.approved`, `override.used` … */
  kind: string;
  subject: string;
  text: string;
  detail: Record<string, unknown>;
};

/** Whether the log is as it was written. `brokenAt`: the first entry that is not, or that is missing. */
export type ChainCheck = { intact: boolean; entries: number; sealedUntil: Timestamp | null; brokenAt: string | null };

export type AuditLog = {
  /** Without contention; sealed within two minutes. The same id again is the same entry. */
  append(entries: readonly AuditEntry[]): Promise<void>;
  list(query: { limit: number; cursor?: string }): Promise<Page<AuditEntry & { sealed: boolean; hash: string | null }>>;
  /** Seals whole minutes that are over into the chain. */
  seal(): Promise<void>;
  check(): Promise<ChainCheck>;
};

/** Signs with ES256, and tells what was signed by us. */
export type Signer = {
  sign(claims: Record<string, unknown>, lifetimeSeconds: number): Promise<string>;
  /** @returns the claims, or what is wrong with it, in words */
  verify(token: string): Promise<{ ok: true; claims: Record<string, unknown> } | { ok: false; problem: string }>;
  /** Public keys, those that were replaced lately included. */
  jwks(): Promise<{ keys: Record<string, unknown>[] }>;
};
