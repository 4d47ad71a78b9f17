import { areAllByAlerts, causeWords, type PageCause } from '../../domain/paging/page-causes.ts';
import { openQuestion, truncated, pageDetailsOf } from '../../domain/paging/page-details.ts';
import { pageAttachments, channelLink } from '../../domain/paging/page-links.ts';
import { leftToParent, pageKey, pagerTarget } from '../../domain/paging/pages.ts';
import { approvalUrls } from '../../domain/incidents/approval-link.ts';
import { incidentUrl } from '../../domain/incidents/console-link.ts';
import { incidentLinks } from '../../domain/links/incident-links.ts';
import type { Attempt } from '../../domain/ports/common.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { PageRequest } from '../../domain/ports/paging.ts';
import { isQuietTrial } from '../../domain/automation/shadow-trial.ts';
import type { Effect, IncidentRecord } from '../../schemas/incidents/incident.ts';
import { emptyConfig } from '../../schemas/config/config.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import { secondsBetween, type Timestamp } from '../../schemas/time/time.ts';
import type { Run } from '../run.ts';
import { wake } from '../wake.ts';
import { findExternalPage, notePage, usesExternalPager } from './external-page.ts';

/** `causes`: the reasons for the page. Empty: the incident has opened. */
type PageInput = { incidentId: IncidentId; number: number; causes: readonly PageCause[] };

/** Pauses between attempts; the last one repeats. Gives up after about an hour and a half. */
const PAUSES_SECONDS = [5, 10, 15, 30, 60, 120, 300] as const;
const TRIES = 24;

/** Seconds without an answer from the pager, after the first attempt, before the fallback is tried as well. */
const FALLBACK_AFTER_SECONDS = 60;

type PageState = { done: boolean; waitedSeconds: number; fallbackDone: boolean };

/**
 * Pages. If an external sender pages for the service, follows that sender's incident when it is found. Pages itself if it
 * is not found, and in case of doubt.
 */
export async function page(run: Run, input: PageInput, deps: Deps): Promise<void> {
  const { incidentId, number } = input;
  const first = await run.step('page', () => pageUnlessExternal(deps, input));
  if (first.kind !== 'elsewhere') return pageUntilTaken(run, { ...input, whyNotExternal: null, first }, deps);
  const found = await findExternalPage(run, { incidentId, number, due: first.at }, deps);
  if (found.kind === 'followed') return notePage(run, { incidentId, number, external: found.external }, deps);
  if (found.kind === 'alone')
    return pageUntilTaken(run, { ...input, whyNotExternal: found.because, first: null }, deps);
}

type Paged = Attempt | { kind: 'closed' };

/** `alone`: why Firebreak pages instead of an external sender. `first`: result of the first attempt, if already made. */
type OwnPage = PageInput & { whyNotExternal: string | null; first: Paged | null };

/** Pages until the pager or the fallback accepts. Never waits for anything else. */
async function pageUntilTaken(run: Run, { whyNotExternal, first, ...input }: OwnPage, deps: Deps): Promise<void> {
  const { incidentId, number } = input;
  let state: PageState = { done: false, waitedSeconds: 0, fallbackDone: false };
  for (let attempt = 0; attempt < TRIES && !state.done; attempt += 1) {
    const made = attempt === 0 ? first : null;
    const answer = made ?? (await run.step('page', () => pageOnce(deps, { ...input, whyNotExternal })));
    if (answer.kind === 'taken' || answer.kind === 'closed') return;
    const isPermanent = answer.kind === 'refused' || answer.kind === 'off';
    if (!state.fallbackDone && (isPermanent || state.waitedSeconds >= FALLBACK_AFTER_SECONDS)) {
      const fallback = await run.step('page-fallback', () => pageByFallback(deps, input));
      state = { ...state, fallbackDone: fallback !== 'later', done: isPermanent && fallback !== 'later' };
      if (fallback === 'taken' && isPermanent) return;
    }
    if (state.done) break;
    const pause = PAUSES_SECONDS[Math.min(attempt, PAUSES_SECONDS.length - 1)] ?? 300;
    await run.wait('page-again', {
      seconds: answer.kind === 'later' ? Math.max(pause, answer.afterSeconds ?? 0) : pause,
    });
    state = { ...state, waitedSeconds: state.waitedSeconds + pause };
  }
  await run.step('page-given-up', () =>
    deps.incidents.note(incidentId, `page-${number}-given-up`, {
      at: deps.clock.now(),
      actor: 'firebreak',
      kind: 'page.failed',
      text: `Page ${number} failed: neither the pager nor a fallback accepted it`,
      detail: null,
    }),
  );
}

