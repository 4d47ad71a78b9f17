import { wordKey } from '../parsing/spelled.ts';

/** What people and systems call the kinds of changes. Letter case and separators do not count. */
export const KIND_WORDS = {
  deployment: 'deploy',
  deployed: 'deploy',
  deploying: 'deploy',
  release: 'deploy',
  released: 'deploy',
  rollout: 'deploy',
  revert: 'rollback',
  reverted: 'rollback',
  rolled_back: 'rollback',
  feature_flag: 'flag',
  configuration: 'config',
  config_change: 'config',
  infra: 'infrastructure',
} as const;

/**
 * What people and systems call how far a change, a run, or a stage is, or how it ended. Letter case and separators do not
 * count. `ended`: it says not how; `waiting`: it has not begun.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/registry/attributes/cicd/, `cicd.pipeline.result`
 * @see https://docs.github.com/en/rest/checks/runs, `conclusion` and `status`
 * @see https://docs.gitlab.com/api/pipelines/, `status`
 * @see https://javadoc.jenkins.io/hudson/model/Result.html
 */
export const OUTCOME_WORDS = {
  started: 'started',
  start: 'started',
  starting: 'started',
  running: 'started',
  in_progress: 'started',
  progressing: 'started',
  ongoing: 'started',
  deploying: 'started',
  rolling_out: 'started',
  succeeded: 'succeeded',
  success: 'succeeded',
  successful: 'succeeded',
  ok: 'succeeded',
  pass: 'succeeded',
  passed: 'succeeded',
  succeeded_with_issues: 'succeeded',
  neutral: 'succeeded',
  failed: 'failed',
  failure: 'failed',
  fail: 'failed',
  failing: 'failed',
  ko: 'failed',
  not_ok: 'failed',
  nok: 'failed',
  unsuccessful: 'failed',
  error: 'failed',
  errored: 'failed',
  crashed: 'failed',
  timeout: 'failed',
  timed_out: 'failed',
  startup_failure: 'failed',
  unstable: 'failed',
  infrastructure_fail: 'failed',
  unauthorized: 'failed',
  partially_succeeded: 'failed',
  cancelled: 'cancelled',
  cancellation: 'cancelled',
  cancelling: 'cancelled',
  canceled: 'cancelled',
  canceling: 'cancelled',
  aborted: 'cancelled',
  abandoned: 'cancelled',
  killed: 'cancelled',
  terminated: 'cancelled',
  stopped: 'cancelled',
  interrupted: 'cancelled',
  stale: 'cancelled',
  skipped: 'skipped',
  skip: 'skipped',
  not_built: 'skipped',
  not_run: 'skipped',
  finished: 'ended',
  completed: 'ended',
  complete: 'ended',
  done: 'ended',
  deployed: 'ended',
  created: 'waiting',
  pending: 'waiting',
  queued: 'waiting',
  scheduled: 'waiting',
  preparing: 'waiting',
  waiting: 'waiting',
  waiting_for_resource: 'waiting',
  waiting_for_callback: 'waiting',
  requested: 'waiting',
  not_started: 'waiting',
  blocked: 'waiting',
  manual: 'waiting',
  on_hold: 'waiting',
  action_required: 'waiting',
} as const;
export type OutcomeWord = keyof typeof OUTCOME_WORDS;
export type Outcome = (typeof OUTCOME_WORDS)[OutcomeWord];

const OUTCOMES: ReadonlyMap<string, Outcome> = new Map(
  Object.entries(OUTCOME_WORDS).map(([word, outcome]) => [wordKey(word), outcome]),
);

/** Returns the outcome that a word means. Undefined: no system is known to have it. */
export const outcomeOf = (word: string): Outcome | undefined => OUTCOMES.get(wordKey(word));
