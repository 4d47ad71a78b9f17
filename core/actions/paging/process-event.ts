import { withoutAcknowledgement } from '../../domain/paging/acknowledgement.ts';
import { type EventEffect, effectOfEvent } from '../../domain/paging/pagerduty/event-effect.ts';
import type { Agent, PagerUser } from '../../domain/paging/pagerduty/users.ts';
import type { PageReference, PagerIncidents } from '../../domain/paging/pagerduty/page-reference.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { PagerDutyEvent } from '../../../schemas/messages/pagerduty.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { acknowledgedKey, assignedKey } from './follow-pages.ts';
import { recordPagerAcknowledgement, takeCommand } from './record-acknowledgement.ts';
import { resolvePagerUser } from './pager-user.ts';
import { entryTime, actionTimeText, withUnidentified } from './timeline-entry.ts';
import { recordPagerResolution } from './record-resolution.ts';
import { acknowledgeGroup } from './acknowledge-group.ts';
import { followedBy, pagesOfEvent } from './page-of-event.ts';
import { wakeForDeadlines } from '../../../workflows/wake.ts';
import { inputProblemText } from '../../../schemas/parsing/input-problems.ts';

export type EventDeps = Pick<
  Deps,
  | 'incidents'
  | 'incidentGroups'
  | 'effects'
  | 'decisions'
  | 'engine'
  | 'config'
  | 'clock'
  | 'log'
  | 'alerts'
  | 'externalPager'
  | 'pager'
  | 'onCall'
> & { pagerIncidents: PagerIncidents };

/** An event with the page that it is about. `at`: the time of the action at PagerDuty. */
type EventContext = { page: PageReference; key: string; at: Timestamp };

/**
 * Applies an action at PagerDuty to the incident. Idempotent: the event's ID is the key of all changes. Ignores events
 * about other incidents, and events that cannot be parsed.
 *
 * @param event a `PagerDutyEvent`
 * @param at when it was received
 * @throws Error if the table or the configuration cannot be read; the event must then be delivered again
 */
export async function processPagerDutyEvent(deps: EventDeps, event: unknown, at: Timestamp): Promise<void> {
  const read = PagerDutyEvent.safeParse(event);
  if (!read.success)
    return deps.log.error('a PagerDuty event in the queue cannot be parsed', { error: inputProblemText(read.error) });
  const pages = await pagesOfEvent(deps, read.data);
  const { id, event_type: type } = read.data;
  if (pages.length === 0)
    return deps.log.debug('a PagerDuty event does not belong to an incident of Firebreak', { event: id, type });
  const effect = effectOfEvent(read.data);
  const { occurred_at: done } = read.data;
  for (const [index, page] of pages.entries()) {
    deps.log.debug('processing a PagerDuty event', { event: id, type, incident: page.incidentId, as: effect.kind });
    const isFirst = pages.findIndex(({ incidentId }) => incidentId === page.incidentId) === index;
    const key = `pagerduty-${id}${isFirst ? '' : `-page-${page.number}`}`; // unique within its incident
    await applyEffect(deps, { page, key, at: done == null || done > at ? at : done }, effect);
  }
}

async function applyEffect(deps: EventDeps, context: EventContext, effect: EventEffect): Promise<void> {
  const { page, key, at } = context;
  switch (effect.kind) {
    case 'nothing':
      return;
    case 'paged':
      return paged(deps, context, effect);
    case 'acknowledged':
      return acknowledged(deps, context, effect);
    case 'unacknowledged':
      return unacknowledged(deps, context, effect);
    case 'assigned':
      return assigned(deps, context, effect);
    case 'resolved':
      await recordPagerResolution(deps, page, { agent: await resolvePagerUser(deps, effect.by), key, at });
      return;
    case 'merged':
      await deps.pagerIncidents.remember(effect.into, page);
      return noted(deps, context, { ...effect, as: 'page.merged' });
    case 'update_published':
      return notifyStakeholders(deps, context, effect);
    case 'noted':
      return noted(deps, context, effect);
  }
}

/** Pages of an incident whose recipients are recorded, and people of a page: more are not needed to tell who was paged. */
const PAGES_MAX = 20;
const PEOPLE_MAX = 10;

