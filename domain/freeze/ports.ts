import type { Freeze, Override } from '../../schemas/freeze.ts';
import type { CheckRequest, Verdict } from '../../schemas/freeze-check.ts';
import type { Identity } from '../../schemas/freeze-policy.ts';
import type { PinView } from '../../schemas/pin.ts';
import type { SloStatus } from '../../schemas/slo-status.ts';
import type { Timestamp } from '../../schemas/time.ts';
import type { WaitingGate } from '../../schemas/waiting-gate.ts';
import type { Page, Place } from '../ports.ts';

/** Freezes on record. Whatever changes one is on the sealed log with it, in the same transaction. */
export type Freezes = {
  /**
   * Puts a freeze on record, in every list that a check reads, in one transaction. One of the same cause (objective,
   * incident, entry of the calendar with this beginning) that is not settled yet is given back instead, and so is one
   * with this id; by calendar or incident it is revised, where `revisionOf` says so.
   * @throws ScopeFull when its scope has too many that are not over
   */
  open(freeze: Freeze): Promise<{ freeze: Freeze; created: boolean }>;
  /** Ends it; one that has ended stays as it is. `settled`: its cause is over. Undefined: there is none with this id. */
  end(id: string, end: { at: Timestamp; by: string; reason: string; settled: boolean }): Promise<Freeze | undefined>;
  /**
   * Says of one by calendar or incident what holds now. If it was over without a person's doing, or its cause was, it is
   * in force again. Undefined: there is none with this id.
   */
  revise(revision: Pick<Freeze, 'id' | 'reason' | 'ends_when' | 'until'>): Promise<Freeze | undefined>;
  /** The cause of one that was lifted by a person is over. */
  settle(id: string, at: Timestamp): Promise<void>;
  /** Strongly consistent. */
  get(id: string): Promise<Freeze | undefined>;
  /** Newest first, those that are over included. Fewer than the limit only at the end. @param wanted others are left out */
  list(query: { limit: number; cursor?: string }, wanted?: (freeze: Freeze) => boolean): Promise<Page<Freeze>>;
  /** All that are scheduled, in force, or not settled. Strongly consistent. */
  current(): Promise<Freeze[]>;
  /**
   * Undefined: there is no such freeze, or it is over. One with this id again is the first.
   * @throws ScopeFull
   */
  addOverride(id: string, override: Override): Promise<Freeze | undefined>;
  /** Says yes as the second person, once. `own`: it is the one who asked. `unknown`: nobody waits for a yes to it. */
  approveOverride(id: string, override: string, by: string): Promise<Freeze | 'unknown' | 'own'>;
  withdrawOverride(id: string, override: string, by: string, reason?: string): Promise<Freeze | undefined>;
  /**
   * Counts a deployment against an override, once. `spent`: it is not good any more, or not for this version.
   * @param version that is deployed; without it an override of one version is not good
   */
  useOverride(
    id: string,
    override: string,
    deployment: string,
    by: string,
    version?: string | null,
  ): Promise<'used' | 'again' | 'spent'>;
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
  /** Strongly consistent. What it gives is shared with others who ask at the same moment: nobody may change it. */
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
  /**
   * Once, with its entry on the sealed log. Again it is counted in memory, so that a repeat waits for no write; a process
   * that dies takes up to a minute's counts with it, never a decision.
   */
  keep(decision: FreezeDecision): Promise<'first' | 'again'>;
  /** Writes what was counted: within a minute by itself, and at once for whoever is about to end. */
  flush(): Promise<void>;
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

/**
 * Whether the log is as it was written. `entries`: sealed ones that were found so. `brokenAt`: the first entry that is
 * not, or that is missing, or the seal, where it cannot be told more precisely; null where nothing could be checked.
 * `because`: what was found there, and what it means.
 */
export type ChainCheck = {
  intact: boolean;
  entries: number;
  sealedUntil: Timestamp | null;
  brokenAt: string | null;
  because: string | null;
};

export type AuditLog = {
  /** Without contention; sealed when its minute has been over for a minute. The same id again is the same entry. */
  append(entries: readonly AuditEntry[]): Promise<void>;
  /** Newest first; by the minute in which they were written, and in it by their time. */
  list(query: { limit: number; cursor?: string }): Promise<Page<AuditEntry & { sealed: boolean; hash: string | null }>>;
  /** Records that this version of the configuration is in force, unless it was the last one recorded. */
  configuration(version: string): Promise<void>;
  /** Seals whole minutes that are over into the chain. Two at the same time do no harm. */
  seal(): Promise<void>;
  /** Also whether decisions of the check are as they were. @param query.last only so many of the newest seals */
  check(query?: { last?: number }): Promise<ChainCheck>;
};

/** Signs with ES256, and tells what was signed by us. */
export type Signer = {
  /** Null: no usable key is configured, which `problem` explains. */
  sign(claims: Record<string, unknown>, lifetimeSeconds: number): Promise<string | null>;
  /** @returns the claims, or what is wrong with it, in words */
  verify(token: string): Promise<{ ok: true; claims: Record<string, unknown> } | { ok: false; problem: string }>;
  /** Public keys, the one that was replaced lately included. */
  jwks(): Promise<{ keys: Record<string, unknown>[] }>;
  /** What is wrong with the keys, and what to do about it. Null: nothing. */
  problem(): Promise<string | null>;
};

/** Identity tokens of CI systems (OpenID Connect). */
export type IdentityTokens = {
  /** Whether one of the identities that policy accepts has signed it, with the claims that it asks for, for us, and now. */
  verify(
    token: string,
    accepted: readonly Identity[],
  ): Promise<{ ok: true; subject: string } | { ok: false; problem: string }>;
};

/** Deployments elsewhere that wait for our word. */
export type WaitingGates = {
  /** Puts it on record, once, and gives it as it is on record. Undefined: it was answered before. */
  keep(gate: WaitingGate): Promise<WaitingGate | undefined>;
  /** Oldest first. Strongly consistent. */
  all(): Promise<WaitingGate[]>;
  /** Changes what is on record. Undefined: somebody else has, or it was answered, since it was read. */
  change(gate: WaitingGate): Promise<WaitingGate | undefined>;
  /** It was answered, or waits no more. */
  end(gate: WaitingGate): Promise<void>;
};

/** Whoever holds a deployment back until it is told otherwise. Every call is one attempt. */
export type GateKeeper = {
  /**
   * @param review.state null: it goes on waiting, and people read why
   * @returns `over`: it does not wait any more. `unclear`: it may have been told. `refused`: somebody has to set something
   *   right
   */
  review(
    gate: WaitingGate,
    review: { state: 'approved' | 'rejected' | null; comment: string },
  ): Promise<{ kind: 'done' } | { kind: 'over' | 'later' | 'unclear' | 'refused'; detail: string }>;
  /** Whether what is deployed has at `path` exactly what the version has; null: everywhere. False: or it is not known. */
  hasContentOf(gate: WaitingGate, version: string, path: string | null): Promise<boolean>;
  /**
   * Questions of the last days that did not get through to us, as they were sent. Those in `known` are left out.
   * Empty also where it cannot be told.
   */
  undelivered(known: ReadonlySet<string>): Promise<{ id: string; at: Timestamp; payload: unknown }[]>;
};
