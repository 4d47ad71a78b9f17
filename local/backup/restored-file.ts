import * as z from 'zod';

/** Exists in a restored data folder until its first start. */
export const RESTORED = 'restored.json';

export const Restored = z.object({
  /** The point in time of the backup's data. */
  backup_of: z.iso.datetime(),
  restored_at: z.iso.datetime(),
  /** Whether automation is paused at the first start. */
  pause: z.boolean(),
});
export type Restored = z.infer<typeof Restored>;
