import { secretNameIn } from '../../core/domain/runbooks/secret-names.ts';
import type { Clock, Secrets } from '../../core/domain/ports/system.ts';
import { signingSecretFault } from '../../schemas/config/signing-secret.ts';
import type { HttpAuth } from '../../schemas/runbooks/parts/http.ts';
import { millisOf } from '../../schemas/time/time.ts';
import { signedHeaders } from './standard-webhooks.ts';

/**
 * Returns the headers that authenticate a call, or why they cannot be made.
 *
 * @param context `key` and `body` are signed, if the receiver checks signatures
 */
export async function credentialsOf(
  auth: HttpAuth | undefined,
  context: { secrets: Secrets; clock: Clock; key: string; body: string },
): Promise<{ headers: Record<string, string> } | { refused: string }> {
  if (auth === undefined) return { headers: {} };
  const name = secretNameIn(auth);
  // Editors and shells often leave a line break at the end.
  const secret = (await context.secrets.get(name))?.trim();
  if (!secret) return { refused: `the secret ${name} is not set, so it was not called` };
  if ('bearer' in auth) return { headers: { authorization: `Bearer ${secret}` } };
  if ('basic' in auth) {
    const pair = Buffer.from(`${auth.basic.user}:${secret}`).toString('base64');
    return { headers: { authorization: `Basic ${pair}` } };
  }
  if ('header' in auth) return { headers: { [auth.header]: secret } };
  const fault = signingSecretFault(secret);
  if (fault !== null) return { refused: `the secret ${name} ${fault}, so it was not called` };
  return { headers: signedHeaders(secret, context.key, millisOf(context.clock.now()), context.body) };
}
