import { decidingFor } from '../../core/domain/messages/incident-buttons.ts';
import { nextStep } from '../../core/domain/messages/incident-lines.ts';
import { decisionShown } from '../../core/domain/paging/page-details.ts';
import { pageNote } from '../../core/domain/paging/page-note.ts';
import { isPageOver, needsPage, pageKey, pagerTarget, resolutionKey } from '../../core/domain/paging/pages.ts';
import { approvalUrls } from '../../core/domain/incidents/approval-link.ts';
import { incidentName } from '../../core/domain/incidents/incident-number.ts';
import type { PageRequest } from '../../core/domain/ports/paging.ts';
import type { VendorResponse } from '../../core/domain/ports/vendor-response.ts';
import type { Overview } from '../../core/domain/messages/story.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import type { Effect, IncidentRecord } from '../../schemas/incidents/incident.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import type { Run } from '../run.ts';
import { fullRequest, pageLinks } from './page.ts';

/** Pauses between attempts. An update is not worth more of them: the next one shows the same, and more. */
const PAUSES_SECONDS = [2, 10, 30] as const;

/**
 * Shows the current decision on the newest page, and on that of the group, under the key of the page, so that the pager notifies
 * nobody. The incident's pages are resolved after the last call of this branch, because an update of a resolved page would page again.
 */
export async function updatePage(run: Run, incidentId: IncidentId, deps: Deps): Promise<void> {
  for (const pause of [...PAUSES_SECONDS, null]) {
    const result = await run.step('update-page', () => updateOnce(deps, incidentId, pause === null));
    if (result === 'done' || pause === null) return;
    await run.wait('update-page-again', { seconds: pause });
  }
}

/** `done`: also if there is nothing to update. */
type Update = 'done' | 'again';

/**
 * A page at the pager. `owner`: the incident that it shows. `sent`: the incident whose page it was when it was sent; a page that was taken
 * over shows the group instead.
 */
type OpenPage = { owner: IncidentRecord; number: number; sent: { by: IncidentRecord; number: number }; effect: Effect };

/** @param last no attempt follows */
async function updateOnce(deps: Deps, id: IncidentId, last: boolean): Promise<Update> {
  const story = await deps.incidents.overview(id);
  if (story === undefined || story.incident.status === 'resolved') return 'done';
  const pages = await pagesShowing(deps, story.incident);
  let result: Update = pages.isDue ? 'again' : 'done';
  for (const page of pages.sent) if ((await updateOne(deps, story, page, last)) === 'again') result = 'again';
  return result;
}

/**
 * Returns the newest pages that show an incident: its own and, if it has a parent that is open, the parent's. `isDue`: the
 * parent has not paged yet.
 */
async function pagesShowing(deps: Deps, incident: IncidentRecord): Promise<{ sent: OpenPage[]; isDue: boolean }> {
  const read = incident.parent_id === undefined ? undefined : await deps.incidents.read(incident.parent_id);
  const parent = read?.status === 'resolved' ? undefined : read;
  const own = await openPage(deps, incident, incident.pages);
  const group = parent === undefined ? null : await openPage(deps, parent, parent.pages);
  const sent = [group?.effect.key === own?.effect.key ? null : own, group].filter((page) => page !== null);
  return { sent, isDue: parent !== undefined && parent.pages === 0 && needsPage(parent) };
}

/** Returns a page, which can be that of a child that stands for it. Null: it was not sent. */
async function openPage(deps: Deps, owner: IncidentRecord, number: number): Promise<OpenPage | null> {
  const effect = await deps.effects.get(owner.id, pageKey(owner.id, number));
  if (effect === undefined) return null;
  const { taken_over: from } = effect;
  if (from === undefined) return { owner, number, sent: { by: owner, number }, effect };
  const child = await deps.incidents.read(from.incident_id);
  const sent = await deps.effects.get(from.incident_id, pageKey(from.incident_id, from.number));
  return child === undefined || sent === undefined
    ? null
    : { owner, number, sent: { by: child, number: from.number }, effect: sent };
}

const isOver = async ({ effects }: Deps, { sent: { by, number }, effect }: OpenPage): Promise<boolean> =>
  isPageOver(by, number, effect, await effects.get(by.id, resolutionKey(by.id, number)));

async function updateOne(deps: Deps, story: Overview, page: OpenPage, last: boolean): Promise<Update> {
  const { owner, number, effect } = page;
  // The request of a page in progress may be older than the decision.
  if (effect.state === 'intended') return 'again';
  if (effect.state !== 'succeeded' || (await isOver(deps, page))) return 'done';
  const updateKey = updateKeyOf(effect, story);
  if (updateKey === null) return 'done';
  if (!(await isShownBy(deps, page, story))) return 'done';
  const response =
    effect.followed === undefined
      ? await sendUpdate(deps, story, page)
      : await annotate(deps, story, { followed: effect.followed, key: updateKey, page });
  if (response === 'nothing') return 'done';
  if (response === 'not_yet') return 'again';
  if ((response.kind === 'later' || response.kind === 'unclear') && !last) return 'again';
  const isDone = response.kind === 'done';
  const shown = owner.id === story.incident.id ? `page ${number}` : `page ${number} of incident ${incidentName(owner)}`;
  await deps.effects.record(story.incident.id, {
    key: updateKey,
    kind: 'page-update',
    ...(await pagerTarget(deps)),
    class: effect.followed === undefined ? 'convergent' : 'findable',
    state: isDone ? 'succeeded' : response.kind === 'off' ? 'withheld' : 'failed',
    detail: isDone ? `Updated ${shown}` : `${shown.replace('page', 'Page')} not updated: ${response.detail}`,
  });
  return 'done';
}

