import { deps } from './assembly/aws.ts';
import { sweepJob } from './assembly/jobs.ts';

let job: ReturnType<typeof sweepJob> | undefined;

/** Runs all periodic jobs, each minute. */
export const handler = (): ReturnType<NonNullable<typeof job>> => (job ??= sweepJob(deps()))();
