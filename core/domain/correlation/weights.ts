/**
 * How much a piece of evidence says, as the natural logarithm of a likelihood ratio: how many times more often it is seen when
 * the change is the cause than when it is not. There are eight grades, because finer ones are not known better on cases to which
 * they were not fitted (`packages/lab/bench/fit.ts`).
 */
const [RULES_OUT, EXCLUDES, STRONGLY_AGAINST, AGAINST, SLIGHTLY_AGAINST] = [-6, -4, -3, -2, -1] as const;
const [SLIGHTLY_FOR, FOR, PROVES] = [1, 2, 4] as const;

/**
 * Weights of the evidence. Without measured health, a deploy of the service gets 0.95 while it rolls out and just after it
 * finished, and 0.88 half an hour later.
 */
export const WEIGHTS = {
  /**
   * Odds of 73 to 27: "roughly 70 % of outages are due to changes in a live system".
   * @see https://sre.google/sre-book/introduction/
   */
  prior: SLIGHTLY_FOR,

  /** The change was rolling out at the onset. With the prior: 0.95. */
  rolling_out: FOR,
  /**
   * Weight at two hours for a change that started more than half an hour ago and has no recorded end: a long roll-out
   * or a forgotten record.
   */
  rolling_out_for_long: AGAINST,
  /**
   * Finished just before the onset. Half as much half an hour before an onset that is not measured, linear in between: most bad
   * deploys show within minutes.
   */
  just_finished: FOR,
  /**
   * The change finished half an hour before a measured onset, or started two hours before it: most bad deploys show within
   * minutes. Each doubling of the distance counts the same. For an onset that is not measured, see above.
   */
  long_after_end: STRONGLY_AGAINST,
  long_after_start: RULES_OUT,
  /** Monitoring has seen its version only after the errors began. */
  served_later: EXCLUDES,
  /** The change seems to have started after the onset, and its record came at once, so its clock is right. */
  clock_agrees: STRONGLY_AGAINST,
  /** The record came late, after the onset: the clock can be behind, so that the change came after the problem. */
  recorded_late: SLIGHTLY_AGAINST,

  /** Change of a dependency: few of a dependency's changes affect the service. At most, a person is asked. */
  dependency: AGAINST,
  /** Each further `dependsOn` step. */
  dependency_step: AGAINST,
  /** Change of a shared service: it would affect many services. */
  shared: AGAINST,
  /** The dependency fails itself, not later than the service: its change explains both failures. */
  dependency_fails_too: FOR,
  /** The dependency fails itself, but later than the service. */
  dependency_fails_later: SLIGHTLY_FOR,
  /** No other service is known to fail, including the changed service. */
  changed_service_is_well: SLIGHTLY_AGAINST,
  /** A shared change explains that other services fail too. */
  common_cause: SLIGHTLY_FOR,

  /** Change of a caller, which can send bad requests or more of them; few of a caller's changes do. */
  caller: STRONGLY_AGAINST,
  /** The changed caller fails itself: its requests fail. */
  caller_fails_too: SLIGHTLY_FOR,
  /**
   * Change of a service that fails at the same time since its change, and that is declared neither as a dependency nor as a
   * caller: most pairs of services have no relation.
   */
  undeclared: EXCLUDES,
  /** The failing service has no change of its own, so that a relation that nobody declared is the simplest explanation. */
  undeclared_alone: FOR,
  /** Another service that fails at the same time was rolled back, and still fails. */
  rollback_did_not_help: AGAINST,

  /** A dependency failed not later than the service: a deploy of the service rarely causes that. */
  dependency_failed_first: EXCLUDES,
  /** A dependency started to fail shortly after the service. Either may be the cause. */
  dependency_fails: AGAINST,
  /** One unrelated service fails at the same time without a change of its own: coincidences happen. */
  another_fails: SLIGHTLY_AGAINST,
  /** Two unrelated services fail: too many for a coincidence, too few for a certain common cause. */
  two_others_fail: AGAINST,
  /** More than two unrelated services fail: a common cause, which the change of one service is not. */
  several_fail: EXCLUDES,

  /**
   * Errors rose to ten times the baseline or more, and passed the limit, within 30 minutes of the change. Nothing at twice the
   * baseline, linear in between.
   */
  large_step: SLIGHTLY_FOR,
  /** A rise below the classic doubling: noise near the limit can look the same. */
  small_step: AGAINST,
  /** No rise at all. */
  no_step: STRONGLY_AGAINST,
  /** Errors were above the limit right before the change. */
  bad_before: EXCLUDES,
  /** Errors were above the limit within the hour before the change and returned: they occur independently of it. */
  bad_earlier: SLIGHTLY_AGAINST,
  /** Errors were already rising before the change began. */
  rising_before: AGAINST,
  /** Errors rose slowly: a leak, which a change can have brought, or growing load. */
  slow_rise: AGAINST,
  /** Errors are above the limit but already falling; a bad version that keeps running would keep failing. */
  falling: SLIGHTLY_AGAINST,
  /** The same errors began a usual period ago, too, and ended. */
  recurring: STRONGLY_AGAINST,
  /** The service's series ended with the change: it may crash at its start. */
  vanished: SLIGHTLY_FOR,
  /** The alert is about missing samples, and no errors are measured: monitoring fails more often than a service vanishes. */
  missing_samples: STRONGLY_AGAINST,
  /** The health query is within its limit now: the alert is noise, or the problem is over. */
  healthy_now: STRONGLY_AGAINST,
  /**
   * Only the newest sample is within the limit: the problem may be over, or the sample is noise. Unless versions are
   * distinguished, a person decides.
   */
  healthy_just_now: SLIGHTLY_AGAINST,

  /** Traffic rose by half or more, starting before the errors. */
  traffic_rise: AGAINST,

  /** The change's version is bad; the other versions, which also take traffic, are healthy. */
  only_its_version_bad: PROVES,
  /** As `only_its_version_bad`; it takes at most half of the traffic, and its errors explain those of all. */
  canary_bad: PROVES,
  /** As `only_its_version_bad`, but the other versions may have served only before the onset, or the limit is not known. */
  only_it_seems_bad: SLIGHTLY_FOR,
  /** Another version is as bad. */
  some_other_version_bad: AGAINST,
  /** All versions are equally bad: the cause is something that they share. */
  all_versions_bad: EXCLUDES,
  /** The change's version is healthy, and others are bad. */
  its_version_healthy: EXCLUDES,
  /** No version is bad. */
  no_version_bad: AGAINST,
  /** The change's version takes no traffic, so it cannot cause errors. */
  no_traffic: EXCLUDES,
  /** Its pods can't start, or crash: as `vanished`. New pods can also crash because of what they reach only at their start. */
  cannot_start: SLIGHTLY_FOR,

  /**
   * Firebreak aborted its canary: the judge compared it with the stable version at the same time, with at most 1 % false
   * alarms, and the alert is about nothing else.
   */
  canary_aborted: PROVES,

  /**
   * The watch of its deploy compared the version with its baseline, with at most 1 % false alarms. If the baseline has
   * served before it, anything else that fails since then looks the same.
   */
  watch_degraded: SLIGHTLY_FOR,
  /** As `watch_degraded`, but the baseline served at the same time: as `only_its_version_bad`. */
  watch_degraded_beside: PROVES,

  /** The alerts name the change's version and no other. */
  alert_names_it: FOR,
  /** The alerts name other versions in addition to the change's version. */
  alert_names_others_too: STRONGLY_AGAINST,
  /** The alerts name only other versions. */
  alert_names_others: STRONGLY_AGAINST,

  /** More errors than the change's share of traffic could cause if each of its requests failed. */
  beyond_canary: EXCLUDES,
  /** Half an hour after its start: the share can have been raised since. Each doubling of the time counts the same. */
  canary_raised: FOR,

  /** Errors grew and fell with the share of a canary, as those of a bad version do. By how clearly. */
  moves_with_share: FOR,
  /** They did not, although its share was changed. By how clearly. */
  apart_from_share: STRONGLY_AGAINST,

  /** A newer version of the same service replaced it before the onset, so it no longer ran. By how certain that is. */
  replaced: RULES_OUT,
  /** The successor was rolling out at the onset. It ran beside this version, which had been healthy until then. */
  being_replaced: SLIGHTLY_AGAINST,

  /** The same version was put live again: the newer record represents it. */
  repeated: EXCLUDES,
  /** The same version had already been running well: a restart rather than a change. */
  same_version: EXCLUDES,

  /** A failed deploy put its version live partly or not at all. */
  failed: SLIGHTLY_AGAINST,

  /** Returns to a version that worked before; undoing a rollback alone would restore the version that was removed. */
  kind_rollback: AGAINST,
} as const;

/**
 * Odds of a single instance against its version, if it explains the errors of the version. A factor would count against the version
 * the more, the less speaks for it.
 */
export const INSTANCE_AGAINST_VERSION = Math.exp(SLIGHTLY_AGAINST);

/** Minimum confidence for an automatic action. */
export const MIN_CONFIDENCE_TO_ACT = 0.8;

/** Minimum confidence to ask a person: the change is more probable than everything else together. Below it, Firebreak only reports. */
export const MIN_CONFIDENCE_TO_ASK = 0.5;

/**
 * Evidence of this weight or below contradicts the rest. Contradictory evidence is never acted upon automatically; a
 * person decides.
 */
export const CONTRADICTION_WEIGHT = -1.5;
