import * as z from 'zod';
import { ServiceName } from '../../schemas/config/names.ts';
import { OUTCOME_WORDS, outcomeOf } from '../../schemas/changes/words.ts';
import { requiredText as visibleRequired, visibleText } from '../../schemas/parsing/free-text.ts';
import { wordKey } from '../../schemas/parsing/spelled.ts';
import { isUnset, unsetText } from '../../schemas/parsing/unset.ts';
import { Timestamp, WrittenOrNull } from '../../schemas/time/time.ts';

/** How a run or a stage ended. */
export const PipelineResult = z.enum(['succeeded', 'failed', 'cancelled', 'skipped']);
export type PipelineResult = z.infer<typeof PipelineResult>;

/** The words of systems for the results of runs and stages. Those of what has ended, without a word for how, are none. */
const RESULT_SYNONYMS = Object.fromEntries(
  OUTCOME_WORDS.flatMap(([word, outcome]) => {
    const { success: isResult, data } = PipelineResult.safeParse(outcome);
    return isResult && word !== data ? [[word, data]] : [];
  }),
);

/**
 * Returns the words of an enum and their synonyms, in any case and with any separator, as a schema whose output is a word of the
 * enum. An error lists them.
 */
function withSynonyms<Word extends string, Synonym extends string>(
  { options }: { options: readonly Word[] },
  synonyms: Readonly<Record<Synonym, Word>>,
) {
  const others = Object.keys(synonyms) as Synonym[];
  const byKey = new Map<string, Word | Synonym>([...options, ...others].map((word) => [wordKey(word), word]));
  const more = others.length === 0 ? '' : `, or a word for one of these: ${others.join(', ')}`;
  return z.preprocess(
    (word: Word | Synonym): unknown => (typeof word === 'string' ? (byKey.get(wordKey(word)) ?? word) : word),
    z
      .enum([...options, ...others], { error: `must be one of ${options.join(', ')}${more}` })
      .transform((word): Word => (Object.hasOwn(synonyms, word) ? synonyms[word as Synonym] : (word as Word))),
  );
}

/** A result in a report, so that a pipeline can send the word of its own system. */
export const ReportedResult = withSynonyms(PipelineResult, RESULT_SYNONYMS);

/** Returns how a run or a stage has ended, by a word of its system. Undefined: it has not ended, or the word is unknown. */
export const resultOf = (word: string | null | undefined): PipelineResult | undefined =>
  PipelineResult.safeParse(outcomeOf(word ?? '')).data;

/** Returns whether a word says that a run or a stage has not ended, or waits for a person. */
const isUnfinished = (word: unknown): boolean =>
  typeof word === 'string' && ['started', 'waiting'].includes(outcomeOf(word) ?? '');

/** Returns a schema of a result that can be absent, as it is of what has not ended. */
const resultIn = () =>
  z.preprocess(
    (word: z.input<typeof ReportedResult> | null | undefined) => (isUnfinished(word) ? null : word),
    orAbsent(ReportedResult),
  );

/** Values of `cicd.pipeline.result`, which exported labels and spans have. */
export const OTEL_RESULTS: Readonly<Record<PipelineResult, string>> = {
  succeeded: 'success',
  failed: 'failure',
  cancelled: 'cancellation',
  skipped: 'skip',
};

/** What started a run. */
export const PipelineTrigger = z.enum([
  'push',
  'pull_request',
  'merge_queue',
  'schedule',
  'manual',
  'api',
  'release',
  'pipeline',
  'other',
]);
export type PipelineTrigger = z.infer<typeof PipelineTrigger>;

/**
 * What people and systems call a trigger. Events about something other than code and runs are `other`.
 *
 * @see https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows
 * @see https://docs.gitlab.com/ci/jobs/job_rules/#ci_pipeline_source-predefined-variable
 * @see https://javadoc.jenkins.io/hudson/model/Cause.html
 * @see https://circleci.com/docs/reference/variables/#pipeline-values
 * @see https://learn.microsoft.com/en-us/azure/devops/pipelines/build/variables, `Build.Reason`
 * @see https://buildkite.com/docs/pipelines/configure/environment-variables, `BUILDKITE_SOURCE`
 */
