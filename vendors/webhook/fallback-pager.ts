import type { ConfigSource } from '../../core/domain/ports/config.ts';
import type { Pager } from '../../core/domain/ports/paging.ts';
import type { Clock, Secrets } from '../../core/domain/ports/system.ts';
import { outgoing } from '../../core/domain/redaction/outgoing.ts';
import { signingSecretFault } from '../../schemas/config/signing-secret.ts';
import { millisOf } from '../../schemas/time/time.ts';
import { call, orLater } from '../shared/http.ts';
import { signedHeaders } from './standard-webhooks.ts';

const ATTEMPT_TIMEOUT_MS = 10_000;

/** Creates the fallback pager: a signed webhook of the team, called if the pager doesn't accept a page. */
export const webhookPager = (options: { config: ConfigSource; secrets: Secrets; clock: Clock }): Pager => ({
  async send(request) {
    const { fallback } = (await options.config.current()).paging;
    if (fallback === undefined) return { kind: 'off', detail: 'no fallback: paging.yaml has no "fallback"' };
    const secret = await options.secrets.get(fallback.signature);
    if (!secret) return { kind: 'refused', detail: `the secret ${fallback.signature} is not set` };
    const fault = signingSecretFault(secret);
    if (fault !== null) return { kind: 'refused', detail: `the secret ${fallback.signature} ${fault}` };
    const { key, at, ...page } = outgoing(request);
    const body = JSON.stringify({ type: `page.${request.action}`, timestamp: at, data: { dedup_key: key, ...page } });
    const response = await orLater(
      call(fallback.url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...signedHeaders(secret, key, millisOf(options.clock.now()), body),
        },
        body,
        timeoutMs: ATTEMPT_TIMEOUT_MS,
      }),
    );
    if ('kind' in response) return response;
    const { status } = response;
    const detail = `the fallback answered ${status}`;
    if (status >= 200 && status < 300) return { kind: 'taken', detail };
    return status === 429 || status >= 500
      ? { kind: 'later', detail, afterSeconds: null }
      : { kind: 'refused', detail };
  },
});
