import type { CheckedChange, CheckRequest } from '../../schemas/freeze-check.ts';
import type { Freeze } from '../../schemas/freeze.ts';
import type { Version } from '../../schemas/names.ts';
import type { PinView } from '../../schemas/pin.ts';
import type { Timestamp } from '../../schemas/time.ts';
import type { Place } from '../ports.ts';
import type { FreezePolicy } from './policy.ts';
import type { CheckedPlace, PlaceState } from './ports.ts';

/** A commit that was recorded with a version known bad. */
export type PinnedCommit = { version: Version; commit: string };

/** A freeze as the calendar has it now. Absent: it lets pass what the policy does. */
export type CalendarFreeze = Freeze & { passes?: readonly CheckedChange[] };

/**
 * What is known of something that the service depends on. `incidents`: by what is open there, where policy says that it
 * freezes; absent in decisions of older versions, where what was on record counted.
 */
export type DependencyInputs = { place: CheckedPlace; state: PlaceState; incidents?: Freeze[] };

/**
 * All that an answer of the check is made of, as it is kept with it. Freezes of the calendar and of open incidents are
 * among the others: they are freezes from their beginning on, whether or not anybody has asked since.
 */
export type CheckInputs = {
  at: Timestamp;
  request: CheckRequest;
  /** As what a deployment is counted that says neither what it is called nor what it deploys, once it is. */
  countedAs?: string;
  /** The catalogue has the service. */
  known: boolean;
  unknownService: 'allow' | 'deny';
  /** Under what other names it was asked about. Absent: under those that are known. */
  asked?: Place;
  /** Nobody knows the environment: by policy, beside those that are known, and the one that was probably meant. */
  unknownEnvironment?: { policy: 'allow' | 'deny'; known: string[]; meant: string | null; recorded?: true };
  policy: FreezePolicy;
  place: CheckedPlace;
  /** How many objectives are configured for the place. */
  objectives: number;
  /** Which these are. Absent in decisions of older versions. */
  objectiveIds?: string[];
  own: PlaceState;
  dependencies: DependencyInputs[];
  /** From the calendar, for this place: those in force and the next ones. */
  calendar: CalendarFreeze[];
  /** By open incidents of this place, where policy says that they freeze. */
  incidents: Freeze[];
  pins: PinView[];
  /** Commits that were recorded with pinned versions. Absent in decisions of older versions, and where none is pinned. */
  pinnedCommits?: PinnedCommit[];
  /** Of a rollback: whether its version is known as earlier and good. Null: it is no rollback. */
  rollback: { kind: 'known_good' | 'ours' | 'not_known'; text: string } | null;
  /** Of a kind that is not taken on the caller's word: who vouches for it. Null: nobody. */
  identity: { ok: true; subject: string } | { ok: false; problem: string } | null;
  /** When objectives were last evaluated. Null: never. */
  evaluatedAt: Timestamp | null;
};
