import { deps } from '../assembly/aws.ts';
import { evaluateJob } from '../assembly/jobs.ts';

let job: ReturnType<typeof evaluateJob> | undefined;

/** Evaluates all SLOs, each minute. */
export const handler = (): ReturnType<NonNullable<typeof job>> => (job ??= evaluateJob(deps()))();