/**
 * Returns the key of an update. Null: the newest one has shown the same. What an older one has shown can be so again, such as a problem
 * that seemed to be over; a note of then says when it was.
 */
function updateKeyOf({ key: page, followed }: Effect, { effects, ...story }: Overview): string | null {
  const first = `${page}.update-${decisionShown({ ...story, effects })}`;
  const isSame = ({ key }: Effect): boolean => key === first || key.startsWith(`${first}.again-`);
  const same = effects.filter(isSame);
  if (same.length === 0) return first;
  const newest = effects.findLast(({ key }) => key.startsWith(`${page}.update-`))?.at;
  return followed !== undefined || same.some(({ at }) => at === newest) ? null : `${first}.again-${same.length + 1}`;
}

/** Members whose decisions the page of a group of many shows. PagerDuty takes 120 events a minute, pages and updates together. */
const MEMBERS_SHOWN = 10;

/**
 * Returns whether a page shows the decision of an incident. The page of a group of many shows those that act or ask, of the
 * first members that have one, so that the updates of a storm delay no page. Which members those are is recorded at the group.
 */
async function isShownBy(deps: Deps, { owner, number, effect }: OpenPage, story: Overview): Promise<boolean> {
  const { id, service } = story.incident;
  if (owner.id === id || owner.group_reason?.because !== 'many') return true;
  const kind = story.decisions.at(-1)?.kind;
  if (kind !== 'roll_back' && kind !== 'approve') return false;
  const placeKeys = Array.from({ length: MEMBERS_SHOWN }, (_, n) => `${effect.key}.member-${n + 1}`);
  const places = await Promise.all(placeKeys.map((key) => deps.effects.get(owner.id, key)));
  if (places.some((place) => place?.owner === id)) return true;
  const target = await pagerTarget(deps);
  for (const [n, key] of placeKeys.entries()) {
    if (places[n] !== undefined) continue;
    await deps.effects.record(owner.id, {
      key,
      kind: 'page-update',
      ...target,
      class: 'convergent',
      state: 'succeeded',
      owner: id,
      detail: `Page ${number} shows the decision about ${service}`,
    });
    if ((await deps.effects.get(owner.id, key))?.owner === id) return true; // else another member was faster
  }
  return false;
}

type Response = VendorResponse<null> | 'nothing' | 'not_yet';

async function sendUpdate(deps: Deps, story: Overview, { owner, number, effect }: OpenPage): Promise<Response> {
  const found = await deps.externalPager.paged(effect.key);
  if (found.kind === 'later' || found.kind === 'unclear') return found;
  // Without a token, the pager can't be asked. Then a webhook has reported that a person resolved the page.
  if (found.kind === 'done' && found.value?.status === 'resolved') return 'nothing';
  const page = { number, causes: [], chat: deps.chat, about: { incident_id: story.incident.id } };
  const request = await fullRequest(owner, effect.key, page, deps);
  const { incident } = decidingFor(story);
  const isOwn = owner.id === incident.id;
  const links = isOwn ? request.links : await linksOf(deps, incident.id === story.incident.id ? story : incident.id);
  // The page of a group shows the decision itself, not where to find it.
  const step = nextStep(isOwn ? story : { ...story, parent: null });
  const answer = await deps.pager.send({
    ...request,
    action: 'update',
    summary: `${request.summary}. ${isOwn ? '' : `${incident.service}: `}${step}`,
    links,
  });
  switch (answer.kind) {
    case 'taken':
      return { kind: 'done', value: null };
    case 'refused':
      return { kind: 'refused', code: 'refused', detail: answer.detail };
    case 'off':
    case 'later':
      return answer;
  }
}

/** Returns the links of a page about an incident. If they can't be read, the page is updated without them. */
async function linksOf(deps: Deps, known: Overview | IncidentId): Promise<PageRequest['links']> {
  try {
    const story = typeof known === 'string' ? await deps.incidents.overview(known) : known;
    return story === undefined ? [] : (await pageLinks(deps, story, deps.chat)).links;
  } catch (error) {
    deps.log.warn('Updating a page without links', { error: String(error) });
    return [];
  }
}

/** Adds a note to the external incident that is followed. A first note that is still to be built shows the same. */
async function annotate(
  deps: Deps,
  story: Overview,
  { followed, key, page }: { followed: NonNullable<Effect['followed']>; key: string; page: OpenPage },
): Promise<Response> {
  const first = await deps.effects.get(page.owner.id, `${page.effect.key}.note`);
  if (first === undefined) return 'nothing';
  if (first.state === 'intended') return 'not_yet';
  return deps.externalPager.annotate(followed.id, pageNote(story, await approvalUrls(deps, story)), key);
}
