import type { DurableContext } from '@aws/durable-execution-sdk-js';
import * as z from 'zod';
import { incidentActions } from '../../core/actions/paging/escalate.ts';
import type { Product } from './product.ts';
import { DrillId } from '../../schemas/automation/drill.ts';
import { WatchId } from '../../schemas/judge/watch.ts';
import { IncidentId } from '../../schemas/config/names.ts';
import { deployWatch } from '../../workflows/deploy-watch.ts';
import { drill } from '../../workflows/drill.ts';
import { FEATURES } from '../../features/index.ts';
import { flagOn } from '../../workflows/flag-on.ts';
import { incidentResponse } from '../../workflows/incident-response.ts';
import { durableRun } from '../../workflows/run.ts';

const number = z.number().int().min(1);
const Input = z.union([
  z.object({ incidentId: IncidentId, run: number }),
  z.object({ drillId: DrillId, run: number }),
  z.object({ watchId: WatchId, run: number }),
  // Feature flags that were turned off in an incident, and are turned on again.
  z.object({ flagsOf: IncidentId, run: number }),
]);

/**
 * Returns the durable workflow of an incident, a drill, a watch, a feature flag, or a feature. Its input
 * has only IDs; it reads all other data. Drills and features are in it because they need the same permissions as
 * rollbacks.
 *
 * @param depsOf called in each invocation
 */
export const workflow =
  (depsOf: () => Product) =>
  async (event: unknown, context: DurableContext): Promise<unknown> => {
    const deps = depsOf();
    for (const { name, workflow: own } of FEATURES) {
      const given = own?.input.safeParse(event);
      if (own === undefined || given?.success !== true) continue;
      return own.run(
        durableRun(context, deps.log.with({ feature: name, ...(given.data as object) })),
        given.data as never,
        deps,
      );
    }
    const input = Input.parse(event);
    const runWith = (fields: object) => durableRun(context, deps.log.with({ ...fields, run: input.run }));
    if ('watchId' in input) return deployWatch(runWith({ watch: input.watchId }), input, deps);
    if ('flagsOf' in input) return flagOn(runWith({ incident: input.flagsOf }), input, deps);
    return 'drillId' in input
      ? drill(runWith({ drill: input.drillId }), input, deps)
      : incidentResponse(runWith({ incident: input.incidentId }), input, deps, incidentActions(deps));
  };
