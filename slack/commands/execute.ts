import type { IncidentId } from '../../schemas/config/names.ts';
import { showDeploys, killSwitch, openListed, productTold, showRollback, rollBackVersion } from './changes.ts';
import { declareByCommand } from './declare.ts';
import type { ActionRequest, Command } from './command.ts';
import {
  liftFreezeByCommand,
  openFreezeByCommand,
  showFreezes,
  overrideApproved,
  giveOverrideByCommand,
} from './freezes.ts';
import {
  acknowledgement,
  type Acting,
  writeNote,
  questionAnswered,
  resolvedByHand,
  setSeverity,
  showStatus,
  switched,
  sendUpdate,
} from './incidents.ts';
import { commandHandedOver, assignRoleByCommand, leaveRolesByCommand, showRoles, takeRoleByCommand } from './roles.ts';
import { clearSuspectByCommand, restoreSuspectByCommand } from './suspects.ts';
import { namedIncident, ofChannel } from './incident-of.ts';
import { misunderstood, NOTHING, type Outcome, withNote } from './outcome.ts';
import { pinned } from './pinned.ts';
import { placeOf } from '../../domain/messages/story.ts';
import { channelSpan } from './channel-span.ts';
import type { CommandDeps } from './deps.ts';

/**
 * Executes a command.
 *
 * @throws Declined, Refusal if it is not executed
 */
export async function execute(deps: CommandDeps, doing: Acting, errand: Command): Promise<Outcome> {
  const { deed, where } = errand;
  switch (deed.act) {
    case 'declare':
      return declareByCommand(deps, doing, { deed, ear: errand.ear });
    case 'list':
      return openListed(deps, doing);
    case 'rollback':
      return showRollback(deps, doing, deed);
    case 'roll_back':
      return rollBackVersion(deps, doing, deed);
    case 'deploys':
      return showDeploys(deps, doing, deed);
    case 'freeze_status':
      return showFreezes(deps, doing, deed);
    case 'freeze_open':
      return openFreezeByCommand(deps, doing, deed);
    case 'freeze_lift':
      return liftFreezeByCommand(deps, doing, deed);
    case 'freeze_override':
      return giveOverrideByCommand(deps, doing, deed);
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
      const meant = await namedIncident(deps, doing.who, { ...errand, deed });
      return withItsName(deps, errand, meant.id, await inIncident(deps, doing, meant.id, meant.deed));
    }
  }
}

/** Adds a message to the timeline. Reactions outside of incident channels are ignored. */
async function pinnedThere(
  deps: CommandDeps,
  doing: Acting,
  errand: Command & { deed: Extract<ActionRequest, { act: 'pin' }> },
): Promise<Outcome> {
  const { deed, where } = errand;
  if (deed.asked) {
    const { id } = await namedIncident(deps, doing.who, errand);
    return withItsName(deps, errand, id, await pinned(deps, doing, id, deed));
  }
  const id = await ofChannel(deps, where.channel);
  return id === undefined ? NOTHING : pinned(deps, doing, id, deed);
}

/** Adds the incident to the answer if the person was not in its channel. */
async function withItsName(deps: CommandDeps, { where }: Command, id: IncidentId, outcome: Outcome): Promise<Outcome> {
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
  ActionRequest,
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

function inIncident(deps: CommandDeps, doing: Acting, id: IncidentId, deed: OfIncident): Promise<Outcome> {
  switch (deed.act) {
    case 'status':
      return showStatus(deps, doing, id);
    case 'roles':
      return showRoles(deps, doing, id);
    case 'acknowledge':
      return acknowledgement(deps, doing, id);
    case 'severity':
      return setSeverity(deps, doing, id, deed);
    case 'take':
      return takeRoleByCommand(deps, doing, id, deed);
    case 'leave':
      return leaveRolesByCommand(deps, doing, id, deed);
    case 'assign':
      return assignRoleByCommand(deps, doing, id, deed);
    case 'handover':
      return commandHandedOver(deps, doing, id, deed);
    case 'update':
      return sendUpdate(deps, doing, id, deed);
    case 'note':
      return writeNote(deps, doing, id, deed);
    case 'resolve':
      return resolvedByHand(deps, doing, id, deed);
    case 'switch':
      return switched(deps, doing, id, deed);
    case 'answer':
      return questionAnswered(deps, doing, id, deed);
    case 'not_the_deploy':
      return clearSuspectByCommand(deps, doing, id, deed.change);
    case 'suspect_again':
      return restoreSuspectByCommand(deps, doing, id, deed.change);
  }
}

/** Sends the summary once per person and incident, not when they join the channel again. */
async function toldOnce(deps: CommandDeps, doing: Acting, id: IncidentId): Promise<Outcome> {
  const once = `so-far:${id}:${doing.who.slack ?? doing.who.name}`;
  if ((await deps.processedEvents.read(once)) !== undefined) return NOTHING;
  const outcome = await showStatus(deps, doing, id);
  return (await deps.processedEvents.did(once, {})) ? outcome : NOTHING;
}
