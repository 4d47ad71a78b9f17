import type { Deps } from '../../../domain/ports.ts';
import type { Json } from '../../../domain/runbooks/variables.ts';
import type { HttpWith } from '../../../schemas/runbook/http.ts';
import type { Context } from './context.ts';
import type { Doing, Performed } from './perform.ts';

/** What a step keeps of an answer; UTF-16 units of its JSON. */
const OUTPUT_MAX_CHARS = 4000;

const LATER: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/** One call. What changes something is recorded before it, and has a key that its receiver can tell a repeat by. */
export async function callHttp(
  deps: Deps,
  { incident, place, step, name }: Context,
  request: HttpWith,
  key: string,
  { approved }: Pick<Doing, 'approved'>,
): Promise<Performed> {
  const { origin } = new URL(request.url);
  if (step.mutating) {
    const known = await deps.effects.get(incident.id, key);
    if (known?.state === 'succeeded') return succeeded(null, known.detail);
    const intent = await deps.effects.intendAct(
      incident.id,
      { key, kind: 'http', target: origin, class: 'keyed', detail: `${request.method} ${origin}` },
      { place, resource: `http-call ${key}`, automatic: false, ours: !approved },
    );
    if (!intent.ok) return { kind: 'again', detail: intent.reason.text, handle: null, afterSeconds: 30 };
  }
  const answer = await deps.http.call(request, key);
  const said = `${request.method} ${origin}`;
  const end = async (state: 'succeeded' | 'failed', detail: string) => {
    if (step.mutating) await deps.effects.conclude(incident.id, key, state, `${name}: ${detail}`);
  };
  if (answer.kind === 'later') return { kind: 'again', detail: answer.detail, handle: null, afterSeconds: null };
  if (answer.kind === 'refused') {
    await end('failed', answer.detail);
    return { kind: 'ended', end: { status: 'failed', output: null, detail: answer.detail } };
  }
  const { status, body, afterSeconds } = answer;
  const output = { status, body: small(body) };
  if (isExpected(status, request.expect.status)) {
    await end('succeeded', `${said} answered ${status}`);
    return succeeded(output, `${said} answered ${status}`);
  }
  if (LATER.has(status)) return { kind: 'again', detail: `${said} answered ${status}`, handle: null, afterSeconds };
  await end('failed', `${said} answered ${status}`);
  return { kind: 'failed', detail: `${said} answered ${status}, which the runbook does not expect` };
}

const isExpected = (status: number, expected: HttpWith['expect']['status']): boolean =>
  expected.some((each) => (typeof each === 'number' ? each === status : each[0] === String(status)[0]));

const succeeded = (output: Json, detail: string): Performed => ({
  kind: 'ended',
  end: { status: 'succeeded', output, detail },
});

/** It is kept with the workflow's history, so a large answer is left out. */
function small(body: unknown): Json {
  const text = JSON.stringify(body) ?? 'null';
  return text.length <= OUTPUT_MAX_CHARS ? (JSON.parse(text) as Json) : null;
}
