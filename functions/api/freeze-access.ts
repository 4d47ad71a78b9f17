import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { Scope } from '../../domain/access.ts';
import type { Deps } from '../../domain/ports.ts';
import type { Freeze } from '../../schemas/freeze.ts';
import { freezeOnRecord } from '../freeze/on-record.ts';
import type { Env } from './context.ts';
import { Refusal } from './problem.ts';

/** Null is all of them: what holds for everybody is for those who answer for everybody. */
export const scopeOf = ({ service, environment }: Pick<Freeze, 'service' | 'environment'>): Scope => ({
  service,
  environment,
});

/** Whoever may read anything of a scope may read what holds for more than that. */
export const mayRead = (
  { may }: { may: (scope: Scope) => boolean },
  { service, environment }: Pick<Freeze, 'service' | 'environment'>,
): boolean => may({ ...(service !== null && { service }), ...(environment !== null && { environment }) });

/** @throws Refusal 404 */
export async function found(deps: Deps, id: string): Promise<Freeze> {
  const freeze = await freezeOnRecord(deps, id);
  if (freeze === undefined) throw unknownFreeze(id);
  return freeze;
}

export const unknownFreeze = (id: string): Refusal => new Refusal(404, 'unknown-freeze', `there is no freeze ${id}`);

const Reason = z.string().trim().min(1).max(2000);
const Ending = z.strictObject({ reason: Reason.nullish() });

/** Why something is ended: in the body, or, for callers that can't send one, in the address. */
export const endingQuery = z.object({ reason: Reason.optional() });
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