const TRIGGER_SYNONYMS = {
  // Pipelines and people.
  pr: 'pull_request',
  mr: 'pull_request',
  merge_request: 'pull_request',
  tag: 'push',
  commit: 'push',
  cron: 'schedule',
  scheduled: 'schedule',
  user: 'manual',
  ui: 'manual',
  webhook: 'api',
  vcs: 'push',
  git: 'push',
  postsubmit: 'push',
  presubmit: 'pull_request',
  nightly: 'schedule',
  hourly: 'schedule',
  daily: 'schedule',
  weekly: 'schedule',
  periodic: 'schedule',
  custom: 'manual',
  promote: 'manual',
  rerun: 'manual',
  retry: 'manual',
  parent_step: 'pipeline',
  // GitHub: `github.event_name`.
  pull_request_target: 'pull_request',
  pull_request_comment: 'pull_request',
  pull_request_review: 'pull_request',
  pull_request_review_comment: 'pull_request',
  merge_group: 'merge_queue',
  create: 'push',
  workflow_dispatch: 'manual',
  repository_dispatch: 'api',
  workflow_run: 'pipeline',
  workflow_call: 'pipeline',
  branch_protection_rule: 'other',
  check_run: 'other',
  check_suite: 'other',
  delete: 'other',
  deployment: 'other',
  deployment_status: 'other',
  discussion: 'other',
  discussion_comment: 'other',
  dynamic: 'other',
  fork: 'other',
  gollum: 'other',
  image_version: 'other',
  issue_comment: 'other',
  issues: 'other',
  label: 'other',
  milestone: 'other',
  page_build: 'other',
  public: 'other',
  registry_package: 'other',
  status: 'other',
  watch: 'other',
  // GitLab: `CI_PIPELINE_SOURCE`.
  merge_request_event: 'pull_request',
  external_pull_request_event: 'pull_request',
  merge_train: 'merge_queue',
  web: 'manual',
  webide: 'manual',
  chat: 'manual',
  ondemand_dast_scan: 'manual',
  ondemand_dast_validation: 'manual',
  trigger: 'api',
  duo_workflow: 'api',
  parent_pipeline: 'pipeline',
  security_orchestration_policy: 'schedule',
  pipeline_execution_policy_schedule: 'schedule',
  container_registry_push: 'other',
  external: 'other',
  unknown: 'other',
  // Jenkins: the causes of a build, without `Cause`.
  scm: 'push',
  scm_trigger: 'push',
  branch_event: 'push',
  branch_indexing: 'push',
  github_push: 'push',
  gitlab_webhook: 'push',
  timer: 'schedule',
  timer_trigger: 'schedule',
  user_id: 'manual',
  replay: 'manual',
  rebuild: 'manual',
  remote: 'api',
  generic: 'api',
  upstream: 'pipeline',
  build_upstream: 'pipeline',
  // CircleCI: `pipeline.trigger_source`.
  explicit: 'manual',
  scheduled_pipeline: 'schedule',
  // Azure Pipelines: `Build.Reason`.
  individual_ci: 'push',
  batched_ci: 'push',
  build_completion: 'pipeline',
  resource_trigger: 'pipeline',
  // Buildkite: `BUILDKITE_SOURCE`.
  trigger_job: 'pipeline',
} as const satisfies Record<string, PipelineTrigger>;

const TRIGGERS: ReadonlyMap<string, PipelineTrigger> = new Map([
  ...PipelineTrigger.options.map((word) => [word, word] as const),
  ...Object.entries(TRIGGER_SYNONYMS),
]);
const TRIGGER_WORDS = new Map([...TRIGGERS.keys()].map((word) => [wordKey(word), word]));

/** The class of a cause in Jenkins, such as `hudson.triggers.TimerTrigger$TimerTriggerCause`. */
const JENKINS_CAUSE = /^(?:.*[.$])?(\w+)Cause$/;

/** Returns the known word for a trigger, in any case and with any separator. Undefined: no system is known to have it. */
const knownTrigger = (word: string): string | undefined =>
  TRIGGER_WORDS.get(wordKey(word.replace(JENKINS_CAUSE, '$1')));

/**
 * A trigger in a report, in the known word of the sender: exported labels keep it, because dashboards have it. An unknown word is
 * `other`: a run with a new event of its system counts, and no sender can add labels.
 */
const ReportedTrigger = z
  .string()
  .max(256)
  .transform((word) => knownTrigger(word) ?? 'other')
  .meta({ description: `One of ${[...TRIGGERS.keys()].join(', ')}; any other word is other` });

/** Returns the trigger that a system names. */
export const triggerOf = (word: string | null | undefined): PipelineTrigger =>
  TRIGGERS.get(knownTrigger(word ?? '') ?? '') ?? 'other';

export const PipelineRunId = z
  .string()
  .regex(/^run_[0-9a-f]{26}$/, 'must be the id of a pipeline run: run_ and 26 hexadecimal digits')
  .brand<'PipelineRunId'>();
export type PipelineRunId = z.infer<typeof PipelineRunId>;

/** Maximum number of stages in one report. A GitHub matrix has up to 256 jobs. */
export const STAGES_MAX = 500;

