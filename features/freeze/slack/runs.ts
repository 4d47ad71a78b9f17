import type { RunVerb as CoreRun } from '../../../entrances/slack/commands/verb.ts';
import { withPorts } from '../ports.ts';
import { runLiftFreeze } from './lift.ts';
import { runOpenFreeze } from './open.ts';
import { runApproveOverride, runOverrideFreeze } from './override.ts';
import type { RunVerb } from './shared.ts';
import { runFreezeStatus } from './status.ts';

const withFreezes =
  <R>(run: RunVerb<R>): CoreRun<R> =>
  (deps, ...request) =>
    run(withPorts(deps), ...request);

/** Execute the verbs in `verbs.ts`. */
export const runs = {
  freeze_status: withFreezes(runFreezeStatus),
  freeze_open: withFreezes(runOpenFreeze),
  freeze_lift: withFreezes(runLiftFreeze),
  freeze_override: withFreezes(runOverrideFreeze),
  approve_override: withFreezes(runApproveOverride),
};
