import type { Context } from 'hono';
import * as z from 'zod';
import { reportRead } from '../../actions/changes/receive-webhook.ts';
import { Refusal } from '../../actions/refusal.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { readFluxEvent } from '../../integrations/flux/event.ts';
import type { Env } from '../context.ts';

/** Flux names the type of the event, which is the `action` of the webhook, after its object. */
const Dispatch = z.object({ action: z.string(), client_payload: z.looseObject({ involvedObject: z.unknown() }) });

type Answer = { changes?: string[]; unmapped?: string; ignored?: string };

/**
 * Records the change that Flux reports through GitHub by a provider of type `githubdispatch`. Events that others
 * dispatch are ignored.
 *
 * @see https://fluxcd.io/flux/components/notification/providers/#github-dispatch
 */
export async function reportFluxDispatch(c: Context<Env>, deps: Deps, payload: unknown): Promise<Answer> {
  const dispatch = Dispatch.safeParse(payload).data;
  const involved = dispatch?.client_payload.involvedObject;
  if (dispatch === undefined || involved === undefined) return { ignored: 'repository_dispatch of another sender' };
  const read = readFluxEvent({ payload: dispatch.client_payload });
  const result = await reportRead(deps, read, { allow: () => undefined, trace: c.var.trace });
  if (result.kind === 'unreadable') throw new Refusal(422, 'invalid', `repository_dispatch: ${result.detail}`);
  if (result.kind === 'ignored') return { ignored: `repository_dispatch: ${result.why}` };
  const { changes, unmapped } = result;
  const delivery = c.req.header('x-github-delivery');
  c.var.log.info('Flux reported a change through GitHub', { delivery, changes, unmapped: unmapped.length });
  const [why] = unmapped;
  return { changes, ...(why !== undefined && { unmapped: why }) };
}
