/**
 * Weights of the evidence, as the natural logarithm of a likelihood ratio: how many times more often the evidence is
 * seen when the change is the cause than when it is not. +0.7 doubles the odds; +2.3 is ten to one; -3 is twenty to one
 * against; -4.5 is ninety to one against, which outweighs timing and a step together.
 *
 * Some weights are fitted to generated cases (`packages/lab/bench/fit.ts`); the others are rounded judgments of what on-call engineers
 * conclude from such evidence. Without measured health, a deploy of the service gets 0.95 while it rolls out, 0.93 just
 * after it finished, and 0.82 half an hour later.
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
  /**
   * The change finished half an hour before a measured onset, or started two hours before it: most bad deploys show within
   * minutes. Each doubling of the distance counts the same. For an onset that is not measured, see above.
   */
  long_after_end: -3.18,
  long_after_start: -6.6,
  /** The same two hours, where errors keep growing: what grows began before it showed. */
  grows_long_after: 2.42,
  /** Monitoring has seen its version only after the errors began. */
  served_later: -4.5,
  /** The recorded start is after the onset, within the tolerance for clock differences. With the prior: 0.6. */
  clock_skew: -0.44,
  /**
   * Where the onset is measured: at the greatest tolerated difference of clocks, linear in between. Most clocks differ by
   * seconds.
   */
  clock_skew_far: -1.2,
  /** The change seems to have started after the onset, and its record came at once, so its clock is right. */
  clock_agrees: -3.21,
  /** The record came late, after the onset: the clock can be behind, so that the change came after the problem. */
  recorded_late: -1.6,

  /** Change of a dependency: few of a dependency's changes affect the service. At most, a person is asked. */
  dependency: -2.2,
  /** Each further `dependsOn` step. */
  dependency_step: -1.95,
  /** Change of a shared service: it would affect many services. */
  shared: -2.5,
  /** The dependency fails itself, not later than the service: its change explains both failures. */
  dependency_fails_too: 1.8,
  /** The dependency fails itself, but later than the service. */
  dependency_fails_later: 0.9,
  /** No other service is known to fail, including the changed service. */
  changed_service_is_well: -1,
  /** A shared change explains that other services fail too: one of them, or two and more. */
  common_cause_of_one: 0.8,
  common_cause: 0.9,

  /** Change of a caller, which can send bad requests or more of them; few of a caller's changes do. */
  caller: -3.12,
  /** Each further step from caller to caller. */
  caller_step: -1.14,
  /** The changed caller fails itself: its requests fail. */
  caller_fails_too: 1.23,
  /** The changed caller is not known to fail. */
  changed_caller_is_well: 0.5,
  /**
   * Change of a service that fails at the same time since its change, and that is declared neither as a dependency nor as a
   * caller: most pairs of services have no relation.
   */
  undeclared: -4,
  /** The failing service has no change of its own, so that a relation that nobody declared is the simplest explanation. */
  undeclared_alone: 0.5,
  /** The same, and the changed service began to fail later, as a caller can. */
  undeclared_fails_later: 1.2,
  /** Another service that fails at the same time was rolled back, and still fails. */
  rollback_did_not_help: -2.5,

  /** A dependency failed not later than the service: a deploy of the service rarely causes that. */
  dependency_failed_first: -4.5,
  /** A dependency started to fail shortly after the service. Either may be the cause. */
  dependency_fails: -1.6,
  /** One unrelated service fails at the same time without a change of its own: coincidences happen. */
  another_fails: -1.1,
  /** Two unrelated services fail: too many for a coincidence, too few for a certain common cause. */
  two_others_fail: -2.3,
  /** More than two unrelated services fail: a common cause, which the change of one service is not. */
  several_fail: -4.5,

  /**
   * Errors at least doubled and passed the limit within 30 minutes of the change. `step`: at twice the baseline;
   * `large_step`: from ten times on.
   */
  step: 0.1,
  large_step: 1.5,
  /** A rise below the classic doubling: noise near the limit can look the same. */
  small_step: -1.8,
  /** No rise at all. */
  no_step: -3,
  /** Errors were above the limit right before the change. */
  bad_before: -4.5,
  /** Errors were above the limit within the hour before the change and returned: they occur independently of it. */
  bad_earlier: -1.25,
  /** Errors were already rising before the change began. */
  rising_before: -2.3,
  /** Errors rose slowly: a leak, which a change can have brought, or growing load. */
  slow_rise: -2.25,
  /** Errors are above the limit but already falling; a bad version that keeps running would keep failing. */
  falling: -0.5,
  /** The same errors began a usual period ago, too, and ended. */
  recurring: -3,
  /** The service's series ended with the change: it may crash at its start. */
  vanished: 1.5,
  /** The alert is about missing samples, and no errors are measured: monitoring fails more often than a service vanishes. */
  missing_samples: -3.19,
  /** The health query is within its limit now: the alert is noise, or the problem is over. */
  healthy_now: -3,
  /**
   * Only the newest sample is within the limit: the problem may be over, or the sample is noise. Unless versions are
   * distinguished, a person decides.
   */
  healthy_just_now: -1,

  /** Traffic rose by half or more, starting before the errors. */
  traffic_rise: -2.59,

  /** The change's version is bad; the other versions, which also take traffic, are healthy. */
  only_its_version_bad: 3,
  /** As `only_its_version_bad`; it takes at most half of the traffic, and its errors explain those of all. */
  canary_bad: 3,
  /** As `only_its_version_bad`, but the other versions may have served only before the onset. */
  only_it_seems_bad: 0.05,
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
  /** Its pods can't start, or crash: as `vanished`. New pods can also crash because of what they reach only at their start. */
  cannot_start: 1.5,

  /**
   * Firebreak aborted its canary: the judge compared it with the stable version at the same time, with at most 1 % false
   * alarms, and the alert is about nothing else.
   */
  canary_aborted: 6,

  /**
   * The watch of its deploy compared the version with its baseline, with at most 1 % false alarms. If the baseline has
   * served before it, anything else that fails since then looks the same.
   */
  watch_degraded: 1.2,
  /** As `watch_degraded`, but the baseline served at the same time: as `only_its_version_bad`. */
  watch_degraded_beside: 3,

  /** The alerts name the change's version and no other. */
  alert_names_it: 2,
  /** The alerts name other versions in addition to the change's version. */
  alert_names_others_too: -3,
  /** The alerts name only other versions. */
  alert_names_others: -3,

  /** More errors than the change's share of traffic could cause if each of its requests failed. */
  beyond_canary: -5,
  /** Half an hour after its start: the share can have been raised since. Each doubling of the time counts the same. */
  canary_raised: 1.86,

  /** A newer version of the same service replaced it before the onset, so it no longer ran. */
  replaced: -4.5,
  /** The same, and that was long enough before: it cannot have begun the problem. Shorter, the times can be inexact. */
  gone: -3.5,
  /** The successor came so soon that either may be the cause: the start of the errors is not known to the minute. */
  replaced_soon: -0.5,
  /** The successor was rolling out at the onset. It ran beside this version, which had been healthy until then. */
  being_replaced: -1,

  /** The same version was put live again: the newer record represents it. */
  repeated: -4.5,
  /** The same version had already been running well: a restart rather than a change. */
  same_version: -5,

  /** A failed deploy put its version live partly or not at all. */
  failed: -0.5,

  /** Kinds of changes, relative to a deploy. Flags are mostly narrow in scope and easy to revert. */
  kind_flag: -0.2,
  /** Affects only some users. */
  kind_experiment: -0.5,
  /** Returns to a version that worked before; undoing a rollback alone would restore the version that was removed. */
  kind_rollback: -1.6,
} as const;

/** Minimum confidence for an automatic action. */
export const MIN_CONFIDENCE_TO_ACT = 0.8;

/** Minimum confidence to ask a person: the change is more probable than everything else together. Below it, Firebreak only reports. */
export const MIN_CONFIDENCE_TO_ASK = 0.5;

/**
 * Evidence of this weight or below contradicts the rest. Contradictory evidence is never acted upon automatically; a
 * person decides.
 */
export const CONTRADICTION_WEIGHT = -1.5;
