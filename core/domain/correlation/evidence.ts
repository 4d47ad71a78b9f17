import type { Comparison } from '../../../schemas/judge/judgement.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import type { ClearedSuspect } from '../../../schemas/incidents/incident.ts';
import type { LookVerdict } from '../../../schemas/incidents/look.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';

/**
 * Relation of a change to the failing service: a change of the service itself, of one of its dependencies, of shared
 * infrastructure (a service that at least two services of the catalogue depend on, and every change of kind
 * `infrastructure`), of a caller (a service that depends on it, and can send it bad requests or more of them), or of an
 * undeclared neighbour (a service that fails at the same time since a change of its own, and for which the catalogue declares
 * neither).
 */
export type Relation = 'same' | 'dependency' | 'shared' | 'caller' | 'undeclared';

export type RelatedChange = {
  change: Change;
  relation: Relation;
  /** Number of `dependsOn` steps from the failing service; 0 for the service itself. */
  distance: number;
};

/** Samples, oldest first. The values are in the unit of the query. */
export type Curve = readonly (readonly [at: Timestamp, value: number])[];

/** The health query and the requests per second of one version, instance, or variant of a flag. `traffic: null`: not measured. */
export type Series = { curve: Curve; traffic: Curve | null };
export type VersionSeries = Series & { version: string };

export type Health = NonNullable<Evidence['health']>;

/** Another service in the same environment that fails at the same time. */
export type Failing = {
  service: string;
  /** Earliest known start of its problem. */
  since: Timestamp;
  /**
   * `dependent`: it depends on the failing service, which explains its failure. `dependency`: the failing service
   * depends on it.
   */
  relation: 'dependent' | 'dependency' | 'unrelated';
  /**
   * End of its own newest change before `since`, of any kind, or the start if it ended later. Such a change can explain its
   * failure. Without one, of the newest change after `since`, within two hours.
   */
  changed_at: Timestamp | null;
  /** Bounds of its start by its health query. Absent: only its alert is known. */
  measured?: { earliest: Timestamp; latest: Timestamp };
  /** It was rolled back since it fails, and still fails. Absent: it was not. */
  rolled_back?: true;
};

/** Evidence for the start of a problem. `null`: could not be read. */
export type OnsetEvidence = {
  /** Earliest start of the alerts. */
  alertStartedAt: Timestamp;
  /** When Firebreak received the first of the alerts. Absent: as `alertStartedAt`. */
  alertReceivedAt?: Timestamp;
  /** The rule's `for` duration and evaluation interval, in seconds, and its expression. */
  rule: { forSeconds: number; intervalSeconds: number; expression?: string | null } | null;
};

/** Health by variant of a flag, in the form of versions. `window`: seconds that a value covers. */
export type ByFlag = {
  flag: string;
  variants: readonly VersionSeries[];
  window?: number;
};

/** Health and requests of the instances of one version: at most twenty, the worst and the oldest ones. */
export type InstancesOfVersion = {
  version: string;
  instances: readonly (Series & { name: string })[];
};

/**
 * Pods of a version. `ready`: at least; null: not known. `failing`: pods that wait for a reason (`reasons`) that waiting does not
 * overcome, or that restart repeatedly. `restarting`: the latter ones, with the sum of their `restarts`.
 */
export type PodsOfVersion = {
  version: string;
  pods: number;
  ready: number | null;
  failing: number;
  restarting: number;
  restarts: number;
  reasons: readonly string[];
};

/** What a controlled look found: one fresh instance of the version `suspect` beside one of the version `other`. */
export type LookEvidence = { suspect: string; other: string; verdict: LookVerdict; text: string; at: Timestamp };

