import { areAllByAlerts, causeWords, type PageCause } from '../../core/domain/paging/page-causes.ts';
import { openQuestion, pageDetailsOf } from '../../core/domain/paging/page-details.ts';
import { pageAttachments, channelLink } from '../../core/domain/paging/page-links.ts';
import { problemWords } from '../../core/domain/paging/page-problem.ts';
import {
  fallbackPageKey,
  isLeftToParent,
  isPageOver,
  leftToParent,
  pageKey,
  pagerTarget,
  resolutionKey,
  takenOver,
} from '../../core/domain/paging/pages.ts';
import { approvalUrls } from '../../core/domain/incidents/approval-link.ts';
import { incidentUrl } from '../../core/domain/incidents/console-link.ts';
import { numberText } from '../../core/domain/incidents/incident-number.ts';
import { incidentLinks } from '../../core/domain/links/incident-links.ts';
import { placedTitle } from '../../core/domain/messages/place-names.ts';
import type { Overview, Story } from '../../core/domain/messages/story.ts';
import { numberOf } from '../../core/domain/rollback/question-names.ts';
import type { Attempt } from '../../core/domain/ports/common.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import type { PageRequest } from '../../core/domain/ports/paging.ts';
import { isQuietTrial } from '../../core/domain/automation/shadow-trial.ts';
import type { Effect, IncidentRecord } from '../../schemas/incidents/incident.ts';
import type { PageSubject } from '../../schemas/incidents/inbox.ts';
import { emptyConfig } from '../../schemas/config/config.ts';
import { type IncidentId, isAtLeast } from '../../schemas/config/names.ts';
import { secondsBetween, type Timestamp } from '../../schemas/time/time.ts';
import { type Activity, activityOf } from '../activity.ts';
import type { Run } from '../run.ts';
import { wake, wakeForDeadlines } from '../wake.ts';
import { findExternalPage, notePage, usesExternalPager } from './external-page.ts';
import { readName } from './incident-name.ts';
import { knownOfProblem } from './problem-known.ts';
import { truncated } from '../../schemas/parsing/text.ts';

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
export async function page(run: Run, input: PageInput, deps: Deps, activity: Activity = activityOf()): Promise<void> {
  const { incidentId, number } = input;
  const first = await run.step('page', () => pageUnlessExternal(deps, input));
  if (first.kind !== 'elsewhere') return pageUntilTaken(run, { ...input, whyNotExternal: null, first, activity }, deps);
  const found = await findExternalPage(run, { incidentId, number, due: first.at }, deps);
  if (found.kind === 'followed') return notePage(run, { incidentId, number, external: found.external }, deps);
  if (found.kind === 'alone')
    return pageUntilTaken(run, { ...input, whyNotExternal: found.because, first: null, activity }, deps);
}

/** Returns the numbers of the pages that no pager has accepted yet, and that the previous run was repeating. */
export async function unfinishedPages(
  { effects }: Pick<Deps, 'effects'>,
  { id, pages }: Pick<IncidentRecord, 'id' | 'pages'>,
): Promise<number[]> {
  const numbers = Array.from({ length: pages }, (_, index) => index + 1);
  const states = await Promise.all(numbers.map(async (number) => (await effects.get(id, pageKey(id, number)))?.state));
  return numbers.filter((_, index) => states[index] === 'intended');
}

type Paged = Attempt | { kind: 'closed' };

/** Needed for an attempt at a page. `chat`: null if the function has no access to it; then the page has no link to the channel. */
type PageDeps = Pick<
  Deps,
  | 'approvalLinks'
  | 'clock'
  | 'config'
  | 'decisions'
  | 'effects'
  | 'engine'
  | 'fallbackPager'
  | 'incidentGroups'
  | 'incidents'
  | 'log'
  | 'pager'
  | 'publicUrl'
> & { chat: Deps['chat'] | null };

/** `alone`: why Firebreak pages instead of an external sender. `first`: result of the first attempt, if already made. */
type OwnPage = PageInput & { whyNotExternal: string | null; first: Paged | null; activity: Activity };

