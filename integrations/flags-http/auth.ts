import type { Clock, Secrets } from '../../domain/ports.ts';
import type { FlagsConfig } from '../../schemas/deployers.ts';
import { millisOf } from '../../schemas/time.ts';
import { signedHeaders } from '../webhook/standard-webhooks.ts';

/** A flag service that speaks the contract of `docs/flags.md`. */
export type HttpFlags = Extract<FlagsConfig, { kind: 'http' }>;

/** One call, as it is to be signed. `id` is the same for each try of it. */
type Call = { id: string; body: string };

/** What shows who we are. `refused`: the secret is not set, and without it the service must not be called. */
export async function authHeaders(
  auth: HttpFlags['auth'],
  { secrets, clock }: { secrets: Secrets; clock: Clock },
  { id, body }: Call,
): Promise<{ headers: Record<string, string> } | { refused: string }> {
  if (auth === undefined) return { headers: {} };
  const name = 'bearer' in auth ? auth.bearer : auth.webhookSignature;
  const secret = await secrets.get(name);
  if (!secret) return { refused: `the flag service's secret ${name} is not set, so it was not called` };
  if ('bearer' in auth) return { headers: { authorization: `Bearer ${secret}` } };
  return { headers: signedHeaders(secret, id, millisOf(clock.now()), body) };
}
