import * as z from 'zod';

/** In a data folder that was restored, until its first start. */
export const RESTORED = 'restored.json';

export const Restored = z.object({
  /** The moment that the backup shows. */
  backup_of: z.iso.datetime(),
  restored_at: z.iso.datetime(),
  /** Whether automation is paused at the first start. */
  pause: z.boolean(),
});
export type Restored = z.infer<typeof Restored>;
