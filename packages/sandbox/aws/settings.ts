import type { DatabaseSync } from 'node:sqlite';
import * as z from 'zod';

export const awsSettingsTable = `
  create table if not exists aws_settings (id integer primary key check (id = 1), settings text not null);
`;

/** Settings of the stand-in. Settings that are not given keep their defaults. */
export const AwsSettings = z.strictObject({
  /** Duration of a rollout or deployment in milliseconds, before division by the time scale. */
  rollout_ms: z.number().min(0).max(3_600_000).default(2000),
  /** Time until all servers of Route 53 have a change, in milliseconds, before division by the time scale. */
  record_sync_ms: z.number().min(0).max(3_600_000).default(2000),
});
export type AwsSettings = z.infer<typeof AwsSettings>;

export function openAwsSettings(db: DatabaseSync) {
  const read = db.prepare('select settings from aws_settings');
  const write = db.prepare(`
    insert into aws_settings (id, settings) values (1, ?1) on conflict do update set settings = ?1`);
  return {
    get: (): AwsSettings =>
      AwsSettings.parse(JSON.parse((read.get() as { settings: string } | undefined)?.settings ?? '{}')),
    set: (settings: AwsSettings): void => void write.run(JSON.stringify(settings)),
  };
}