/** Maximum number of suites in one report. */
const SUITES_MAX = 50;

/** CI systems send unset variables as blank text, which counts as absent. */
const nonEmpty = <T>(value: T): T | undefined =>
  typeof value === 'string' && visibleText(value) === '' ? undefined : value;
const isSet = (text: string): boolean => !isUnset(text);
const UNSET = { error: ({ input }: { input: unknown }) => unsetText(String(input)) };
export const blankAsAbsent = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value: z.input<T>): unknown => nonEmpty(value), schema);
const orAbsent = <T extends z.ZodType>(schema: T) => blankAsAbsent(schema.nullish()).optional();

/** IDs of GitHub and GitLab are numbers. One that a number cannot hold has lost digits, and is refused. */
const numberAsText = (id: string | number): unknown => (Number.isSafeInteger(id) ? String(id) : id);
/** CI systems have numbers in variables, as text. */
const textAsNumber = (text: string | number): unknown =>
  typeof text === 'string' && /^\d+$/.test(text.trim()) ? Number(text) : nonEmpty(text);
const optionalText = (max: number, read = (text: string) => text, isValid: (text: string) => boolean = () => true) =>
  z
    .string()
    .max(max)
    .refine(isValid, UNSET)
    .refine((value) => value.isWellFormed(), 'must not contain unpaired surrogates')
    .transform((text) => nonEmpty(read(visibleText(text))))
    .nullish();

/** A text that is never blank: what has the same blank name would become one. */
export const requiredText = (max: number) =>
  visibleRequired(max).refine((value) => value.isWellFormed(), 'must not contain unpaired surrogates');

/** What CI systems write before the name of a branch: `refs/heads/main`, `origin/main`, `refs/remotes/upstream/main`, `\u002a/main`. */
const BEFORE_BRANCH = /^(?:refs\/heads\/|(?:refs\/)?remotes\/[^/]+\/|origin\/|\*\/)(?=.)/;

/** Returns the name of a branch without what CI systems write before it. */
export const branchOfRef = (ref: string): string => ref.replace(BEFORE_BRANCH, '');
const Branch = optionalText(512, branchOfRef, isSet);