async function pageUnlessExternal(deps: Deps, input: PageInput): Promise<Paged | { kind: 'elsewhere'; at: Timestamp }> {
  const { incidentId: id, number } = input;
  const incident = await deps.incidents.read(id);
  if (incident !== undefined && (await usesExternalPager(deps, incident, number)))
    return { kind: 'elsewhere', at: deps.clock.now() };
  return pageFor(deps, incident, { ...input, whyNotExternal: null });
}

const pageOnce = async (deps: Deps, input: PageInput & { whyNotExternal: string | null }): Promise<Paged> =>
  pageFor(deps, await deps.incidents.read(input.incidentId), input);

async function pageFor(
  deps: Deps,
  incident: IncidentRecord | undefined,
  { incidentId: id, number, causes, whyNotExternal }: PageInput & { whyNotExternal: string | null },
): Promise<Paged> {
  if (incident === undefined || incident.status === 'resolved') return { kind: 'closed' };
  const key = pageKey(id, number);
  if (await isLeftToParent(deps, incident, number)) return pagedByParent(deps, incident, number);
  if (areAllByAlerts(causes) && (await isTrial(deps, incident, key))) return notPagedInTrial(deps, incident, number);
  const reasonSuffix = whyNotExternal === null ? '' : `; paged by Firebreak, because ${whyNotExternal}`;
  const effect = await deps.effects.intend(
    id,
    { key, kind: 'page', ...(await pagerTarget(deps)), class: 'keyed', detail: `Page ${number}${reasonSuffix}` },
    { page: number },
  );
  if (effect.state === 'succeeded') return { kind: 'taken', detail: effect.detail };
  const answer = await deps.pager.send(await fullRequest(incident, key, { number, causes, chat: deps.chat }, deps));
  const state = PAGE_STATES[answer.kind];
  if (state !== null)
    await deps.effects.conclude(
      id,
      key,
      state,
      `${answer.kind === 'taken' ? 'Paged' : 'Not paged'}: ${answer.detail}${reasonSuffix}`,
    );
  return answer;
}

const NOT_IN_TRIAL = 'Not paged: the service is in shadow mode, and shadow.page is false';

/** Returns false for a page that started before the setting changed, and if the setting can't be read. */
async function isTrial(deps: Deps, incident: IncidentRecord, key: string): Promise<boolean> {
  try {
    if (!isQuietTrial(incident, await deps.config.current(), 'page')) return false;
    const earlierEffect = await deps.effects.get(incident.id, key);
    return earlierEffect === undefined || earlierEffect.detail === NOT_IN_TRIAL;
  } catch (error) {
    deps.log.error('The setting for shadow mode could not be read, so Firebreak pages', {
      incident: incident.id,
      error: String(error),
    });
    return false;
  }
}

async function notPagedInTrial(deps: Deps, { id }: IncidentRecord, number: number): Promise<{ kind: 'closed' }> {
  const effect = { key: pageKey(id, number), kind: 'page', target: 'pagerduty', class: 'keyed' } as const;
  await deps.effects.intend(id, { ...effect, detail: NOT_IN_TRIAL }, { page: number });
  await deps.effects.conclude(id, effect.key, 'withheld', NOT_IN_TRIAL);
  return { kind: 'closed' };
}

/**
 * Returns whether the parent pages instead. A resolved parent no longer pages. A page that started before there was a
 * parent may have been delivered, so it continues and is resolved separately.
 */
