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

/** The words for each outcome. `ended`: it says not how; `waiting`: it has not begun. What is being cancelled, or fails, has not ended. */
const WORDS_OF = {
  started:
    'started start starting begin began begun running in_progress progressing ongoing deploying rolling_out failing canceling cancelling aborting',
  succeeded: 'succeeded succeed success successful successfully ok pass passed succeeded_with_issues neutral',
  failed:
    'failed failure fail ko not_ok nok unsuccessful unsuccessfully error errored crashed crash broken rejected timeout timed_out startup_failure unstable infrastructure_fail unauthorized partially_succeeded',
  cancelled:
    'cancelled cancellation cancel canceled aborted abort abandoned killed terminated stopped interrupted stale',
  skipped: 'skipped skip not_built not_run dry_run noop',
  ended: 'finished completed complete done deployed ended end',
  waiting:
    'created pending queued scheduled preparing waiting waiting_for_resource waiting_for_callback requested not_started blocked manual on_hold action_required',
} as const;
export type Outcome = keyof typeof WORDS_OF;

/**
 * What people and systems call how far a change, a run, or a stage is, or how it ended. Letter case and separators do not count.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/registry/attributes/cicd/, `cicd.pipeline.result`
 * @see https://docs.github.com/en/rest/checks/runs, `conclusion` and `status`
 * @see https://docs.gitlab.com/api/pipelines/, `status`
 * @see https://javadoc.jenkins.io/hudson/model/Result.html
 */
export const OUTCOME_WORDS = (Object.entries(WORDS_OF) as [Outcome, string][]).flatMap(([outcome, words]) =>
  words.split(' ').map((word) => [word, outcome] as const),
);

const OUTCOMES = new Map(OUTCOME_WORDS.map(([word, outcome]) => [wordKey(word), outcome]));

/** Returns the outcome that a word means. Undefined: no system is known to have it. */
export const outcomeOf = (word: string): Outcome | undefined => OUTCOMES.get(wordKey(word));
