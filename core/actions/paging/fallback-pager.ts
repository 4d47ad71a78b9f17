import type { DueEscalation } from '../../domain/paging/escalation.ts';
import { pageKey } from '../../domain/paging/pages.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { Effect, IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { secondsBetween } from '../../../schemas/time/time.ts';
import { fullRequest } from '../../../workflows/steps/page.ts';

type PagerDeps = Pick<
  Deps,
  | 'approvalLinks'
  | 'config'
  | 'decisions'
  | 'incidents'
  | 'effects'
  | 'fallbackPager'
  | 'clock'
  | 'timeScale'
  | 'log'
  | 'publicUrl'
>;

/** Result of the fallback pager. `waits`: retried in a minute. `not_taken`: not retried; `why` is shown to people. */
export type FallbackResult = { kind: 'taken' } | { kind: 'waits' } | { kind: 'not_taken'; why: string };

/** Time in seconds for which the fallback pager is retried. After that, a new page is more likely to reach a person. */
const RETRY_MAX_SECONDS = 180;

/** Sends a page again by the fallback pager, once per escalation. The timeline shows the request and its result. */
export async function sendByFallbackPager(
  deps: PagerDeps,
  incident: IncidentRecord,
  { number, isTaken }: DueEscalation,
): Promise<FallbackResult> {
  const { id, pages } = incident;
  const key = `${pageKey(id, pages)}.escalated-${number}`;
  const detail = `Page ${pages} by the fallback pager, because ${isTaken ? 'it was not acknowledged' : 'no pager has accepted it'}`;
  const effect = await deps.effects.intend(id, {
    key,
    kind: 'page-fallback',
    target: 'webhook',
    class: 'repeatable',
    detail,
  });
  if (effect.state === 'succeeded') return { kind: 'taken' };
  if (effect.state !== 'intended') return { kind: 'not_taken', why: effect.detail };
  const causes = [{ text: isTaken ? `Page ${pages} was not acknowledged` : `No pager has accepted page ${pages}` }];
  const answer = await deps.fallbackPager.send(
    await fullRequest(incident, key, { number: pages, causes, chat: null }, deps),
  );
  if (answer.kind === 'later') return retryLater(deps, incident, effect, answer.detail);
  const state = answer.kind === 'taken' ? 'succeeded' : answer.kind === 'off' ? 'withheld' : 'failed';
  await deps.effects.conclude(id, key, state, answer.detail);
  return answer.kind === 'taken' ? { kind: 'taken' } : { kind: 'not_taken', why: answer.detail };
}

async function retryLater(
  { incidents, effects, clock, timeScale }: PagerDeps,
  { id, pages }: IncidentRecord,
  { key, at: since }: Effect,
  detail: string,
): Promise<FallbackResult> {
  if (secondsBetween(since, clock.now()) >= RETRY_MAX_SECONDS / timeScale) {
    const why = `the fallback pager did not accept it for ${RETRY_MAX_SECONDS / 60} minutes: ${detail}`;
    await effects.conclude(id, key, 'failed', why);
    return { kind: 'not_taken', why };
  }
  await incidents.note(id, `${key}-waits`, {
    at: clock.now(),
    actor: 'firebreak',
    kind: 'page-fallback.waits',
    text: `The fallback pager did not accept page ${pages} (${detail}). Firebreak tries again`,
    detail: { key },
  });
  return { kind: 'waits' };
}
