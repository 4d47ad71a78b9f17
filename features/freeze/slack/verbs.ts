import type { AnyVerb } from '../../../entrances/slack/commands/verb.ts';
import { liftFreeze } from './lift.ts';
import { openFreeze } from './open.ts';
import { approveOverride, overrideFreeze } from './override.ts';
import { freezeStatus } from './status.ts';

export const verbs: Readonly<Record<string, AnyVerb>> = {
  freeze_status: freezeStatus,
  freeze_open: openFreeze,
  freeze_lift: liftFreeze,
  freeze_override: overrideFreeze,
  approve_override: approveOverride,
};
