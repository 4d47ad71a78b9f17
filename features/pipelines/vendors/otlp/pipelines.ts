import { repositoryPathOf } from '../../../../core/domain/catalogue/repositories.ts';
import { ServiceName } from '../../../../schemas/config/names.ts';
import {
  PipelineRunReport,
  type PipelineResult,
  type PipelineRunInput,
  ReportedResult,
  RepositoryName,
  type RunTrace,
} from '../../pipeline-run.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { possiblePeriod } from '../period.ts';
import type { AttributeValue, Span } from './traces.ts';
import { inputProblemText } from '../../../../schemas/parsing/input-problems.ts';

/** The result of reading a span. `part`: the span belongs to a pipeline, but adds nothing to its figures. */
export type SpanResult =
  | { kind: 'report'; report: PipelineRunReport; trace: RunTrace }
  | { kind: 'rejected'; why: string }
  | { kind: 'part' };

const RUN_RESULT = ['cicd.pipeline.result', 'cicd.pipeline.run.result', 'cicd.pipeline.run.status'];
const TASK_RESULT = ['cicd.pipeline.task.run.result', 'cicd.pipeline.task.run.status', 'cicd.pipeline.run.task.status'];

/**
 * Returns what a span says about a run of a pipeline, by the semantic conventions for CI/CD. A span without a parent is
 * the run; a span with `cicd.pipeline.task.name` is a stage. Steps of a job, which the GitHub receiver of the collector
 * sends with the job in the resource, are parts of it. A span without attributes of pipelines, as otel-cli sends it, is a
 * stage with its name; without a parent it is the run, too. SDKs of applications always name themselves in the resource.
 *
 * @param isService returns whether the catalogue has a service with this name
 * @see https://opentelemetry.io/docs/specs/semconv/cicd/cicd-spans/
 */
export function reportOfSpan(span: Span, isService: (name: string) => boolean): SpanResult {
  const { text, ownText, tooLong } = reader(span);
  const result = resultOfSpan(span, isService, { text, ownText });
  const [name] = tooLong;
  return name === undefined ? result : { kind: 'rejected', why: `${name} is longer than ${TEXT_MAX_CHARS} characters` };
}

function resultOfSpan(
  span: Span,
  isService: (name: string) => boolean,
  { text, ownText }: Pick<Reader, 'text' | 'ownText'>,
): SpanResult {
  for (const { of, id, bytes } of [
    { of: 'trace', id: span.traceId, bytes: 16 },
    { of: 'span', id: span.spanId, bytes: 8 },
  ])
    if (!isId(id, bytes)) return { kind: 'rejected', why: `the ${of} ID must have ${bytes} bytes, not only zeros` };
  const pipeline = text('cicd.pipeline.name');
  const run = text('cicd.pipeline.run.id');
  const isPlain = run === undefined && pipeline === undefined;
  if (isPlain && span.resource.has('telemetry.sdk.name'))
    return { kind: 'rejected', why: 'no attribute cicd.pipeline.run.id or cicd.pipeline.name' };
  const subject = subjectOf(text, isService);
  if (typeof subject === 'string') return { kind: 'rejected', why: subject };
  if (span.end === null) return { kind: 'rejected', why: 'a span without an end' };
  const isRun = span.parentSpanId === '' || /^0+$/.test(span.parentSpanId);
  const task = isPlain ? { id: span.spanId, name: span.name } : isRun ? undefined : taskOf(span, ownText);
  if (!isRun && task === undefined) return { kind: 'part' };
  const { result, unknown } = resultOf(span, isRun ? RUN_RESULT : TASK_RESULT, text);
  if (result === undefined) return { kind: 'rejected', why: unknown };
  const queuedSeconds = span.attributes.get('gitlab.job.queued_duration');
  const period = possiblePeriod({
    result,
    queued_at:
      typeof queuedSeconds === 'number' && span.start !== null ? plusSeconds(span.start, -queuedSeconds) : undefined,
    started_at: span.start ?? undefined,
    finished_at: span.end,
  });
  const input: PipelineRunInput = {
    ...subject,
    pipeline: isPlain && isRun ? span.name : pipeline,
    run_id: run ?? span.traceId,
    attempt: attemptOf(text('github.workflow.run.attempt') ?? text('cicd.pipeline.run.attempt')),
    branch: text('vcs.ref.head.type') === 'tag' ? undefined : (text('vcs.ref.head.name') ?? text('vcs.ref.head')),
    default_branch: text('vcs.repository.ref.default'),
    commit: text('vcs.ref.head.revision'),
    url: text('cicd.pipeline.run.url.full'),
    author: text('cicd.pipeline.run.sender.login') ?? text('gitlab.pipeline.run.actor.username'),
    reported_at: span.end,
    ...(isRun && period),
    ...(task !== undefined && { stages: [{ ...task, ...period }] }),
  };
  const report = PipelineRunReport.safeParse(input);
  if (report.success)
    return {
      kind: 'report',
      report: report.data,
      trace: { has_trace: true, ...(isRun && { traceparent: `00-${span.traceId}-${span.spanId}-01`.toLowerCase() }) },
    };
  return {
    kind: 'rejected',
    why: inputProblemText(report.error),
  };
}

