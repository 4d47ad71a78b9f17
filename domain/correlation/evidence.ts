import type { Change } from '../../schemas/change.ts';
import type { Cleared } from '../../schemas/incident.ts';
import type { Timestamp } from '../../schemas/time.ts';
import type { OnsetEvidence } from '../onset.ts';

/**
 * How near a change is to the service that fails: its own, one of what it depends on, or one of shared infrastructure
 * (what at least two services of the catalogue depend on, and every change of kind `infrastructure`).
 */
export type Relation = 'same' | 'dependency' | 'shared';

export type RelatedChange = {
  change: Change;
  relation: Relation;
  /** Steps along `dependsOn` from the failing service; 0 for its own. */
  distance: number;
};

/** Samples, oldest first; value in the query's own unit. */
export type Curve = readonly (readonly [at: Timestamp, value: number])[];

/** Another service of the same environment that fails at the same time. */
export type Failing = {
  service: string;
  /** When its problem began, as far as is known. */
  since: Timestamp;
  /** `dependent`: it depends on the failing service, which explains it. `dependency`: the failing service depends on it. */
  relation: 'dependent' | 'dependency' | 'unrelated';
  /** Versions of it that its own newest change put live near the same time; such a change may explain its failing. */
  changed_at: Timestamp | null;
};

/** All that the search for the cause of one incident looks at. Stored with the decision that rests on it. */
export type Evidence = {
  incident_id: string;
  service: string;
  environment: string;
  /** When it is looked at. */
  at: Timestamp;
  onset: OnsetEvidence;
  /**
   * Of the service, of what it depends on, and of shared infrastructure: at most two hours before the onset, and what ran
   * before each of these.
   */
  changes: readonly RelatedChange[];
  /** The health query over the two hours before `at`, with its limit: healthy at or below. Null: none, or no answer. */
  health: { max: number; curve: Curve } | null;
  /** There is a health query, and it could not be read. Absent: it could, or there is none. */
  health_unreadable?: string;
  /** Requests per second over the same time. Null: no query for it, or no answer. */
  traffic: Curve | null;
  /** The health query by version now; where the monitoring tells versions apart. Null: no query for it, or no answer. */
  by_version: readonly { version: string; value: number; share: number | null }[] | null;
  /** Versions that labels of the firing alerts name. Empty: none says. */
  alert_versions: readonly string[];
  /** Others that fail in the same environment now or began to within ten minutes of the onset. */
  failing: readonly Failing[];
  /** Who else fails could not be read. Absent: it could. */
  failing_unreadable?: true;
  /** What people have said of changes: what they have cleared is no suspect. Absent: nothing. */
  cleared?: readonly Cleared[];
  /** Strangers that fail are left out (`failTogether: ignore`). Absent: they are not. */
  strangers_ignored?: true;
};
