import { deps } from '../assembly/aws.ts';
import { snapshotJob } from '../assembly/jobs.ts';

let job: ReturnType<typeof snapshotJob> | undefined;

/** Writes the public status pages every 30 seconds for a static host, which serves them even if Firebreak is down. */
export const handler = (): ReturnType<NonNullable<typeof job>> => (job ??= snapshotJob(deps()))();