/** All inputs for finding the cause of one incident. Stored with the decision that is based on it. */
export type Evidence = {
  incident_id: string;
  service: string;
  environment: string;
  /** Time of the evaluation. */
  at: Timestamp;
  onset: OnsetEvidence;
  /**
   * Changes of the service, its dependencies, its callers, shared infrastructure, and undeclared neighbours from at most
   * two hours before the onset, plus the predecessor of each.
   */
  changes: readonly RelatedChange[];
  /**
   * Health query over the two hours before `at`, with its limit: healthy at or below `max`. `window`: seconds that a
   * value covers; absent or null: unknown. `quantile`: the query is a quantile, which a small share of the requests can
   * raise. `quantile_of`: which one, from 0 to 1; absent: unknown. Null: no query, or no answer.
   */
  health: {
    max: number;
    curve: Curve;
    window?: number | null;
    quantile?: true;
    quantile_of?: number;
    /** Greatest possible value: 1 of a share of the requests, 100 of a percentage. Absent: not known to be one. */
    whole?: 1 | 100;
    /** `max` is not the limit of the query, but the height of the incident before a change that made it worse. */
    is_height?: true;
    /** Samples of two days, each ten minutes, if the curve rises throughout. Absent: it does not, or no answer. */
    long?: Curve;
  } | null;
  /** Error from reading the health query. Absent: the query was read, or none is configured. */
  health_unreadable?: string;
  /** Requests per second over the same two hours. Null: no query, or no answer. */
  traffic: Curve | null;
  /**
   * Health query by version over the same two hours, where monitoring distinguishes versions, with the requests per
   * second of each version. Null: no query, or no answer.
   */
  by_version: readonly VersionSeries[] | null;
  /** Seconds that a value of both queries by version covers. Absent: unknown, or different ones. */
  by_version_window?: number;
  /**
   * The same two queries over a shorter window, in seconds, around the newest deploy: what happened within the window of
   * the configured queries. Absent: their window cannot be shortened, or there is no such deploy.
   */
  by_version_close?: { window: number; versions: readonly VersionSeries[] };
  /**
   * The same for each instance of the versions of which one is or was above the limit since the problem began, or that these had before. `window`: seconds that a value covers; null:
   * unknown. Absent: the metrics do not tell instances apart, or no answer. Before version 27 of the decision logic, also absent
   * if no instance is above the limit.
   */
  by_instance?: { window: number | null; versions: readonly InstancesOfVersion[] };
  /**
   * What callers of the service measure: the share of their failed requests by its version, with their requests per second,
   * both over `window` seconds, in the unit of the health query. `max`, `whole`: as of `health`. `close`: as
   * `by_version_close`. Absent: not configured, or no answer.
   */
  callers?: {
    max: number;
    whole: 1 | 100;
    window: number;
    versions: readonly VersionSeries[];
    close?: NonNullable<Evidence['by_version_close']>;
  };
  /**
   * Measured versions that were never recorded for this service, such as those of other services in a query that is too wide:
   * nothing is compared with them. Absent: none.
   */
  unrecorded_versions?: readonly string[];
  /** Pods by version at the time of the evaluation. Absent: no matchers, no answer, or no metrics of pods. */
  pods?: readonly PodsOfVersion[];
  /** The same as `by_version` by variant, for each flag that was changed near the onset. Absent: no query, no flag, or no answer. */
  by_flag?: readonly ByFlag[];
  /** Versions named in labels of the firing alerts. Empty: no label names a version. */
  alert_versions: readonly string[];
  /**
   * The canary that Firebreak aborted because its version was worse than the stable one, if all firing alerts report it.
   * Absent: they do not.
   */
  aborted_canary?: { change_id: string; version: string; stable_version: string; reason: string };
  /**
   * The version that a watch of its deploy found worse than its baseline, by statistics, if a firing alert reports it.
   * `comparison` absent: as `before`. Absent: none does.
   */
  degraded_version?: { change_id: string; version: string; reason: string; comparison?: Comparison };
  /**
   * An earlier problem of the incident, which had ended when the one that is judged began: its samples are left out. Absent:
   * there was none.
   */
  earlier_problem?: { from: Timestamp; until: Timestamp };
  /**
   * The earlier problem of the incident goes on, because nothing was mitigated: `since` its opening. `requests`: alerts of it that
   * still fire request a rollback as well. Absent: there is none, or it was mitigated.
   */
  earlier_goes_on?: { since: Timestamp; requests: boolean };
  /** Times of earlier incidents of the service with a confirmed cause, until they were mitigated or resolved. Absent: none. */
  explained?: readonly { from: Timestamp; until: Timestamp }[];
  /** Other services in the same environment that fail now, or that started to fail within ten minutes of the onset. */
  failing: readonly Failing[];
  /** Other services whose health query has no samples any more, with the time of the last scrape. Absent: none. */
  ended?: readonly { service: string; at: Timestamp }[];
  /** Other services whose errors have ended, or have fallen clearly, since the problem began. Absent: none. */
  recovering?: readonly string[];
  /** Dependencies and dependents without a sample since the problem began: whether they fail is not known yet. Absent: none. */
  unmeasured?: readonly string[];
  /** The other failing services could not be read. Absent: they were read. */
  failing_unreadable?: true;
  /**
   * The same about dependencies that fail and have changes in `changes`, as for incidents of their own: what these changes
   * are weighed by. Absent: none.
   */
  related?: readonly Omit<Evidence, 'related'>[];
  /** The newest controlled look at this problem that has ended. Absent: there was none. */
  look?: LookEvidence;
  /** Changes that people have cleared; these are not suspects. Absent: none. */
  cleared?: readonly ClearedSuspect[];
  /** Unrelated failing services are ignored (`failTogether: ignore`). Absent: they are evaluated. */
  strangers_ignored?: true;
};
