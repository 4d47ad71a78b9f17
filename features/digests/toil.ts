import * as z from 'zod';

/** Tasks that Firebreak does in place of a person. */
export const ToilTask = z.enum(['rollback', 'runbookStep', 'page', 'channel']);
export type ToilTask = z.infer<typeof ToilTask>;

/** Minutes that a person needs for a task. An absent task counts, but saves no minutes. */
export const ToilMinutes = z.strictObject(
  Object.fromEntries(ToilTask.options.map((task) => [task, z.number().min(0).max(1440).optional()])) as Record<
    ToilTask,
    z.ZodOptional<z.ZodNumber>
  >,
);
export type ToilMinutes = z.infer<typeof ToilMinutes>;
