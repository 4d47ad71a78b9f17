import type { Clock, Secrets } from '../../core/domain/ports/system.ts';
import { withoutCredentials } from '../../core/domain/redaction/credentials.ts';
import { outgoing } from '../../core/domain/redaction/outgoing.ts';
import { signingSecretFault } from '../../schemas/config/signing-secret.ts';
import type { HttpDeployer } from '../http-cd/schema.ts';
import { millisOf } from '../../schemas/time/time.ts';
import { type HttpResponse, call, type Later, orLater, retryAfterSeconds } from '../shared/http.ts';
import { truncate } from '../shared/text.ts';
import { signedHeaders } from './standard-webhooks.ts';

export type Refused = { kind: 'refused'; detail: string };

/** A system that implements a contract of Firebreak, in contrast to a vendor with its own API. */
export type Endpoint = {
  /** The system in messages. */
  name: string;
  auth: HttpDeployer['auth'];
  secrets: Secrets;
  clock: Clock;
};

type Request = {
  url: string;
  method: 'GET' | 'POST' | 'PUT';
  headers?: Record<string, string>;
  /** Sent as JSON, without credentials. */
  body?: object;
  /** Sent in place of `body`, as lines of JSON. */
  lines?: readonly object[];
  /** Signed with the body. The same for each retry. */
  id: string;
  timeoutMs: number;
};

/** Sends one request. Doesn't call the system if its secret is not set. */
export async function callEndpoint(
  { name, auth, secrets, clock }: Endpoint,
  { url, id, headers, body: content, lines, ...request }: Request,
): Promise<HttpResponse | Refused | Later> {
  // Lines stay as they are: programs store them as a record.
  const body =
    lines === undefined
      ? content && JSON.stringify(outgoing(content))
      : lines.map((one) => JSON.stringify(withoutCredentials(one))).join('\n');
  const secretName = auth && ('bearer' in auth ? auth.bearer : auth.webhookSignature);
  const secret = secretName === undefined ? undefined : await secrets.get(secretName);
  if (secretName !== undefined && !secret)
    return { kind: 'refused', detail: `${name}'s secret ${secretName} is not set, so it was not called` };
  const fault = auth !== undefined && 'webhookSignature' in auth && secret ? signingSecretFault(secret) : null;
  if (fault !== null)
    return { kind: 'refused', detail: `${name}'s secret ${secretName} ${fault}, so it was not called` };
  const credentials =
    auth === undefined || secret === undefined
      ? {}
      : 'bearer' in auth
        ? { authorization: `Bearer ${secret}` }
        : signedHeaders(secret, id, millisOf(clock.now()), body ?? '');
  return orLater(
    call(url, {
      ...request,
      headers: {
        accept: 'application/json',
        ...(body !== undefined && {
          'content-type': lines === undefined ? 'application/json' : 'application/x-ndjson',
        }),
        ...headers,
        ...credentials,
      },
      ...(body !== undefined && { body }),
    }),
  );
}

export const isSuccess = ({ status }: HttpResponse): boolean => status >= 200 && status < 300;

/** Returns the status and the body of a response, for messages. */
export const responseText = (name: string, { status, text }: HttpResponse): string =>
  `${name} answered ${status}${text.trim() === '' ? '' : `: ${truncate(text.trim(), 300)}`}`;

/** Converts a response other than 2xx and 409. */
export const resultOfFailure = (response: HttpResponse, detail: string, clock: Clock): Refused | Later =>
  response.status === 408 || response.status === 429 || response.status >= 500
    ? { kind: 'later', detail, afterSeconds: retryAfterSeconds(response.headers, millisOf(clock.now())) }
    : { kind: 'refused', detail };
