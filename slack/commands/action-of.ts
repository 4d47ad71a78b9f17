import type { Action } from '../../schemas/access/access.ts';
import type { ActionRequest } from './command.ts';

/** Returns the permission that a command requires, as far as known from the command alone. */
export function actionOf({ act }: Pick<ActionRequest, 'act'>): Action {
  switch (act) {
    case 'list':
    case 'status':
    case 'roles':
    case 'so_far':
    case 'usage':
      return 'incidents:read';
    case 'deploys':
      return 'deployments:read';
    case 'freeze_status':
      return 'freezes:read';
    case 'freeze_open':
    case 'freeze_lift':
      return 'freezes:write';
    case 'freeze_override':
    case 'approve_override':
      return 'freezes:override';
    case 'pause':
    case 'resume':
      return 'automation:write';
    case 'firebreak_status':
      return 'automation:read';
    case 'rollback':
    case 'roll_back':
    case 'resolve':
    case 'switch':
    case 'answer':
    case 'not_the_deploy':
    case 'suspect_again':
      return 'incidents:act';
    case 'declare':
    case 'acknowledge':
    case 'severity':
    case 'take':
    case 'leave':
    case 'assign':
    case 'handover':
    case 'update':
    case 'note':
    case 'pin':
      return 'incidents:write';
  }
}
