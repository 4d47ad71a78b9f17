/**
 * The labels of the monitored world. They were written before its generator, and before any case was judged.
 *
 * `wants` is what a careful on-call engineer wants for the change in `cause`:
 *
 * - `roll_back`: undo it. Doing it and asking about it are both right.
 * - `ask`: name it, and let a person decide, because undoing it is not a rollback of a version (configuration, flags), or
 *   a rollback may destroy data (migrations).
 * - `leave`: no recorded change is to be undone. Acting is wrong, and so is a question, because its yes would be wrong.
 *
 * Undecidable cases are counted apart (`facts.ts` has the definition): the data is the same as in a case with another
 * label. A person should be asked; a rollback is wrong if it is not of the cause.
 */
export type Wants = 'roll_back' | 'ask' | 'leave';

export type Label = {
  /** The change that caused the problem. Null: no recorded change. */
  cause: string | null;
  wants: Wants;
};

export type ClassLabel = {
  happens: string;
  /** The true cause: a change of the failing service, another recorded change, or none that is recorded. */
  cause: 'own_deploy' | 'other_change' | 'none';
  wants: Wants;
  /** Number of cases in a full set. */
  cases: number;
};

const row = (cases: number, cause: ClassLabel['cause'], wants: Wants, happens: string): ClassLabel => ({
  cases,
  cause,
  wants,
  happens,
});