/** Pages until the pager or the fallback accepts. Never waits for anything else. */
async function pageUntilTaken(
  run: Run,
  { whyNotExternal, first, activity, ...input }: OwnPage,
  deps: Deps,
): Promise<void> {
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
    activity.rests();
    await run.wait('page-again', {
      seconds: answer.kind === 'later' ? Math.max(pause, answer.afterSeconds ?? 0) : pause,
    });
    state = { ...state, waitedSeconds: state.waitedSeconds + pause };
  }
  await run.step('page-given-up', async () => {
    await deps.incidents.note(incidentId, `page-${number}-given-up`, {
      at: deps.clock.now(),
      actor: 'firebreak',
      kind: 'page.failed',
      text: `Page ${number} failed: neither the pager nor a fallback accepted it`,
      detail: null,
    });
    // It is escalated sooner than a page that someone can acknowledge.
    if ((await deps.config.current()).response.escalation !== undefined) await wakeForDeadlines(deps, incidentId);
  });
}

async function pageUnlessExternal(deps: Deps, input: PageInput): Promise<Paged | { kind: 'elsewhere'; at: Timestamp }> {
  const { incidentId: id, number } = input;
  const read = await readFor(deps, id);
  if (read.incident !== undefined && (await usesExternalPager(deps, read.incident, number)))
    return { kind: 'elsewhere', at: deps.clock.now() };
  return pageFor(deps, read, { ...input, whyNotExternal: null });
}

const pageOnce = async (deps: PageDeps, input: PageInput & { whyNotExternal: string | null }): Promise<Paged> =>
  pageFor(deps, await readFor(deps, input.incidentId), input);

/** An incident, and what its page shows, which may still be read. */
type PageRead = { incident: IncidentRecord | undefined; story: Promise<Story | undefined> };

/** Reads all that a page needs together, since each read is a call to the platform. */
async function readFor({ incidents }: Pick<Deps, 'incidents'>, id: IncidentId): Promise<PageRead> {
  const story = incidents.story(id, null);
  story.catch(() => undefined); // without it, the page is sent without details
  return { incident: await incidents.read(id), story };
}

/** Makes one attempt at a page without a run of the workflow: by the pager and, unless it accepts the page, by the fallback. */
export async function pageWithoutRun(deps: PageDeps, input: PageInput): Promise<void> {
  const { kind } = await pageOnce(deps, { ...input, whyNotExternal: null });
  if (kind !== 'taken' && kind !== 'closed') await pageByFallback(deps, input);
}

