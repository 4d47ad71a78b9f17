import type { ChangeKind } from '../../schemas/changes/change.ts';

/**
 * Weights of the evidence, as the natural logarithm of a likelihood ratio: how many times more often the evidence is
 * seen when the change is the cause than when it is not. +0.7 doubles the odds; +2.3 is ten to one; -3 is twenty to one
 * against; -4.5 is ninety to one against, which outweighs timing and a step together.
 *
 * The weights are rounded judgments of what on-call engineers conclude from such evidence; they are not fitted to a
 * data set. With timing alone, a deploy of the service gets 0.95 while it rolls out, 0.93 just after it finished, and
 * 0.82 half an hour later.
 */
export const WEIGHTS = {
  /**
   * Odds of 7 to 3: "roughly 70 % of outages are due to changes in a live system".
   * @see https://sre.google/sre-book/introduction/
   */
  prior: 0.85,

  /** The change was rolling out at the onset. With the prior: 0.95. */
  rolling_out: 2.1,
  /**
   * Weight at two hours for a change that started more than half an hour ago and has no recorded end: a long roll-out
   * or a forgotten record.
   */
  rolling_out_for_long: -2,
  /** Finished just before the onset. With the prior: 0.93. */
  just_finished: 1.75,
  /**
   * Finished half an hour before the onset: most bad deploys show within minutes. Linear in between; with the prior:
   * 0.82.
   */
  finished_half_an_hour_ago: 0.67,
  /** The recorded start is after the onset, within the tolerance for clock differences. With the prior: 0.6. */
  clock_skew: -0.44,
  /** Finished more than half an hour before the onset; only a slow rise since then connects the two. */
  slow_burn: -1.2,

  /** Change of a dependency: few of a dependency's changes affect the service. At most, a person is asked. */
  dependency: -2.2,
  /** Each further `dependsOn` step. */
  dependency_step: -0.5,
  /** Change of a shared service: it would affect many services. */
  shared: -2.5,
  /** The dependency fails itself, not later than the service: its change explains both failures. */
  dependency_fails_too: 3.7,
  /** The dependency fails itself, but later than the service. */
  dependency_fails_later: 0.5,
  /** No other service is known to fail, including the changed service. */
  changed_service_is_well: -1,
  /** A shared change explains that other services fail too: one of them, or two and more. */
  common_cause_of_one: 1.5,
  common_cause: 3.5,

  /** A dependency failed not later than the service: a deploy of the service rarely causes that. */
  dependency_failed_first: -4.5,
  /** A dependency started to fail shortly after the service. Either may be the cause. */
  dependency_fails: -1.6,
  /** One unrelated service fails at the same time without a change of its own: coincidences happen. */
  another_fails: -0.6,
  /** Two unrelated services fail: too many for a coincidence, too few for a certain common cause. */
  two_others_fail: -2,
  /** More than two unrelated services fail: a common cause, which the change of one service is not. */
  several_fail: -4.5,

  /**
   * Errors at least doubled and passed the limit within 30 minutes of the change. `step`: at twice the baseline;
   * `large_step`: from ten times on.
   */
  step: 0.7,
  large_step: 1.5,
  /** A rise below the classic doubling: noise near the limit can look the same. */
  small_step: -1.8,
  /** No rise at all. */
  no_step: -3,
  /** Errors were above the limit right before the change. */
  bad_before: -4.5,
  /** Errors were above the limit within the hour before the change and returned: they occur independently of it. */
  bad_earlier: -2,
  /** Errors were already rising before the change began. */
  rising_before: -3.5,
  /** Errors rose slowly, starting long after the change: a leak or growing load. */
  slow_rise: -3,
  /** Errors rose slowly, starting at the change. */
  slow_rise_since: -1.8,
  /** The health query is within its limit now: the alert is noise, or the problem is over. */
  healthy_now: -4.5,
  /**
   * Only the newest sample is within the limit: the problem may be over, or the sample is noise. Unless versions are
   * distinguished, a person decides.
   */
  healthy_just_now: -1,

  /** Traffic rose by half or more, starting before the errors. */
  traffic_rise: -3,

  /** The change's version is bad; the other versions, which also take traffic, are healthy. */
  only_its_version_bad: 3,
  /** As `only_its_version_bad`, but the other versions may have served only before the onset. */
  only_it_seems_bad: 0.7,
  /** The limit is unknown, but the change's version is at least twice as bad as any other. */
  its_version_worse: 2,
  /** Another version is as bad. */
  some_other_version_bad: -2,
  /** All versions are equally bad: the cause is something that they share. */
  all_versions_bad: -4.5,
  /** The change's version is healthy, and others are bad. */
  its_version_healthy: -4.5,
  /** No version is bad. */
  no_version_bad: -2,
  /** The change's version takes no traffic, so it cannot cause errors. */
  no_traffic: -4.5,

  /** The alerts name the change's version and no other. */
  alert_names_it: 2,
  /** The alerts name other versions in addition to the change's version. */
  alert_names_others_too: -3,
  /** The alerts name only other versions. */
  alert_names_others: -3,

  /** More errors than the change's share of traffic could cause if each of its requests failed. */
  beyond_canary: -4.5,

  /** A newer version of the same service replaced it before the onset, so it no longer ran. */
  replaced: -4.5,
  /** The successor came so soon that either may be the cause: the start of the errors is not known to the minute. */
  replaced_soon: -0.5,
  /** The successor was rolling out at the onset. It ran beside this version, which had been healthy until then. */
  being_replaced: -1,

  /** The same version was put live again: the newer record represents it. */
  repeated: -4.5,
  /** The same version had already been running well: a restart rather than a change. */
  same_version: -2,

  /** A failed deploy put its version live partly or not at all. */
  failed: -0.5,
} as const;

/** Log-odds that a change of this kind breaks something, relative to a deploy. */
export const KIND_WEIGHTS: Readonly<Record<ChangeKind, number>> = {
  deploy: 0,
  hotfix: 0,
  /** Configuration changes break as much as code, and faster. */
  config: 0,
  migration: 0,
  infrastructure: 0,
  /** Mostly narrow in scope and easy to revert. */
  flag: -0.2,
  /** Affects only some users. */
  experiment: -0.5,
  /** Returns to a version that worked before; undoing a rollback alone would restore the version that was removed. */
  rollback: -1.6,
};

/** Minimum confidence for an automatic action. */
export const MIN_CONFIDENCE_TO_ACT = 0.8;

/** Minimum confidence to ask a person; below it, Firebreak only reports. */
export const MIN_CONFIDENCE_TO_ASK = 0.5;

/**
 * Evidence of this weight or below contradicts the rest. Contradictory evidence is never acted upon automatically; a
 * person decides.
 */
export const CONTRADICTION_WEIGHT = -1.5;

/** Upper limit that permits asking a person, but no automatic action: log-odds of a probability of 0.75. */
export const ASK_MAX_LOG_ODDS = 1.1;

/** Upper limit that permits only a report: log-odds of a probability of 0.4. */
export const REPORT_MAX_LOG_ODDS = -0.4;
