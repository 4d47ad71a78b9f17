import type { Context } from 'hono';
import { signingSecret } from '../../../vendors/connections/signing-secrets.ts';
import type { WebhookSignature } from '../../../vendors/shared/webhook-signature.ts';
import { readUnverifiedBody } from '../middleware/body.ts';
import { Refusal } from '../../../core/domain/refusal.ts';
import { QuarantineFull } from '../../../core/domain/alerts/quarantine.ts';
import type { Deps } from '../../../core/domain/ports/deps.ts';
import type { Secrets } from '../../../core/domain/ports/system.ts';
import type { Quarantine } from '../../../core/domain/ports/alerts.ts';
import type { Env } from '../context.ts';

/**
 * Returns the body after checking the signature of its sender.
 *
 * @throws Refusal 401 if the signature is missing or invalid, or no usable secret is set
 */
export async function signedBody(
  c: Context<Env>,
  { secrets, clock }: Pick<Deps, 'clock'> & { secrets: Secrets },
  { secret: name, headers, hasForm, isValid }: WebhookSignature,
  maxBytes: number,
): Promise<Uint8Array> {
  const secret = await signingSecret(secrets, name);
  const header = (one: string) => c.req.header(one);
  if (secret && hasForm(header, secret, clock.now())) {
    const body = await readUnverifiedBody(c, maxBytes); // the signature covers the bytes
    if (isValid(body, header, secret, clock.now())) return body;
  }
  throw new Refusal(
    401,
    'unauthorized',
    `${headers} is missing or invalid, or ${name} is not set in Firebreak or cannot be used, such as because it is too short: firebreak doctor says so`,
  );
}

/** A body that cannot be read. `status` 400: it is not JSON, 422: its format is unknown. */
export type UnreadableBody = {
  source: string;
  /** Name of the sender, whose quota applies. */
  sender: string;
  /** Path of the receiver. */
  receiver: string;
  body: Uint8Array;
  status: 400 | 422;
  detail: string;
};

/** Stores a body that cannot be read in quarantine, and returns the response to its sender. */
export async function refuseUnreadable(
  c: Context<Env>,
  { quarantine }: { quarantine: Quarantine },
  unreadable: UnreadableBody,
): Promise<Refusal> {
  const { source, status, detail } = unreadable;
  c.set('source', unreadable.sender);
  const contentType = c.req.header('content-type') ?? '';
  const id = await quarantine.keep({ ...unreadable, contentType }).catch((error: unknown) => {
    if (error instanceof QuarantineFull) return null;
    throw error;
  });
  c.var.log.warn('a report of changes could not be parsed', { source, detail, quarantine: id });
  const fate = id === null ? 'not kept, because the quarantine is full for today' : `kept in quarantine as ${id}`;
  return new Refusal(status, status === 400 ? 'not-json' : 'invalid', `${detail} (${fate})`);
}