async function isLeftToParent(deps: Deps, incident: IncidentRecord, number: number): Promise<boolean> {
  const parent = incident.parent_id === undefined ? undefined : await deps.incidents.read(incident.parent_id);
  if (parent === undefined || parent.status === 'resolved') return false;
  const earlierEffect = await deps.effects.get(incident.id, pageKey(incident.id, number));
  return earlierEffect === undefined || earlierEffect.detail === leftToParent(incident);
}

/**
 * Leaves the page to the parent, so that services that fail together cause one page. Further pages of a child become
 * further pages of the parent.
 */
async function pagedByParent(deps: Deps, incident: IncidentRecord, number: number): Promise<{ kind: 'closed' }> {
  const { id, parent_id } = incident;
  const effect = { key: pageKey(id, number), kind: 'page', target: 'pagerduty', class: 'keyed' } as const;
  const detail = leftToParent(incident);
  await deps.effects.intend(id, { ...effect, detail }, { page: number });
  await deps.effects.conclude(id, effect.key, 'withheld', detail);
  if (parent_id === undefined) return { kind: 'closed' };
  if (number > 1) {
    const again = { kind: 'page', by: `incident:${id}`, note: `again for ${incident.service}` } as const;
    await deps.incidents.post(parent_id, again, {}, `page-${pageKey(id, number)}`);
  }
  await wake(deps, parent_id);
  return { kind: 'closed' };
}

/** State of a page after an attempt. Null: another attempt follows. */
const PAGE_STATES: Readonly<Record<Attempt['kind'], Effect['state'] | null>> = {
  taken: 'succeeded',
  refused: 'failed',
  off: 'withheld',
  later: null,
};

async function pageByFallback(deps: Deps, { incidentId: id, number, causes }: PageInput): Promise<Attempt['kind']> {
  const incident = await deps.incidents.read(id);
  if (incident === undefined) return 'refused';
  const key = `${pageKey(id, number)}.second`;
  const request = await fullRequest(incident, key, { number, causes, chat: deps.chat }, deps);
  const effect = await deps.effects.get(id, key);
  if (effect?.state === 'succeeded') return 'taken';
  const answer = await deps.fallbackPager.send(request);
  if (answer.kind === 'off') return 'off';
  await deps.effects.intend(id, {
    key,
    kind: 'page-fallback',
    target: 'webhook',
    class: 'repeatable',
    detail: `Page ${number} through the fallback`,
  });
  if (answer.kind !== 'later')
    await deps.effects.conclude(id, key, answer.kind === 'taken' ? 'succeeded' : 'failed', answer.detail);
  return answer.kind;
}

/** Maximum length of the reason in a summary, in UTF-16 units. Phones show only the beginning. */
const REASON_MAX_CHARS = 300;

/**
 * Builds a page with all current details. If they can't be read, the page goes out without them.
 *
 * @param page.chat null if the function has no access to the chat; then the page does not link to the channel
 */
export async function fullRequest(
  incident: IncidentRecord,
  key: string,
  { number, causes, chat }: Pick<PageInput, 'number' | 'causes'> & { chat: Deps['chat'] | null },
  deps: Pick<Deps, 'approvalLinks' | 'clock' | 'config' | 'incidents' | 'log' | 'publicUrl'>,
): Promise<PageRequest> {
  const request = pageRequest(incident, key, deps);
  try {
    const story = await deps.incidents.story(incident.id, null);
    if (story === undefined) return request;
    const reason = causes.length === 0 ? null : causeWords(causes, story.timeline);
    const again = number > 1 ? `Page ${number}: ` : '';
    const url = incidentUrl(deps.publicUrl, incident.id);
    const urls = await approvalUrls(deps, story);
    const answerUrl = urls.get(openQuestion(story)?.id ?? '');
    // Links are not worth a page without the other details.
    const config = await deps.config.current().catch(() => emptyConfig);
    const found = incidentLinks(story, config, deps.clock.now());
    const { links, images } = pageAttachments(story.signals, found);
    const channel = channelLink(story.incident);
    const isLinked = channel !== null && chat !== null && (await isReal(chat));
    return {
      ...request,
      summary: reason === null ? request.summary : `${request.summary}. ${again}${truncated(reason, REASON_MAX_CHARS)}`,
      links: [
        ...(answerUrl === undefined ? [] : [{ href: answerUrl, text: 'Approve or reject' }]),
        ...(url === undefined ? [] : [{ href: url, text: 'Firebreak console' }]),
        ...(isLinked ? [channel] : []),
        ...links,
      ],
      images,
      details: { ...(url !== undefined && { console: url }), ...pageDetailsOf(story, reason, urls, found) },
    };
  } catch (error) {
    deps.log.warn('Sending a page without details', { incident: incident.id, error: String(error) });
    return { ...request, ...(causes.length > 0 && { details: { page_reason: causeWords(causes, []) } }) };
  }
}

