import * as z from 'zod';
import { Timestamp } from '../time/time.ts';

/** The machine and the process of a local installation, which `firebreak doctor --production` checks. */
export const Machine = z.object({
  at: Timestamp,
  host: z.string(),
  port: z.number(),
  sandbox: z.boolean(),
  time_scale: z.number(),
  log_level: z.string(),
  admin_token: z.enum(['set', 'generated']),
  /** Names of tokens that are too short. */
  weak_tokens: z.array(z.string()),
  /** User of the process; null if the system has no user ids. */
  user_id: z.number().nullable(),
  node_version: z.string(),
  expected_node_version: z.string(),
  clock: z.enum(['synchronized', 'not_synchronized', 'unknown']),
  data: z.object({
    path: z.string(),
    /** `700`. */
    mode: z.string(),
    owner_id: z.number(),
    /** Files in it that other users can read or write. */
    open_files: z.array(z.string()),
    in_memory: z.boolean(),
    on_network: z.boolean(),
    in_program: z.boolean(),
    free_bytes: z.number(),
    total_bytes: z.number(),
  }),
  /** Point in time of the last backup's data. */
  last_backup_at: Timestamp.nullable(),
});
export type Machine = z.infer<typeof Machine>;
