import type { Clock, Secrets } from '../../domain/ports/system.ts';
import type { FlagsConfig } from '../../schemas/config/deployers.ts';
import { millisOf } from '../../schemas/time/time.ts';
import { signedHeaders } from '../webhook/standard-webhooks.ts';

/** The configuration of a flag service that implements the contract in `docs/how-to/flags.md`. */
export type HttpFlags = Extract<FlagsConfig, { kind: 'http' }>;

/** A call to sign. `id` is the same for each retry. */
type Call = { id: string; body: string };

/** Returns the authentication headers. `refused`: the secret is not set, so the service must not be called. */
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
