import { deps } from './assembly/aws.ts';
import { featureJob } from './assembly/features.ts';

let job: ReturnType<typeof featureJob> | undefined;

/** Evaluates what freezes deploys, each minute. */
export const handler = (): Promise<unknown> => (job ??= featureJob('evaluate', deps()))();
