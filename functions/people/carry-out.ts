import type { Deps } from '../../domain/ports.ts';
import type { IncidentId } from '../../schemas/names.ts';
import { deploysTold, killSwitch, openListed, productTold, rollbackShown, rolledBack } from './change-errands.ts';
import type { Deed, Errand } from './errand.ts';
import { freezeLifted, freezeOpened, freezesTold, overrideApproved, overrideGiven } from './freeze-errands.ts';
import {
  acknowledgement,
  commandHandedOver,
  declared,
  type Doing,
  noteWritten,
  pinned,
  questionAnswered,
  resolvedByHand,
  roleAssigned,
  rolesTold,
  roleTaken,
  severitySet,
  statusTold,
  suspectCleared,
  switched,
  updateTold,
} from './incident-errands.ts';
import { incidentOf, ofChannel } from './incident-of.ts';
import { NOTHING, type Outcome } from './outcome.ts';

/**
 * Does what somebody wants.
 * @throws Declined, Refusal where it is not done
 */
export async function carryOut(deps: Deps, doing: Doing, { deed, where }: Errand): Promise<Outcome> {
  switch (deed.act) {
    case 'declare':
      return declared(deps, doing, deed);
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
    case 'pin':
    case 'so_far': {
      // People mark messages and come into channels everywhere: only those of incidents are meant.
      const id = await ofChannel(deps, where.channel);
      if (id === undefined) return NOTHING;
      return deed.act === 'pin' ? pinned(deps, doing, id, deed) : toldOnce(deps, doing, id);
    }
    default:
      return inIncident(deps, doing, await incidentOf(deps, where), deed);
  }
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
      | 'assign'
      | 'handover'
      | 'update'
      | 'note'
      | 'resolve'
      | 'switch'
      | 'answer'
      | 'not_the_deploy';
  }
>;

function inIncident(deps: Deps, doing: Doing, id: IncidentId, deed: OfIncident): Promise<Outcome> {
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
      return suspectCleared(deps, doing, id, deed);
  }
}

/** Whoever comes in again has been told. */
async function toldOnce(deps: Deps, doing: Doing, id: IncidentId): Promise<Outcome> {
  const once = `so-far:${id}:${doing.who.slack ?? doing.who.name}`;
  if ((await deps.hearings.read(once)) !== undefined) return NOTHING;
  const outcome = await statusTold(deps, doing, id);
  await deps.hearings.did(once, {});
  return outcome;
}