async function pageFor(
  deps: PageDeps,
  { incident, story }: PageRead,
  { incidentId: id, number, causes, whyNotExternal }: PageInput & { whyNotExternal: string | null },
): Promise<Paged> {
  if (incident === undefined || incident.status === 'resolved') return { kind: 'closed' };
  const key = pageKey(id, number);
  if (await isPagedByParent(deps, incident, number)) return pagedByParent(deps, incident, number);
  if (areAllByAlerts(causes) && (await isTrial(deps, incident, key))) return notPagedInTrial(deps, incident, number);
  const own = await pageOfChild(deps, incident, number);
  if (own === 'in_progress') return { kind: 'later', detail: 'the page of a child is in progress', afterSeconds: null };
  if (own !== null) return takeOver(deps, incident, number, own);
  const reasonSuffix = whyNotExternal === null ? '' : `; paged by Firebreak, because ${whyNotExternal}`;
  const effect = await deps.effects.intend(
    id,
    { key, kind: 'page', ...(await pagerTarget(deps)), class: 'keyed', detail: `Page ${number}${reasonSuffix}` },
    { page: number },
  );
  if (effect.state === 'succeeded') return { kind: 'taken', detail: effect.detail };
  const answer = await deps.pager.send(
    await fullRequest(incident, key, { number, causes, chat: deps.chat, story }, deps),
  );
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
async function isTrial(deps: PageDeps, incident: IncidentRecord, key: string): Promise<boolean> {
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

async function notPagedInTrial(deps: PageDeps, { id }: IncidentRecord, number: number): Promise<{ kind: 'closed' }> {
  const effect = { key: pageKey(id, number), kind: 'page', target: 'pagerduty', class: 'keyed' } as const;
  await deps.effects.intend(id, { ...effect, detail: NOT_IN_TRIAL }, { page: number });
  await deps.effects.conclude(id, effect.key, 'withheld', NOT_IN_TRIAL);
  return { kind: 'closed' };
}

/**
 * Returns whether the parent pages instead. A resolved parent no longer pages. A page that started before there was a
 * parent may have been delivered, so it continues and is resolved separately.
 */
async function isPagedByParent(deps: PageDeps, incident: IncidentRecord, number: number): Promise<boolean> {
  const parent = incident.parent_id === undefined ? undefined : await deps.incidents.read(incident.parent_id);
  if (parent === undefined || parent.status === 'resolved') return false;
  const earlierEffect = await deps.effects.get(incident.id, pageKey(incident.id, number));
  return earlierEffect === undefined || isLeftToParent(earlierEffect);
}

/** Returns whether a page is the first one of its incident, or the first one since that was reopened. */
async function isFirstPage(
  { effects }: Pick<Deps, 'effects'>,
  { id, reopened_at: reopenedAt }: IncidentRecord,
  number: number,
): Promise<boolean> {
  if (number === 1) return true;
  const before = reopenedAt === undefined ? undefined : await effects.get(id, pageKey(id, number - 1));
  return before !== undefined && reopenedAt !== undefined && before.at < reopenedAt;
}

/**
 * Leaves the page to the parent, so that services that fail together cause one page. Further pages of a child become
 * further pages of the parent.
 */
async function pagedByParent(deps: PageDeps, incident: IncidentRecord, number: number): Promise<{ kind: 'closed' }> {
  const { id, parent_id } = incident;
  const effect = { key: pageKey(id, number), kind: 'page', target: 'pagerduty', class: 'keyed' } as const;
  if (parent_id === undefined) return { kind: 'closed' };
  const parent = await deps.incidents.read(parent_id);
  const detail = leftToParent(parent ?? { id: parent_id });
  await deps.effects.intend(id, { ...effect, detail }, { page: number });
  await deps.effects.conclude(id, effect.key, 'withheld', detail);
  const { severity } = incident;
  const isRaised = parent !== undefined && !isAtLeast(severity, parent.severity);
  if (isRaised || !(await isFirstPage(deps, incident, number))) {
    const about = incident.mitigations > 0 ? { about: { incident_id: id } } : {};
    const again = { kind: 'page', by: `incident:${id}`, note: `again for ${incident.service}`, ...about } as const;
    await deps.incidents.post(parent_id, again, isRaised ? { severity } : {}, `page-${pageKey(id, number)}`);
  } else if (parent?.pages === 0) {
    // The parent of incidents that paged nobody has not paged either.
    const first = { kind: 'page', by: 'firebreak', note: `for ${incident.service}` } as const;
    await deps.incidents.post(parent_id, first, {}, `page-${pageKey(id, number)}`);
  }
  await wake(deps, parent_id);
  // The page was due for a decision, which the parent's page has to show instead.
  if (incident.mitigations > 0 && (await deps.incidents.post(id, { kind: 'page_outdated' }, {}, `left-${number}`)))
    await wake(deps, id);
  return { kind: 'closed' };
}

/** Seconds during which a page of a child that the pager has not accepted yet may still stand for the group. */
const IN_PROGRESS_SECONDS = 30;

/** The page of a child that stands for a page of its parent. */
type TakenOver = NonNullable<Effect['taken_over']>;

/**
 * Returns the page of a child that stands for the first page of the group of a dependency: it was sent before the second
 * incident joined, for the same outage, and is still open. A page can't be unsent, so the group sends no second one. Null: there is
 * none as urgent as the parent.
 */
async function pageOfChild(
  deps: PageDeps,
  { id, group_reason: reason, severity }: IncidentRecord,
  number: number,
): Promise<TakenOver | 'in_progress' | null> {
  if (number > 1 || reason?.because !== 'shared_dependency') return null;
  const earlierEffect = await deps.effects.get(id, pageKey(id, number));
  if (earlierEffect !== undefined) return earlierEffect.taken_over ?? null;
  let inProgress = false;
  for (const { incident: child } of await deps.incidentGroups.children(id)) {
    if (child.status === 'resolved' || !isAtLeast(severity, child.severity)) continue;
    for (let last = child.pages; last >= 1; last -= 1) {
      const sent = await deps.effects.get(child.id, pageKey(child.id, last));
      const resolution = await deps.effects.get(child.id, resolutionKey(child.id, last));
      if (sent !== undefined && isPageOver(child, last, sent, resolution)) continue;
      if (sent?.state === 'succeeded') return { incident_id: child.id, number: last };
      const age = sent === undefined ? Infinity : secondsBetween(sent.at, deps.clock.now());
      inProgress ||= sent?.state === 'intended' && age < IN_PROGRESS_SECONDS;
    }
  }
  return inProgress ? 'in_progress' : null;
}

async function takeOver(
  deps: PageDeps,
  { id }: IncidentRecord,
  number: number,
  own: TakenOver,
): Promise<{ kind: 'closed' }> {
  const detail = takenOver(await readName(deps, own.incident_id), own.number);
  const effect = { key: pageKey(id, number), kind: 'page', ...(await pagerTarget(deps)), class: 'keyed' } as const;
  await deps.effects.intend(id, { ...effect, detail, taken_over: own }, { page: number });
  await deps.effects.conclude(id, effect.key, 'succeeded', detail);
  // The page shows only the child until it is updated.
  if (await deps.incidents.post(id, { kind: 'page_outdated' }, {}, `taken-over-${number}`)) await wake(deps, id);
  return { kind: 'closed' };
}

/** State of a page after an attempt. Null: another attempt follows. */
const PAGE_STATES: Readonly<Record<Attempt['kind'], Effect['state'] | null>> = {
  taken: 'succeeded',
  refused: 'failed',
  off: 'withheld',
  later: null,
};

async function pageByFallback(deps: PageDeps, { incidentId: id, number, causes }: PageInput): Promise<Attempt['kind']> {
  const incident = await deps.incidents.read(id);
  if (incident === undefined) return 'refused';
  const key = fallbackPageKey(id, number);
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
 * @param page.about whose decision the page shows; absent: that of the causes, else the incident's
 * @param page.chat null if the function has no access to the chat; then the page does not link to the channel
 * @param page.story what it shows, if it is read already
 */
export async function fullRequest(
  incident: IncidentRecord,
  key: string,
  {
    number,
    causes,
    chat,
    about = causes.findLast((cause) => cause.about !== undefined)?.about,
    story: reading,
  }: Pick<PageInput, 'number' | 'causes'> & {
    chat: Deps['chat'] | null;
    about?: PageSubject | undefined;
    story?: PageRead['story'];
  },
  deps: Pick<Deps, 'approvalLinks' | 'clock' | 'config' | 'decisions' | 'incidents' | 'log' | 'publicUrl'>,
): Promise<PageRequest> {
  const request = pageRequest(incident, key, deps);
  try {
    const read = await (reading ?? deps.incidents.story(incident.id, null));
    if (read === undefined) return request;
    const story = await showing(deps, read, about);
    const reason = causes.length === 0 ? null : causeWords(causes, story.timeline);
    const again = number > 1 ? `Page ${number}: ` : '';
    const { config, url, urls, found, links, images } = await pageLinks(deps, story, chat);
    const problem = problemWords(read, await knownOfProblem(deps, read, config), deps.clock.now());
    const summary = summaryOf(read.incident, problem);
    return {
      ...request,
      summary: reason === null ? summary : `${summary}. ${again}${truncated(reason, REASON_MAX_CHARS)}`,
      links,
      images,
      details: { ...(url !== undefined && { console: url }), ...pageDetailsOf(story, reason, urls, found) },
    };
  } catch (error) {
    deps.log.warn('Sending a page without details', { incident: incident.id, error: String(error) });
    return { ...request, ...(causes.length > 0 && { details: { page_reason: causeWords(causes, []) } }) };
  }
}

/** Returns where a page about an incident leads, and what was read for that. @param chat null: no link to the channel */
export async function pageLinks(
  deps: Pick<Deps, 'approvalLinks' | 'clock' | 'config' | 'log' | 'publicUrl'>,
  story: Overview,
  chat: Deps['chat'] | null,
) {
  const url = incidentUrl(deps.publicUrl, story.incident);
  const urls = await approvalUrls(deps, story);
  const answerUrl = urls.get(openQuestion(story)?.id ?? '');
  // Links are not worth a page without the other details.
  const config = await deps.config.current().catch(() => emptyConfig);
  const found = incidentLinks(story, config, deps.clock.now());
  const { links, images } = pageAttachments(story.signals, found);
  const channel = channelLink(story.incident);
  const isLinked = channel !== null && chat !== null && (await isReal(chat));
  return {
    config,
    url,
    urls,
    found,
    links: [
      ...(answerUrl === undefined ? [] : [{ href: answerUrl, text: 'Approve or reject' }]),
      ...(url === undefined ? [] : [{ href: url, text: 'Firebreak console' }]),
      ...(isLinked ? [channel] : []),
      ...links,
    ],
    images,
  };
}

/** Returns the story with the decision that a page shows: of its subject, else the one that decides for the incident. */
async function showing(
  { incidents }: Pick<Deps, 'incidents'>,
  story: Story,
  { incident_id: id, decision: number }: PageSubject = { incident_id: story.incident.id },
): Promise<Story> {
  const { incident } = story;
  if (number === undefined && (id === incident.id || story.deciding !== undefined)) return story;
  const subject = id === incident.id ? story : await incidents.overview(id);
  if (subject === undefined) return story;
  const { decisions, effects } = subject;
  const shown = number === undefined ? decisions : decisions.filter((one) => Number(numberOf(one.id)) === number);
  return id === incident.id
    ? { ...story, decisions: shown }
    : { ...story, deciding: { incident: subject.incident, decisions: shown, effects } };
}

/** Returns whether the chat is not a stand-in. False if unknown, because the link might not work. */
async function isReal(chat: Deps['chat']): Promise<boolean> {
  try {
    return (await chat.standIn?.()) !== true;
  } catch {
    return false;
  }
}

const summaryOf = (incident: IncidentRecord, problem?: string): string =>
  `${numberText(incident)}${placedTitle(incident, problem)}`;

/** Builds a page with the basic data of an incident. Its time is the start of the open problem. */
export function pageRequest(incident: IncidentRecord, key: string, deps: Pick<Deps, 'clock'>): PageRequest {
  const service = incident.unmatched || incident.service;
  const { opened_at: openedAt, reopened_at: reopenedAt, new_onset: onset } = incident;
  const began = onset?.at ?? reopenedAt ?? openedAt;
  return {
    key,
    action: 'trigger',
    summary: summaryOf(incident),
    service: service,
    environment: incident.environment,
    severity: incident.severity,
    incident: incident.id,
    at: secondsBetween(began, deps.clock.now()) < 0 ? deps.clock.now() : began,
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
  // All pages share the attempts, so that an unavailable pager costs the same time and operations for any number of them.
  let attempt = 0;
  for (let number = 1; number <= pages;) {
    const which = number;
    const answer = await run.step('resolve-page', () => resolveOnce(deps, incidentId, which, last));
    if (answer.kind === 'later' && attempt < TRIES) {
      await run.wait('resolve-page-again', {
        seconds: PAUSES_SECONDS[Math.min(attempt, PAUSES_SECONDS.length - 1)] ?? 300,
      });
      attempt += 1;
    } else number += 1;
  }
}

/** Returns whether a page of a child stands for its group, which continues. */
async function standsForGroup(deps: Deps, { id, parent_id }: IncidentRecord, number: number): Promise<boolean> {
  const parent = parent_id === undefined ? undefined : await deps.incidents.read(parent_id);
  if (parent === undefined || parent.status === 'resolved') return false;
  const standing = (await deps.effects.get(parent.id, pageKey(parent.id, 1)))?.taken_over;
  return standing?.incident_id === id && standing.number === number;
}

/** @param group resolves the page of its child `id`, which stands for its own */
async function resolveOnce(
  deps: Deps,
  id: IncidentId,
  number: number,
  last: boolean,
  group?: IncidentId,
): Promise<Attempt> {
  const incident = await deps.incidents.read(id);
  const paged = await deps.effects.get(id, pageKey(id, number));
  // A page without a recorded outcome may have been delivered. Resolving an incident that is not open does no harm.
  if (incident === undefined || paged === undefined || paged.state === 'withheld' || paged.state === 'failed')
    return { kind: 'off', detail: 'nothing was paged' };
  if (paged.followed !== undefined)
    return { kind: 'off', detail: 'the external sender that paged also resolves the page' };
  if (paged.taken_over !== undefined) {
    const { incident_id: child, number: of } = paged.taken_over;
    // A child that continues resolves its page itself.
    return (await deps.incidents.read(child))?.status === 'resolved'
      ? resolveOnce(deps, child, of, last, id)
      : { kind: 'off', detail: 'the incident whose page it is continues' };
  }
  if (group === undefined && (await standsForGroup(deps, incident, number)))
    return { kind: 'off', detail: 'the page stands for the group, which resolves it' };
  const key = resolutionKey(id, number);
  const owner = group ?? id;
  const effect = await deps.effects.intend(id, {
    key,
    kind: 'page-resolve',
    ...(await pagerTarget(deps)),
    class: 'convergent',
    detail: `Resolve page ${number}`,
    owner,
  });
  if (effect.state === 'succeeded') return { kind: 'taken', detail: effect.detail };
  // A child and its group that end at once both get here. The one whose intent is recorded resolves the page, and repeats it.
  if (effect.owner !== undefined && effect.owner !== owner)
    return {
      kind: 'off',
      detail: `incident ${await readName(deps, effect.owner)} resolves the page`,
    };
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