export const CLASSES = {
  // Caused by a recorded change.
  deploy_at_once: row(
    130,
    'own_deploy',
    'roll_back',
    'all instances get a bad version at once, and errors begin within seconds',
  ),
  deploy_rolling: row(
    140,
    'own_deploy',
    'roll_back',
    'instances are replaced one by one, and errors grow with their share',
  ),
  canary_labelled: row(
    110,
    'own_deploy',
    'roll_back',
    'a bad canary of 5 to 30 % of the traffic; metrics carry the version',
  ),
  canary_unlabelled: row(
    80,
    'own_deploy',
    'roll_back',
    'a bad canary of 5 to 30 % of the traffic; metrics do not carry the version',
  ),
  canary_small: row(
    70,
    'own_deploy',
    'roll_back',
    'a bad canary of 0.5 to 4 % of the traffic, found by a rule per version or by a sensitive limit',
  ),
  crash: row(
    80,
    'own_deploy',
    'roll_back',
    'the new version crashes again and again; its series vanish and restart at zero',
  ),
  latency: row(
    90,
    'own_deploy',
    'roll_back',
    'the new version is several times slower; there are no errors, and the health query is a quantile',
  ),
  slow_burn: row(
    80,
    'own_deploy',
    'roll_back',
    'the new version leaks; errors grow during 10 to 60 minutes after the deploy',
  ),
  configuration: row(
    80,
    'other_change',
    'ask',
    'a bad configuration of the service; versions fail alike, and a rollback of the last deploy does not help',
  ),
  flag: row(80, 'other_change', 'ask', 'a feature flag is turned on for a part of the users'),
  migration: row(60, 'own_deploy', 'ask', 'a deploy with a migration; the older version may not run on the new schema'),
  dependency_deploy: row(
    90,
    'other_change',
    'roll_back',
    'a bad deploy of a declared dependency; the dependency shows errors as well',
  ),
  caller_deploy: row(
    80,
    'other_change',
    'roll_back',
    'a deploy of a caller sends bad requests, or several times as many',
  ),
  undeclared_deploy: row(
    60,
    'other_change',
    'roll_back',
    'a bad deploy of a dependency that the catalogue does not declare; the dependency shows errors as well',
  ),
  undeclared_caller_deploy: row(
    60,
    'other_change',
    'roll_back',
    'a deploy of a caller that the catalogue does not declare sends bad requests, or several times as many',
  ),
  shared_change: row(
    60,
    'other_change',
    'ask',
    'a recorded change of shared infrastructure breaks several services within minutes',
  ),
  train_one_bad: row(
    80,
    'own_deploy',
    'roll_back',
    'five to twelve services are deployed together; one of them is bad',
  ),
  first_of_two_bad: row(
    60,
    'own_deploy',
    'roll_back',
    'a bad deploy, and an innocent one on top of it two to fifteen minutes later',
  ),
  second_of_two_bad: row(
    60,
    'own_deploy',
    'roll_back',
    'an innocent deploy, and a bad one two to fifteen minutes later',
  ),
  sparse_deploy: row(
    80,
    'own_deploy',
    'roll_back',
    'a bad deploy of a service with few requests, or samples that arrive late',
  ),
  skewed_deploy: row(
    60,
    'own_deploy',
    'roll_back',
    'a bad deploy; the clock of the CD system is up to two minutes off',
  ),
  burn_rate_deploy: row(
    60,
    'own_deploy',
    'roll_back',
    'a mildly bad deploy, found by a burn-rate alert; an innocent deploy in between in half of the cases',
  ),
  lazy_series_deploy: row(
    60,
    'own_deploy',
    'roll_back',
    'a bad deploy; the series of errors do not exist before the first error',
  ),

  // Not caused by a recorded change, or not to be undone.
  dependency_fails: row(160, 'none', 'leave', 'a declared dependency fails by itself; deploys are innocent'),
  undeclared_fails: row(150, 'none', 'leave', 'a dependency that the catalogue does not declare fails by itself'),
  shared_fails: row(120, 'none', 'leave', 'shared infrastructure fails by itself, and takes several services with it'),
  third_party: row(
    150,
    'none',
    'leave',
    'an external provider fails for a part of the requests, partly intermittently',
  ),
  traffic_spike: row(130, 'none', 'leave', 'two to eight times the traffic, more than the service can serve'),
  load_test: row(80, 'none', 'leave', 'a planned load test, with a steep start and end'),
  train_none_bad: row(120, 'none', 'leave', 'many services are deployed together, and one fails for another reason'),
  redeploy: row(120, 'none', 'leave', 'the running version is deployed again; the failure has another cause'),
  other_environment: row(110, 'none', 'leave', 'a deploy in another environment; production fails for another reason'),
  fix_shipped: row(
    120,
    'other_change',
    'leave',
    'a bad deploy, and its fix rolls out or has rolled out when the alert arrives; undoing the fix is wrong',
  ),
  burn_rate_innocent: row(
    120,
    'none',
    'leave',
    'a burn-rate alert for a failure without a change; a deploy between its onset and the alert',
  ),
  absent_samples: row(
    120,
    'none',
    'leave',
    'an absent() or scrape-failure alert because monitoring fails, beside an innocent deploy',
  ),
  slow_leak: row(120, 'none', 'leave', 'a disk, table, or queue fills up; errors grow, whatever is deployed'),
  hourly_batch: row(120, 'none', 'leave', 'a batch job of each hour causes errors for some minutes, again and again'),
  noisy_alert: row(120, 'none', 'leave', 'a limit close to the normal value, and an alert without for'),
  sparse_noise: row(
    110,
    'none',
    'leave',
    'a few requests per minute, of which one or two fail by chance; late samples',
  ),
  lazy_series: row(
    100,
    'none',
    'leave',
    'new instances have no series of errors before their first error, which comes after an innocent deploy',
  ),
  late_deploy: row(110, 'none', 'leave', 'a deploy after the onset, recorded before it because of the clock'),
  many_at_once: row(110, 'none', 'leave', 'a zone or the network fails, and most services alert within minutes'),
  already_over: row(110, 'none', 'leave', 'a failure of a few minutes that ends before or while the alert arrives'),
  rollback_did_not_help: row(
    110,
    'none',
    'leave',
    'an outside failure; a rollback was done already and has not helped',
  ),
  machine: row(
    150,
    'none',
    'leave',
    'a machine fails, with all instances on it; a deploy at some time in the two hours before',
  ),
  network: row(
    150,
    'none',
    'leave',
    'the network loses packets for a service; a deploy at some time in the two hours before',
  ),
  certificate: row(
    130,
    'none',
    'leave',
    'a certificate or credential expires; a deploy at some time in the two hours before',
  ),
  bad_data: row(
    130,
    'none',
    'leave',
    'data or a manual change that no one recorded; a deploy at some time in the two hours before',
  ),
  canary_noise: row(
    110,
    'none',
    'leave',
    'a healthy canary with few requests beside a failure that all versions share',
  ),
  cold_start: row(
    90,
    'own_deploy',
    'leave',
    'caches of a good new version are cold; errors end by themselves within minutes',
  ),
} as const satisfies Record<string, ClassLabel>;

