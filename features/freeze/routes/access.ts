import * as z from 'zod';
import type { Context } from 'hono';
import { RequiredReason } from '../schemas/freeze.ts';
import type { Env } from '../../../entrances/http/context.ts';
import { Refusal } from '../../../core/domain/refusal.ts';
import { inputProblemText } from '../../../schemas/parsing/input-problems.ts';

/** The body of a request that ends a freeze or an override. */
const Ending = z.strictObject({ reason: RequiredReason.nullish() });

/** The reason for ending something: in the body, or in the query string for callers that can't send a body. */
export const endingQuery = z.object({ reason: RequiredReason.optional() });
export const endingBody = {
  requestBody: { content: { 'application/json': { schema: z.toJSONSchema(Ending, { io: 'input' }) as object } } },
};

/**
 * Returns the given reason. Ignores the content type, so that a given reason is never lost.
 *
 * @throws Refusal 422 if the body has another format
 */
export async function endingReason(c: Context<Env>, query: z.infer<typeof endingQuery>): Promise<string | undefined> {
  const text = await c.req.text();
  const parsed = Ending.safeParse(text === '' ? {} : JSON.parse(text)); // valid JSON, as the middleware iJson has checked
  if (!parsed.success) throw new Refusal(422, 'invalid', `json: ${inputProblemText(parsed.error)}`);
  return parsed.data.reason ?? query.reason;
}
