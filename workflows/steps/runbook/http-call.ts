import type { Deps } from '../../../core/domain/ports/deps.ts';
import type { Json } from '../../../core/domain/runbooks/variables.ts';
import type { HttpWith } from '../../../schemas/runbooks/parts/http.ts';
import { intendedBy } from './intended.ts';
import type { MadeAttempt, AttemptInput, CompletedAttempt } from './attempt.ts';
import type { StepContext } from './context.ts';

/** Maximum size of a stored response body, in UTF-16 units of its JSON. */
const OUTPUT_MAX_CHARS = 4000;

const RETRIED_STATUSES: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/**
 * Makes one call. A call that changes something is recorded first, and its idempotency key identifies repeats.
 *
 * @param key of the recorded action; `sentAs`: the key that the receiver knows from an earlier run of the runbook
 */
export async function callHttp(
  deps: Pick<Deps, 'effects' | 'http' | 'incidents' | 'standIns'>,
  context: StepContext,
  request: HttpWith,
  key: string,
  { approved, sentAs = key }: Pick<AttemptInput, 'approved' | 'sentAs'>,
): Promise<MadeAttempt> {
  const { incident, step, inverse, name } = context;
  const { origin } = new URL(request.url);
  const text = `${request.method} ${origin}`;
  const mutating = step.mutating || inverse !== null; // an inverse undoes the step
  if (mutating) {
    const intent = await deps.effects.intendAction(
      incident.id,
      {
        key,
        kind: 'http',
        target: origin,
        class: 'keyed', // repeated with the same key after a crash
        detail: text,
        ...(deps.standIns.at(origin) && { stand_in: true }),
      },
      {
        resource: `http-call ${key}`, // to lock: each call has its own, so none excludes another
        ...(await intendedBy(deps, context, approved)),
      },
    );
    if (!intent.ok) return { kind: 'again', detail: intent.reason.text, handle: null, afterSeconds: 30 };
  }
  const answer = await deps.http.call(request, sentAs);
  const completed = (
    performed: CompletedAttempt['performed'],
    state: 'succeeded' | 'failed',
    detail: string,
  ): CompletedAttempt => ({
    performed,
    effect: mutating ? { state, detail: `${name}: ${detail}` } : null,
  });
  if (answer.kind === 'later') return { kind: 'again', detail: answer.detail, handle: null, afterSeconds: null };
  if (answer.kind === 'refused') {
    // `ended`, not `failed`, which may be retried.
    const { detail } = answer;
    return completed({ kind: 'ended', end: { status: 'failed', output: null, detail } }, 'failed', detail);
  }
  const { status, body, afterSeconds } = answer;
  const detail = `${text} answered ${status}`;
  if (isExpected(status, request.expect.status)) {
    const output = { status, body: unlessLarge(body) };
    return completed({ kind: 'ended', end: { status: 'succeeded', output, detail } }, 'succeeded', detail);
  }
  if (RETRIED_STATUSES.has(status)) return { kind: 'again', detail, handle: null, afterSeconds };
  return completed(
    { kind: 'failed', detail: `${detail}, which is not in the runbook's expect.status` },
    'failed',
    detail,
  );
}

const isExpected = (status: number, expected: HttpWith['expect']['status']): boolean =>
  expected.some((each) => (typeof each === 'number' ? each === status : each[0] === String(status)[0]));

/** Omits a large response body, because the workflow's history stores it. */
function unlessLarge(body: unknown): Json {
  const text = JSON.stringify(body) ?? 'null';
  return text.length <= OUTPUT_MAX_CHARS ? (JSON.parse(text) as Json) : null;
}
