import * as z from 'zod';
import { documents } from '../core/exchanges.ts';
import type { StandInDeps } from '../core/stand-in.ts';

/** Settings of the stand-in. Settings that are not given keep their defaults. */
export const AwsSettings = z.strictObject({
  /** Duration of a rollout or deployment in milliseconds, before division by the time scale. */
  rollout_ms: z.number().min(0).max(3_600_000).default(2000),
  /** Time until all servers of Route 53 have a change, in milliseconds, before division by the time scale. */
  record_sync_ms: z.number().min(0).max(3_600_000).default(2000),
});
export type AwsSettings = z.infer<typeof AwsSettings>;

export const awsSettings = ({ db }: Pick<StandInDeps, 'db'>): AwsSettings =>
  documents<AwsSettings>(db, 'aws settings').get() ?? AwsSettings.parse({});

export const setAwsSettings = ({ db }: StandInDeps, settings: AwsSettings): AwsSettings =>
  documents<AwsSettings>(db, 'aws settings').put(settings);