export type ClassName = keyof typeof CLASSES | AddedClassName | ConfounderClassName | UnreachedClassName;

/** The first classes, which all earlier results are about. */
export const CLASS_NAMES = Object.keys(CLASSES) as (keyof typeof CLASSES)[];

/**
 * Classes that were added later, with labels written before their generator. They are judged and counted apart, so that
 * the results of the first ones stay comparable.
 */
export const ADDED_CLASSES = {
  leak_after_deploy: row(
    60,
    'own_deploy',
    'ask',
    'a version leaks memory, steadily or with its traffic; the alert about its use comes 3 to 40 hours after the deploy. A ' +
      'restart helps for hours as well, so a person decides',
  ),
  leak_without_deploy: row(
    60,
    'none',
    'leave',
    'a disk, table, or queue fills up, whatever is deployed; deploys during the two days before are innocent',
  ),
  watch_degraded_deploy: row(
    60,
    'own_deploy',
    'roll_back',
    'a bad deploy; the watch of the deploy finds it worse than the time before, and its alert comes first',
  ),
  watch_degraded_innocent: row(
    60,
    'none',
    'leave',
    'an outside failure during the watch of a good deploy, which looks worse than the time before: a dependency that ' +
      'fails, more traffic, a machine, or a short burst',
  ),
  worsened_during_incident: row(
    60,
    'own_deploy',
    'roll_back',
    'an outside failure, and a deploy during the incident that makes it worse',
  ),
  worsened_without_deploy: row(
    60,
    'none',
    'leave',
    'an outside failure that grows; an innocent deploy while it grows, or after it has',
  ),
} as const satisfies Record<string, ClassLabel>;

export type AddedClassName = keyof typeof ADDED_CLASSES;

export const ADDED_CLASS_NAMES = Object.keys(ADDED_CLASSES) as AddedClassName[];

/**
 * Classes in which the instances of a version have more in common than their version, or in which labels and records mislead.
 * Metrics distinguish versions in all of them. They are judged and counted apart.
 */