/** Returns whether the chat is not a stand-in. False if unknown, because the link might not work. */
async function isReal(chat: Deps['chat']): Promise<boolean> {
  try {
    return (await chat.standIn?.()) !== true;
  } catch {
    return false;
  }
}

/** Builds a page with the basic data of an incident. */
export function pageRequest(incident: IncidentRecord, key: string, deps: Pick<Deps, 'clock'>): PageRequest {
  const service = incident.unmatched || incident.service;
  return {
    key,
    action: 'trigger',
    summary: `${service} ${incident.environment}: ${incident.title}`,
    service: service,
    environment: incident.environment,
    severity: incident.severity,
    incident: incident.id,
    at: secondsBetween(incident.opened_at, deps.clock.now()) < 0 ? deps.clock.now() : incident.opened_at,
    links: [],
  };
}

/**
 * Resolves every page that the pager accepted. `last`: no page is in progress any more. Before that, an unconfirmed page
 * may still reach the pager, and the last round resolves it again.
 */
export async function resolvePages(
  run: Run,
  { incidentId, pages, last }: { incidentId: IncidentId; pages: number; last: boolean },
  deps: Deps,
): Promise<void> {
  for (let number = 1; number <= pages; number += 1) {
    for (let attempt = 0; attempt < TRIES; attempt += 1) {
      const answer = await run.step('resolve-page', () => resolveOnce(deps, incidentId, number, last));
      if (answer.kind !== 'later') break;
      await run.wait('resolve-page-again', {
        seconds: PAUSES_SECONDS[Math.min(attempt, PAUSES_SECONDS.length - 1)] ?? 300,
      });
    }
  }
}

async function resolveOnce(deps: Deps, id: IncidentId, number: number, last: boolean): Promise<Attempt> {
  const incident = await deps.incidents.read(id);
  const paged = await deps.effects.get(id, pageKey(id, number));
  // A page without a recorded outcome may have been delivered. Resolving an incident that is not open does no harm.
  if (incident === undefined || paged === undefined || paged.state === 'withheld' || paged.state === 'failed')
    return { kind: 'off', detail: 'nothing was paged' };
  if (paged.followed !== undefined)
    return { kind: 'off', detail: 'the external sender that paged also resolves the page' };
  const key = `${pageKey(id, number)}.resolve`;
  const effect = await deps.effects.intend(id, {
    key,
    kind: 'page-resolve',
    ...(await pagerTarget(deps)),
    class: 'convergent',
    detail: `Resolve page ${number}`,
  });
  if (effect.state === 'succeeded') return { kind: 'taken', detail: effect.detail };
  const answer = await deps.pager.send({ ...pageRequest(incident, pageKey(id, number), deps), action: 'resolve' });
  const isFinal = last || paged.state === 'succeeded';
  if (answer.kind !== 'later' && isFinal)
    await deps.effects.conclude(
      id,
      key,
      answer.kind === 'taken' ? 'succeeded' : 'failed',
      answer.kind === 'taken' ? `Page resolved: ${answer.detail}` : `Page not resolved: ${answer.detail}`,
    );
  return answer;
}
