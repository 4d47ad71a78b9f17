import * as z from 'zod';

/** The kind of change that is about to be made. */
export const CheckedChange = z.enum(['deploy', 'hotfix', 'rollback', 'security', 'flag']);
export type CheckedChange = z.infer<typeof CheckedChange>;