export const CONFOUNDER_CLASSES = {
  // Not to be undone.
  config_at_start: row(
    60,
    'none',
    'leave',
    'a configuration or secret that instances read at their start goes bad within a minute of a good deploy; whichever ' +
      'version starts from then on fails, also after a rollback. It is not recorded',
  ),
  config_at_start_recorded: row(
    60,
    'other_change',
    'leave',
    'the same, and the change of the configuration is recorded',
  ),
  sidecar_at_start: row(
    40,
    'none',
    'leave',
    'a bad sidecar has been injected at each start for minutes to hours, and instances of a good deploy get it; in half of ' +
      'the cases, other services that start get it, too',
  ),
  node_under_new: row(
    60,
    'none',
    'leave',
    'a machine fails under an instance of a good version that rolls out, with what else runs on it',
  ),
  noisy_neighbour: row(
    40,
    'none',
    'leave',
    'another process takes a machine over, under an instance of either version; some of its requests fail',
  ),
  partial_region: row(
    40,
    'none',
    'leave',
    'a good deploy has replaced one of two regions, and this region fails; other services fail there in half of the cases',
  ),
  cold_start_rolling: row(
    60,
    'own_deploy',
    'leave',
    'a good rolling deploy; each instance fails until its caches are warm',
  ),
  cold_start_canary: row(40, 'own_deploy', 'leave', 'a good canary, which fails until its caches are warm'),
  retry_storm: row(
    40,
    'none',
    'leave',
    'a dependency fails for a minute, and clients that retry overload the service from then on, during a good deploy',
  ),
  herd: row(40, 'none', 'leave', 'many clients come at once, and the wave ends by itself, during a good deploy'),
  errors_labelled_since: row(
    40,
    'none',
    'leave',
    'an outside failure of all instances during a good deploy; failed requests carry a version only since the new one',
  ),
  late_end_innocent: row(
    60,
    'none',
    'leave',
    'an outside failure soon after a good deploy, whose end is recorded minutes after the old version is gone',
  ),
  explained_recurs: row(
    40,
    'none',
    'leave',
    'an outside failure that recurs; its first time ended during the rollback of a good deploy, which counts as its cause',
  ),

  // Caused by a recorded change.
  flag_after_deploy: row(
    60,
    'other_change',
    'ask',
    'a flag is turned on after a good deploy, and only the new version has the code behind it',
  ),
  labels_late_deploy: row(
    40,
    'own_deploy',
    'roll_back',
    'a bad deploy; for minutes, the metrics of new instances carry the version before',
  ),
  labels_lost_deploy: row(40, 'own_deploy', 'roll_back', 'a bad deploy; the metrics of new instances carry no version'),
  errors_unlabelled_deploy: row(
    40,
    'own_deploy',
    'roll_back',
    'a bad deploy; only successful requests carry a version',
  ),
  late_records_deploy: row(
    40,
    'own_deploy',
    'roll_back',
    'a bad deploy, recorded up to seven minutes late, by a clock that is up to four minutes off',
  ),
  explained_deploy: row(
    40,
    'own_deploy',
    'roll_back',
    'a bad deploy; an hour before, another one failed alike and was rolled back',
  ),
  second_deploy_in_verification: row(
    40,
    'own_deploy',
    'roll_back',
    'a bad deploy while the rollback of another one is verified; both belong to one incident',
  ),
} as const satisfies Record<string, ClassLabel>;

export type ConfounderClassName = keyof typeof CONFOUNDER_CLASSES;

export const CONFOUNDER_CLASS_NAMES = Object.keys(CONFOUNDER_CLASSES) as ConfounderClassName[];

/**
 * Classes in which requests fail before the service counts them, so that only its callers do, and their alert fires. They are
 * judged and counted apart.
 */
export const UNREACHED_CLASSES = {
  unreached_deploy: row(
    40,
    'own_deploy',
    'roll_back',
    'a bad deploy, whose instances refuse requests or crash on them',
  ),
  unreached_node: row(
    40,
    'none',
    'leave',
    'a machine under an instance of a good version that rolls out drops connections, also to what else runs on it',
  ),
  unreached_network: row(
    40,
    'none',
    'leave',
    'the network between a service and its callers loses requests, during a good deploy',
  ),
} as const satisfies Record<string, ClassLabel>;

export type UnreachedClassName = keyof typeof UNREACHED_CLASSES;

export const UNREACHED_CLASS_NAMES = Object.keys(UNREACHED_CLASSES) as UnreachedClassName[];

/** The labels of all classes. */
export const LABELS: Readonly<Record<ClassName, ClassLabel>> = {
  ...CLASSES,
  ...ADDED_CLASSES,
  ...CONFOUNDER_CLASSES,
  ...UNREACHED_CLASSES,
};

/** Classes in which no automatic rollback is right. */
export const isNegative = (name: ClassName): boolean => LABELS[name].wants === 'leave';
