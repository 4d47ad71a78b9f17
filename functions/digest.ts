import { deps } from './assembly/aws.ts';
import { digestJob } from './assembly/jobs.ts';

let job: ReturnType<typeof digestJob> | undefined;

/** Sends the status updates and the shadow reports that are due. */
export const handler = (): ReturnType<NonNullable<typeof job>> => (job ??= digestJob(deps()))();
