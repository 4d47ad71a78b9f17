import type { ChangeKind } from '../../schemas/change.ts';

/**
 * What each piece of evidence weighs, as the natural logarithm of a likelihood ratio: how many times more often it is
 * seen when the change is the cause than when it is not. +0.7 doubles the odds, +2.3 is ten to one, -3 twenty to one
 * against, -4.5 ninety to one: more than times and a step can speak for it together.
 *
 * They are judgements, set by what on-call engineers conclude from such evidence and rounded; not fitted to a data set.
 * With nothing but times, a deploy of the service gets 0.95 while it rolls out, 0.93 when it has just finished, 0.82
 * half an hour later.
 */
export const WEIGHTS = {
  /**
   * Odds of 7 to 3: "roughly 70 % of outages are due to changes in a live system".
   * @see https://sre.google/sre-book/introduction/
   */
  prior: 0.85,

  /** It was being put live at the very moment. Together with the prior: 0.95. */
  rolling_out: 2.1,
  /**
   * Begun more than half an hour ago and still without an end: a long roll-out, or a record that was forgotten. At two
   * hours.
   */
  rolling_out_for_long: -2,
  /** Finished just before. Together with the prior: 0.93. */
  just_finished: 1.75,
  /** Finished half an hour before: most bad deploys show within minutes. Linear between; with the prior: 0.82. */
  finished_half_an_hour_ago: 0.67,
  /** Seems to have begun after the onset; clocks may differ so much. With the prior: 0.6. */
  clock_skew: -0.44,
  /** Finished more than half an hour before, and only a slow rise since connects the two. */
  slow_burn: -1.2,

  /** Of something that the service depends on: few of its changes reach us. A person is asked at most. */
  dependency: -2.2,
  /** Each further step away. */
  dependency_step: -0.5,
  /** Of what many depend on: it would be seen in many places. */
  shared: -2.5,
  /** The dependency fails itself, and not later than we: then its change explains both. */
  dependency_fails_too: 3.7,
  /** It fails, but later than we. */
  dependency_fails_later: 0.5,
  /** Nobody else is known to fail, least of all what was changed. */
  changed_service_is_well: -1,
  /** A shared change explains that others fail, too: one of them, and two or more. */
  common_cause_of_one: 1.5,
  common_cause: 3.5,

  /** What we depend on failed not later than we: seldom the doing of our deploy. */
  dependency_failed_first: -4.5,
  /** What we depend on fails since shortly after us. Either may be the cause. */
  dependency_fails: -1.6,
  /** One other, unrelated service fails at the same time, without a change of its own: coincidences happen. */
  another_fails: -0.6,
  /** Two do: too many for a coincidence, too few for a common cause that is certain. */
  two_others_fail: -2,
  /** More do: a common cause, which one service's change is not. */
  several_fail: -4.5,

  /** Errors at least doubled and passed the limit within 30 minutes of it; at twice, and from ten times on. */
  step: 0.7,
  large_step: 1.5,
  /** A rise, but not the classic doubling: noise near the limit does as much. */
  small_step: -1.8,
  /** No rise at all. */
  no_step: -3,
  /** Errors were above the limit right before it. */
  bad_before: -4.5,
  /** They had been within the hour before it, and came back: they come and go without it. */
  bad_earlier: -2,
  /** Errors had been rising before it began. */
  rising_before: -3.5,
  /** Errors rose slowly, from long after it on: a leak or growing load. */
  slow_rise: -3,
  /** Errors rose slowly, but from its beginning on. */
  slow_rise_since: -1.8,
  /** The health query is within its limit now: the alert is noise, or it is over. */
  healthy_now: -4.5,
  /** Only the newest sample is: it may be over, or noise. Where versions are not told apart, a person looks first. */
  healthy_just_now: -1,

  /** Half as much traffic again, from before the errors on. */
  traffic_rise: -3,

  /** Its version is bad and the other versions, which take traffic as well, are healthy. */
  only_its_version_bad: 3,
  /** As before, but the others may have served only before the onset. */
  only_it_seems_bad: 0.7,
  /** Nobody knows the limit, but its version is at least twice as bad as any other. */
  its_version_worse: 2,
  /** Some other version is as bad. */
  some_other_version_bad: -2,
  /** All versions are alike bad: what they share is the cause. */
  all_versions_bad: -4.5,
  /** Its version is healthy, while others are bad. */
  its_version_healthy: -4.5,
  /** No version is bad. */
  no_version_bad: -2,
  /** Its version takes no traffic: it can break nothing. */
  no_traffic: -4.5,

  /** The alerts name its version and no other. */
  alert_names_it: 2,
  /** The alerts name other versions beside its own. */
  alert_names_others_too: -3,
  /** The alerts name other versions only. */
  alert_names_others: -3,

  /** More errors than its share of the traffic could make, if every request to it failed. */
  beyond_canary: -4.5,

  /** Something newer of the same service replaced it before the onset: it did not run any more. */
  replaced: -4.5,
  /** The newer one came so soon after it that either may be the cause; when errors began is not known to the minute. */
  replaced_soon: -0.5,
  /** The newer one was rolling out at the onset, so it ran beside this one, which had been well until then. */
  being_replaced: -1,

  /** The same version was put live again: the newer of the two records stands for it. */
  repeated: -4.5,
  /** The same version had been running before, and well. A restart, rather than a change. */
  same_version: -2,

  /** A deploy that failed put its version live in part, or not at all. */
  failed: -0.5,
} as const;

/** How often a change of this kind breaks something, compared with a deploy. */
export const KIND_WEIGHTS: Readonly<Record<ChangeKind, number>> = {
  deploy: 0,
  hotfix: 0,
  /** Changes of configuration break as much as code, and faster. */
  config: 0,
  migration: 0,
  infrastructure: 0,
  /** Mostly narrow, and meant to be turned back. */
  flag: -0.2,
  /** Some of the users only. */
  experiment: -0.5,
  /** Goes back to what worked before; and to undo it alone is to bring back what was taken out. */
  rollback: -1.6,
};

/** At least this sure for an automatic act. */
export const CONFIDENT = 0.8;

/** Below this nobody is asked; people are told. */
export const MIN_CONFIDENCE = 0.5;

/**
 * Evidence of this weight or below contradicts the rest; contradictory evidence is for a person, never acted upon
 * alone.
 */
export const CONTRADICTS = -1.5;

/** Log-odds of 0.75: a person may be asked, nothing is done without. */
export const ASK_AT_MOST = 1.1;

/** Log-odds of 0.4: told only. */
export const TELL_AT_MOST = -0.4;
