import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { Scope } from '../../domain/access.ts';
import { type Freeze, SaidReason } from '../../schemas/freeze.ts';
import type { Env } from './context.ts';
import { Refusal } from './problem.ts';

/** Whoever may read anything of a scope may read what holds for more than that. */
export const mayRead = (
  { may }: { may: (scope: Scope) => boolean },
  { service, environment }: Pick<Freeze, 'service' | 'environment'>,
): boolean => may({ ...(service !== null && { service }), ...(environment !== null && { environment }) });

const Ending = z.strictObject({ reason: SaidReason.nullish() });

/** Why something is ended: in the body, or, for callers that can't send one, in the address. */
export const endingQuery = z.object({ reason: SaidReason.optional() });
export const endingBody = {
  requestBody: { content: { 'application/json': { schema: z.toJSONSchema(Ending, { io: 'input' }) as object } } },
};

/**
 * As it was sent, whatever its content type says: a reason that somebody gave is not left out.
 * @throws Refusal 422 where the body is another
 */
export async function endingReason(c: Context<Env>, query: z.infer<typeof endingQuery>): Promise<string | undefined> {
  const text = await c.req.text();
  const told = Ending.safeParse(text === '' ? {} : JSON.parse(text)); // JSON: the guard has looked
  if (!told.success) throw new Refusal(422, 'invalid', `json: ${z.prettifyError(told.error)}`);
  return told.data.reason ?? query.reason;
}