/** Records which people a page notified, for reports by person. Firebreak did nothing, so the timeline gets no entry. */
async function paged(
  deps: EventDeps,
  { page, key, at }: EventContext,
  { people: users }: Extract<EventEffect, { kind: 'paged' }>,
): Promise<void> {
  const agents = await Promise.all(users.slice(0, PEOPLE_MAX).map((user) => resolvePagerUser(deps, user)));
  const people = [...new Set(agents.map(({ name }) => name))].toSorted();
  await deps.incidents.amend(
    page.incidentId,
    ({ handling }) => {
      const others = (handling?.paged ?? []).filter((one) => one.page !== page.number);
      return { handling: { paged: [...others, { page: page.number, at, people }].slice(-PAGES_MAX) } };
    },
    key,
  );
}

/**
 * Records an acknowledgement. The sweeper also follows pages by other tools: both use one key, so it is recorded once.
 */
async function acknowledged(
  deps: EventDeps,
  { page, key, at }: EventContext,
  { by }: Extract<EventEffect, { kind: 'acknowledged' }>,
): Promise<void> {
  const agent = await resolvePagerUser(deps, by);
  const followed = await followedBy(deps, page);
  await recordPagerAcknowledgement(deps, page.incidentId, {
    key: followed === undefined ? key : acknowledgedKey(page.number),
    page: page.number,
    agent,
    actor: agent.name,
    text: `Acknowledged at PagerDuty by ${agent.shown}${actionTimeText(at, deps.clock.now())}`,
    at,
  });
  await takeCommand(deps, page.incidentId, { agent, key: `${key}-command`, at });
  const parent = await acknowledgeGroup(deps, page.incidentId);
  if (parent !== null) await takeCommand(deps, parent, { agent, key: `${key}-command`, at });
}

/** Records that PagerDuty notifies again: the page counts as unacknowledged. */
async function unacknowledged(
  deps: EventDeps,
  { page, key, at }: EventContext,
  { text, by }: Extract<EventEffect, { kind: 'unacknowledged' }>,
): Promise<void> {
  const agent = await agentOf(deps, by);
  const timeline = { ...entryOf(deps, { agent, text, at }), kind: 'page.unacknowledged' };
  await deps.incidents.amend(
    page.incidentId,
    (incident) => ({
      ...withUnidentified(agent, incident, withoutAcknowledgement(incident, page.number, at)),
      timeline,
    }),
    key,
  );
  await wakeForDeadlines(deps, page.incidentId); // the time until its escalation begins again
}

async function assigned(
  deps: EventDeps,
  context: EventContext,
  { text, by, to }: Extract<EventEffect, { kind: 'assigned' }>,
): Promise<void> {
  const followed = await followedBy(deps, context.page);
  const key = followed === undefined ? context.key : assignedKey(context.page.number, to.join(', '));
  return noted(deps, { ...context, key }, { as: 'page.assigned', text, by });
}

/** Takes over a status update from PagerDuty, so that our stakeholders get the same news. */
async function notifyStakeholders(
  deps: EventDeps,
  { page, key, at }: EventContext,
  { text, words, by }: Extract<EventEffect, { kind: 'update_published' }>,
): Promise<void> {
  const agent = await agentOf(deps, by);
  const timeline = { ...entryOf(deps, { agent, text, at }), kind: 'page.update' };
  const news = { handling: { stakeholder_update: { by: timeline.actor, at, text: words } } };
  await deps.incidents.amend(
    page.incidentId,
    (incident) => {
      const before = incident.handling?.stakeholder_update;
      return { ...withUnidentified(agent, incident, before === undefined || before.at < at ? news : {}), timeline };
    },
    key,
  );
}

async function noted(
  deps: EventDeps,
  { page, key, at }: EventContext,
  { as, text, by }: Pick<Extract<EventEffect, { kind: 'noted' }>, 'as' | 'text' | 'by'>,
): Promise<void> {
  const agent = await agentOf(deps, by);
  await deps.incidents.note(page.incidentId, key, { ...entryOf(deps, { agent, text, at }), kind: as });
  if (agent?.isUnidentified === true)
    await deps.incidents.amend(page.incidentId, (incident) => withUnidentified(agent, incident), `${key}-unsure`);
}

const agentOf = async (deps: EventDeps, by: PagerUser | null): Promise<Agent | null> =>
  by === null ? null : resolvePagerUser(deps, by);

type TimelineFacts = { agent: Agent | null; text: string; at: Timestamp };

function entryOf({ clock }: Pick<Deps, 'clock'>, { agent, text, at }: TimelineFacts) {
  const now = clock.now();
  return {
    at: entryTime(at, now),
    actor: agent?.name ?? 'pagerduty',
    text: `${text}${actionTimeText(at, now)}`,
    detail: null,
  };
}
