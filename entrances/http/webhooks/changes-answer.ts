import * as z from 'zod';
import type { WebhookResult } from '../../../core/actions/changes/report-read-changes.ts';

/** The response to a webhook that reports changes. */
export const ChangesAnswer = z.object({
  changes: z.array(z.string()).optional().meta({ description: 'IDs of the changes that were recorded or updated' }),
  waiting: z.number().int().optional().meta({
    description: 'Reports that are stored until another event of the same rollout has its start or its version',
  }),
  unmapped: z.array(z.string()).optional().meta({
    description: 'Why no service was found for a report; it is kept until the configuration names one',
  }),
  ignored: z.string().optional().meta({ description: 'Why the event is no change' }),
});

/** Returns the response for the result of a webhook. */
export function changesAnswer(result: Exclude<WebhookResult, { kind: 'unreadable' }>): z.infer<typeof ChangesAnswer> {
  if (result.kind === 'ignored') return { ignored: result.why };
  const { changes, waiting, unmapped } = result;
  return { changes, ...(waiting > 0 && { waiting }), ...(unmapped.length > 0 && { unmapped }) };
}
