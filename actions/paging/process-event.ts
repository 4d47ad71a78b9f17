import * as z from 'zod';
import { withoutAcknowledgement } from '../../domain/paging/acknowledgement.ts';
import { type Meaning, meaningOf } from '../../domain/pagerduty/meaning.ts';
import type { Agent, PagerUser } from '../../domain/pagerduty/agents.ts';
import type { PageOf } from '../../domain/pagerduty/ours.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { PagerDutyEvent } from '../../schemas/messages/pagerduty.ts';
import type { Timestamp } from '../../schemas/time/time.ts';
import { acknowledgedKey, assignedKey } from './follow-pages.ts';
import { acknowledgedThere, takesCommand } from './acknowledged.ts';
import { resolvePagerUser } from './agent.ts';
import { entryAt, when, withUnsure } from './entry.ts';
import { resolvedThere } from './resolved.ts';
import { pagerStates } from './together.ts';
import { followedBy, whose } from './whose.ts';

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
  | 'pagerIncidents'
  | 'onCall'
>;

/** An event with the page that it is about. `at`: the time of the action at PagerDuty. */
type EventContext = { page: PageOf; key: string; at: Timestamp };

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
    return deps.log.error('a PagerDuty event in the queue cannot be parsed', { error: z.prettifyError(read.error) });
  const page = await whose(deps, read.data);
  const { id, event_type: type } = read.data;
  if (page === undefined)
    return deps.log.debug('a PagerDuty event does not belong to an incident of Firebreak', { event: id, type });
  const meaning = meaningOf(read.data);
  deps.log.debug('processing a PagerDuty event', { event: id, type, incident: page.incidentId, as: meaning.kind });
  const { occurred_at: done } = read.data;
  await carryOut(deps, { page, key: `pagerduty-${id}`, at: done == null || done > at ? at : done }, meaning);
}

async function carryOut(deps: EventDeps, context: EventContext, meaning: Meaning): Promise<void> {
  const { page, key, at } = context;
  switch (meaning.kind) {
    case 'nothing':
      return;
    case 'acknowledged':
      return acknowledged(deps, context, meaning);
    case 'unacknowledged':
      return unacknowledged(deps, context, meaning);
    case 'assigned':
      return assigned(deps, context, meaning);
    case 'resolved':
      await resolvedThere(deps, page, { agent: await resolvePagerUser(deps, meaning.by), key, at });
      return;
    case 'merged':
      await deps.pagerIncidents.remember(meaning.into, page);
      return noted(deps, context, { ...meaning, as: 'page.merged' });
    case 'told':
      return notifyStakeholders(deps, context, meaning);
    case 'noted':
      return noted(deps, context, meaning);
  }
}

/**
 * Records an acknowledgement. The sweeper also follows pages by other tools: both use one key, so it is recorded once.
 */
async function acknowledged(
  deps: EventDeps,
  { page, key, at }: EventContext,
  { by }: Extract<Meaning, { kind: 'acknowledged' }>,
): Promise<void> {
  const agent = await resolvePagerUser(deps, by);
  const followed = await followedBy(deps, page);
  await acknowledgedThere(deps, page.incidentId, {
    key: followed === undefined ? key : acknowledgedKey(page.number),
    page: page.number,
    agent,
    actor: agent.name,
    text: `Acknowledged at PagerDuty by ${agent.shown}${when(at, deps.clock.now())}`,
    at,
  });
  await takesCommand(deps, page.incidentId, { agent, key: `${key}-command`, at });
  const parent = await pagerStates(deps, page.incidentId);
  if (parent !== null) await takesCommand(deps, parent, { agent, key: `${key}-command`, at });
}

/** Records that PagerDuty notifies again: the page counts as unacknowledged. */
async function unacknowledged(
  deps: EventDeps,
  { page, key, at }: EventContext,
  { text, by }: Extract<Meaning, { kind: 'unacknowledged' }>,
): Promise<void> {
  const agent = await agentOf(deps, by);
  const timeline = { ...entryOf(deps, { agent, text, at }), kind: 'page.unacknowledged' };
  await deps.incidents.amend(
    page.incidentId,
    (incident) => ({ ...withUnsure(agent, incident, withoutAcknowledgement(incident, page.number, at)), timeline }),
    key,
  );
}

async function assigned(
  deps: EventDeps,
  context: EventContext,
  { text, by, to }: Extract<Meaning, { kind: 'assigned' }>,
): Promise<void> {
  const followed = await followedBy(deps, context.page);
  const key = followed === undefined ? context.key : assignedKey(context.page.number, to.join(', '));
  return noted(deps, { ...context, key }, { as: 'page.assigned', text, by });
}

/** Takes over a status update from PagerDuty, so that our stakeholders get the same news. */
async function notifyStakeholders(
  deps: EventDeps,
  { page, key, at }: EventContext,
  { text, words, by }: Extract<Meaning, { kind: 'told' }>,
): Promise<void> {
  const agent = await agentOf(deps, by);
  const timeline = { ...entryOf(deps, { agent, text, at }), kind: 'page.update' };
  const news = { handling: { stakeholder_update: { by: timeline.actor, at, text: words } } };
  await deps.incidents.amend(
    page.incidentId,
    (incident) => {
      const before = incident.handling?.stakeholder_update;
      return { ...withUnsure(agent, incident, before === undefined || before.at < at ? news : {}), timeline };
    },
    key,
  );
}

async function noted(
  deps: EventDeps,
  { page, key, at }: EventContext,
  { as, text, by }: Pick<Extract<Meaning, { kind: 'noted' }>, 'as' | 'text' | 'by'>,
): Promise<void> {
  const agent = await agentOf(deps, by);
  await deps.incidents.note(page.incidentId, key, { ...entryOf(deps, { agent, text, at }), kind: as });
  if (agent?.unsure === true)
    await deps.incidents.amend(page.incidentId, (incident) => withUnsure(agent, incident), `${key}-unsure`);
}

const agentOf = async (deps: EventDeps, by: PagerUser | null): Promise<Agent | null> =>
  by === null ? null : resolvePagerUser(deps, by);

type Said = { agent: Agent | null; text: string; at: Timestamp };

function entryOf({ clock }: Pick<Deps, 'clock'>, { agent, text, at }: Said) {
  const now = clock.now();
  return { at: entryAt(at, now), actor: agent?.name ?? 'pagerduty', text: `${text}${when(at, now)}`, detail: null };
}