type ReadAttribute = (name: string) => string | undefined;

/** Reads attributes as text: `ownText` those of the span itself, `text` also those of its resource. */
type Reader = { text: ReadAttribute; ownText: ReadAttribute; tooLong: Set<string> };

/** Maximum length of an attribute that is read. A span with a longer one is rejected; others can have any length. */
const TEXT_MAX_CHARS = 2048;

function reader({ attributes, resource }: Span): Reader {
  const tooLong = new Set<string>();
  const textIn = (name: string, value: AttributeValue | undefined): string | undefined => {
    const found = value === undefined ? '' : String(value);
    if (found.length > TEXT_MAX_CHARS) tooLong.add(name);
    return found.length > TEXT_MAX_CHARS ? undefined : found.trim() || undefined;
  };
  const ownText: ReadAttribute = (name) => textIn(name, attributes.get(name));
  return { ownText, text: (name) => ownText(name) ?? textIn(name, resource.get(name)), tooLong };
}

/** Returns the repository of the conventions, or the service if it is one of the catalogue; otherwise, what is missing. */
function subjectOf(
  text: ReadAttribute,
  isService: (name: string) => boolean,
): Pick<PipelineRunInput, 'repository' | 'service'> | string {
  const name = text('vcs.repository.name');
  const owner = text('vcs.owner.name') ?? text('vcs.repository.owner') ?? text('gitlab.project.namespace');
  const address = text('vcs.repository.url.full');
  const repository =
    address === undefined
      ? name !== undefined && !name.includes('/') && owner !== undefined
        ? `${owner}/${name}`
        : name
      : repositoryPathOf(address);
  if (repository?.includes('/') && RepositoryName.safeParse(repository).success) return { repository };
  const service = text('service.name');
  if (service !== undefined && isService(service)) return { service: ServiceName.parse(service) };
  return `the catalogue has no service ${JSON.stringify(service ?? '').slice(0, 80)} (service.name), and vcs.repository.url.full is missing`;
}

/** Returns the job of a span; undefined for its steps, its queue span, and the stages of GitLab. */
function taskOf(
  { name, resource }: Span,
  ownText: ReadAttribute,
): { id: string | undefined; name: string } | undefined {
  const resourceTask = resource.get('cicd.pipeline.task.name');
  const taskName = ownText('cicd.pipeline.task.name');
  const task = resourceTask === undefined ? taskName : name === resourceTask ? name : undefined;
  if (task === undefined) return undefined;
  const id = ownText('cicd.pipeline.task.run.id') ?? resource.get('cicd.pipeline.task.run.id');
  return { id: id === undefined ? undefined : String(id), name: task.slice(0, 256).toWellFormed() };
}

/** Returns whether an ID is valid: by the specification, it has this length, and not only zeros. */
const isId = (hex: string, bytes: number): boolean => hex.length === 2 * bytes && /[^0]/.test(hex);

/**
 * Returns the result of an ended span, or why its word for it is unknown, as in other reports. One without a result or an error
 * succeeded: most tools set no status then.
 */
function resultOf(
  { status }: Span,
  names: readonly string[],
  text: ReadAttribute,
): { result: PipelineResult; unknown?: never } | { result?: never; unknown: string } {
  const name = names.find((one) => text(one) !== undefined);
  if (name === undefined) return { result: status === 'error' ? 'failed' : 'succeeded' };
  const parsed = ReportedResult.safeParse(text(name)?.toLowerCase());
  if (parsed.success) return { result: parsed.data };
  return status === 'error' ? { result: 'failed' } : { unknown: `${name}: ${inputProblemText(parsed.error)}` };
}

function attemptOf(text: string | undefined): number {
  const attempt = Number(text);
  return Number.isSafeInteger(attempt) && attempt > 0 ? attempt : 1;
}
