import type { IncidentId } from '../../schemas/config/names.ts';
import { deploysTold, killSwitch, openListed, productTold, rollbackShown, rolledBack } from './changes.ts';
import { declared } from './declare.ts';
import type { Deed, Errand } from './command.ts';
import { freezeLifted, freezeOpened, freezesTold, overrideApproved, overrideGiven } from './freezes.ts';
import {
  acknowledgement,
  type Doing,
  noteWritten,
  questionAnswered,
  resolvedByHand,
  severitySet,
  statusTold,
  switched,
  updateTold,
} from './incidents.ts';
import { commandHandedOver, roleAssigned, rolesLeft, rolesTold, roleTaken } from './roles.ts';
import { suspectCleared, suspectedAgain } from './suspects.ts';
import { incidentMeant, ofChannel } from './incident-of.ts';
import { misunderstood, NOTHING, type Outcome, withNote } from './outcome.ts';
import { pinned } from './pinned.ts';
import { placeOf } from '../../domain/messages/story.ts';
import { channelSpan } from './channel-span.ts';
import type { HearDeps } from './deps.ts';

/**
 * Executes a command.
 *
 * @throws Declined, Refusal if it is not executed
 */
export async function carryOut(deps: HearDeps, doing: Doing, errand: Errand): Promise<Outcome> {
  const { deed, where } = errand;
  switch (deed.act) {
    case 'declare':
      return declared(deps, doing, { deed, ear: errand.ear });
    case 'list':
      return openListed(deps, doing);
    case 'rollback':
      return rollbackShown(deps, doing, deed);
    case 'roll_back':
      return rolledBack(deps, doing, deed);
    case 'deploys':
      return deploysTold(deps, doing, deed);
    case 'freeze_status':
      return freezesTold(deps, doing, deed);
    case 'freeze_open':
      return freezeOpened(deps, doing, deed);
    case 'freeze_lift':
      return freezeLifted(deps, doing, deed);
    case 'freeze_override':
      return overrideGiven(deps, doing, deed);
    case 'approve_override':
      return overrideApproved(deps, doing, deed);
    case 'pause':
    case 'resume':
      return killSwitch(deps, doing, deed);
    case 'firebreak_status':
      return productTold(deps, doing);
    case 'usage':
      throw misunderstood(deed);
    case 'pin':
      return pinnedThere(deps, doing, { ...errand, deed });
    case 'so_far': {
      const id = await ofChannel(deps, where.channel);
      return id === undefined ? NOTHING : toldOnce(deps, doing, id);
    }
    default: {
      const meant = await incidentMeant(deps, doing.who, { ...errand, deed });
      return withItsName(deps, errand, meant.id, await inIncident(deps, doing, meant.id, meant.deed));
    }
  }
}

/** Adds a message to the timeline. Reactions outside of incident channels are ignored. */
async function pinnedThere(
  deps: HearDeps,
  doing: Doing,
  errand: Errand & { deed: Extract<Deed, { act: 'pin' }> },
): Promise<Outcome> {
  const { deed, where } = errand;
  if (deed.asked) {
    const { id } = await incidentMeant(deps, doing.who, errand);
    return withItsName(deps, errand, id, await pinned(deps, doing, id, deed));
  }
  const id = await ofChannel(deps, where.channel);
  return id === undefined ? NOTHING : pinned(deps, doing, id, deed);
}

/** Adds the incident to the answer if the person was not in its channel. */
async function withItsName(deps: HearDeps, { where }: Errand, id: IncidentId, outcome: Outcome): Promise<Outcome> {
  const chosen = where.incident !== null || where.named !== null;
  if (!chosen || outcome.answer === null || (await ofChannel(deps, where.channel)) === id) return outcome;
  const incident = await deps.incidents.read(id);
  if (incident === undefined) return outcome;
  const channel = channelSpan(incident);
  return withNote(outcome, [
    `${placeOf(incident)}: ${incident.title}`,
    ...(channel === undefined ? [] : [', ', channel]),
  ]);
}

type OfIncident = Extract<
  Deed,
  {
    act:
      | 'status'
      | 'roles'
      | 'acknowledge'
      | 'severity'
      | 'take'
      | 'leave'
      | 'assign'
      | 'handover'
      | 'update'
      | 'note'
      | 'resolve'
      | 'switch'
      | 'answer'
      | 'not_the_deploy'
      | 'suspect_again';
  }
>;

function inIncident(deps: HearDeps, doing: Doing, id: IncidentId, deed: OfIncident): Promise<Outcome> {
  switch (deed.act) {
    case 'status':
      return statusTold(deps, doing, id);
    case 'roles':
      return rolesTold(deps, doing, id);
    case 'acknowledge':
      return acknowledgement(deps, doing, id);
    case 'severity':
      return severitySet(deps, doing, id, deed);
    case 'take':
      return roleTaken(deps, doing, id, deed);
    case 'leave':
      return rolesLeft(deps, doing, id, deed);
    case 'assign':
      return roleAssigned(deps, doing, id, deed);
    case 'handover':
      return commandHandedOver(deps, doing, id, deed);
    case 'update':
      return updateTold(deps, doing, id, deed);
    case 'note':
      return noteWritten(deps, doing, id, deed);
    case 'resolve':
      return resolvedByHand(deps, doing, id, deed);
    case 'switch':
      return switched(deps, doing, id, deed);
    case 'answer':
      return questionAnswered(deps, doing, id, deed);
    case 'not_the_deploy':
      return suspectCleared(deps, doing, id, deed.change);
    case 'suspect_again':
      return suspectedAgain(deps, doing, id, deed.change);
  }
}

/** Sends the summary once per person and incident, not when they join the channel again. */
async function toldOnce(deps: HearDeps, doing: Doing, id: IncidentId): Promise<Outcome> {
  const once = `so-far:${id}:${doing.who.slack ?? doing.who.name}`;
  if ((await deps.hearings.read(once)) !== undefined) return NOTHING;
  const outcome = await statusTold(deps, doing, id);
  return (await deps.hearings.did(once, {})) ? outcome : NOTHING;
}
