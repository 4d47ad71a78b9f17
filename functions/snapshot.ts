import { deps } from './assembly/aws.ts';
import { featureJob } from './assembly/features.ts';

let job: ReturnType<typeof featureJob> | undefined;

/**
 * Writes the public status pages for a static host, which serves them even if Firebreak is down: every 30 seconds, or
 * only when they change, as the event of the schedule says.
 */
export const handler = (event: unknown): Promise<unknown> => (job ??= featureJob('snapshot', deps()))(event);