/** Name of a repository as its host writes it: `acme/checkout`, or a path of GitLab groups. */
export const RepositoryName = z
  .string()
  .overwrite((name) => name.trim())
  .regex(/^[^\s#?]{1,255}$/, 'must be the full name of a repository, such as acme/checkout')
  .refine(isSet, UNSET);

const times = {
  queued_at: orAbsent(WrittenOrNull),
  started_at: orAbsent(WrittenOrNull),
  finished_at: orAbsent(WrittenOrNull),
};

/** Reads the result of a run or a stage also from `conclusion` and `status`, as GitHub and GitLab call it. Two results are an error. */
const withResult = <T extends z.ZodObject>(schema: T) =>
  z.preprocess((report: z.input<T> & { conclusion?: unknown; status?: unknown }, context): unknown => {
    if (typeof report !== 'object' || report === null || Array.isArray(report)) return report;
    const { conclusion, status, ...rest } = report;
    const said = Object.entries({ result: rest['result'], conclusion, status }).filter(
      ([, word]) => nonEmpty(word) != null,
    );
    const ends = said.filter(([, word]) => typeof word === 'string' && resultOf(word) !== undefined);
    const [first, other] = [...Map.groupBy(ends, ([, word]) => resultOf(String(word))).values()].map(([end]) => end);
    if (first !== undefined && other !== undefined)
      context.addIssue({
        code: 'custom',
        path: [other[0]],
        message: `${first.join(' ')} and ${other.join(' ')} contradict each other; send one of them`,
      });
    return said.length === 0 ? rest : { ...rest, result: said[0]?.[1] };
  }, schema);

/** A step of a run that is measured on its own: a job of GitHub and GitLab, a stage of Jenkins. */
const StageReport = withResult(
  z.strictObject({
    /** Identity within the run and attempt. Absent: the name. */
    id: z.preprocess(
      (id: string | number | null | undefined) => (id == null ? id : numberAsText(id)),
      optionalText(256),
    ),
    name: requiredText(256),
    result: resultIn(),
    ...times,
  }),
);
export type StageReport = z.infer<typeof StageReport>;

const count = z.number().int().min(0).max(10_000_000);

/** Numbers of tests in a suite, for senders without JUnit XML. */
const SuiteReport = z.strictObject({
  suite: requiredText(128),
  passed: count,
  failed: count,
  skipped: count.default(0),
});

const Fields = z.strictObject({
  /** Absent: the service of the catalogue with this repository. */
  service: orAbsent(ServiceName.overwrite((name) => name.trim() as ServiceName).refine(isSet, UNSET)),
  repository: orAbsent(RepositoryName),
  /** Name of the pipeline or workflow. */
  pipeline: optionalText(256, undefined, isSet),
  /** Identity of the run at its sender, unique in the repository, or in the service if no repository is named. */
  run_id: z.preprocess(numberAsText, requiredText(256).refine(isSet, UNSET)),
  attempt: z.preprocess(textAsNumber, z.number().int().min(1).max(Number.MAX_SAFE_INTEGER).default(1)).default(1),
  branch: Branch,
  /** Name of the repository's default branch. Absent: main, master, and trunk are taken for it. */
  default_branch: Branch,
  commit: optionalText(256),
  trigger: orAbsent(ReportedTrigger),
  author: optionalText(512),
  url: orAbsent(z.url({ protocol: /^https?$/ }).max(2048)),
  /** Present as soon as the run has ended. */
  result: resultIn(),
  ...times,
  stages: z.array(StageReport).max(STAGES_MAX).default([]),
  tests: z.array(SuiteReport).max(SUITES_MAX).default([]),
  /** Share of covered code, 0 to 1. */
  coverage: orAbsent(z.number().min(0).max(1)),
  /** Time of this report at its sender: of two values of a field, the one reported later counts. */
  reported_at: orAbsent(WrittenOrNull),
});

/** The body of `POST /v1/pipelines/runs`: what is known of a run now. Reports of one run and attempt are merged. */
export const PipelineRunReport = withResult(Fields).superRefine((report, context) => {
  if (report.service == null && report.repository == null)
    context.addIssue({ code: 'custom', path: ['service'], message: 'name the service or the repository' });
  for (const { path, of } of [
    { path: [], of: report },
    ...report.stages.map((stage, n) => ({ path: ['stages', n], of: stage })),
  ]) {
    const message = whyInvalidTimes(of);
    if (message !== undefined) context.addIssue({ code: 'custom', path: [...path, 'finished_at'], message });
  }
});
export type PipelineRunReport = z.infer<typeof PipelineRunReport>;
export type PipelineRunInput = z.input<typeof PipelineRunReport>;

function whyInvalidTimes({ result, started_at, finished_at }: Pick<StageReport, keyof typeof times | 'result'>) {
  if (finished_at == null) return undefined;
  if (result == null) return 'a finished run or stage needs a result';
  if (started_at != null && finished_at < started_at)
    return `finished_at (${finished_at}) is before started_at (${started_at}); send both times from the same clock`;
  return undefined;
}

const NullableTimes = {
  queued_at: Timestamp.nullable(),
  started_at: Timestamp.nullable(),
  finished_at: Timestamp.nullable(),
};

/** `incomplete`: of its trace, the span of the run itself is missing. It is not stored. */
export const PipelineStatus = z.enum(['queued', 'running', 'finished', 'incomplete']);
export type PipelineStatus = z.infer<typeof PipelineStatus>;

/** A recorded run of a pipeline. `null` means not reported. */
export const PipelineRun = z.object({
  id: PipelineRunId,
  /** Null: no service of the catalogue has this repository, or several have it. */
  service: ServiceName.nullable(),
  repository: z.string().nullable(),
  pipeline: z.string().nullable(),
  run_id: z.string(),
  attempt: z.number(),
  branch: z.string().nullable(),
  default_branch: z.string().nullable(),
  commit: z.string().nullable(),
  trigger: PipelineTrigger.nullable(),
  /** The trigger in the word of the sender, such as `pr`. */
  trigger_word: z.string().optional(),
  author: z.string().nullable(),
  url: z.string().nullable(),
  status: PipelineStatus,
  result: PipelineResult.nullable(),
  ...NullableTimes,
  tests: z.array(z.object({ suite: z.string(), passed: z.number(), failed: z.number(), skipped: z.number() })),
  coverage: z.number().nullable(),
  /** W3C trace context of the request that reported it, or of its own trace. Absent: none. */
  traceparent: z.string().optional(),
  /** The CI system exports its trace, so Firebreak sends no span of it. Absent: no trace of it arrived. */
  has_trace: z.literal(true).optional(),
  /** When the first report of it was recorded. */
  recorded_at: Timestamp,
});
export type PipelineRun = z.infer<typeof PipelineRun>;

/** The place of a run in a trace. `has_trace`: the report is a span of it. */
export type RunTrace = Pick<PipelineRun, 'traceparent' | 'has_trace'>;

export const PipelineStage = z.object({
  key: z.string(),
  name: z.string(),
  status: PipelineStatus,
  result: PipelineResult.nullable(),
  ...NullableTimes,
});
export type PipelineStage = z.infer<typeof PipelineStage>;
