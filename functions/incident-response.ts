import { type DurableContext, withDurableExecution } from '@aws/durable-execution-sdk-js';
import { z } from 'zod';
import { deps } from '../aws/deps.ts';
import { IncidentId } from '../schemas/names.ts';
import { incidentResponse } from '../workflows/incident-response.ts';
import { durableRun } from '../workflows/run.ts';

const Input = z.object({ incidentId: IncidentId, run: z.number().int().min(1) });

/** The durable function. Its input is ids alone; everything else is read where it is needed. */
export const handler = withDurableExecution(async (event: unknown, context: DurableContext) => {
  const input = Input.parse(event);
  const { log } = deps();
  return incidentResponse(durableRun(context, log.with({ incident: input.incidentId, run: input.run })), input, deps());
});
