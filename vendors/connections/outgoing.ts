import type { Deps } from '../../core/domain/ports/deps.ts';
import type { Secrets } from '../../core/domain/ports/system.ts';
import type { Config } from '../../schemas/config/config.ts';
import { checkMail } from '../mail/check.ts';
import {
  type Connection,
  credential,
  type CredentialDeps,
  inTime,
  off,
  type CheckResult,
  checked,
  wrong,
} from './check-result.ts';

/** A receiver of our webhooks. */
type Receiver = { url: string; signature: string | null };

/** Checks that the mail server accepts the login. */
export const mail = ({ secrets }: { secrets: Secrets }): Promise<CheckResult> =>
  checked(checkMail({ url: () => secrets.get('SMTP_URL'), from: () => secrets.get('MAIL_FROM') }), () => ({
    state: 'connected',
    detail: 'the login works; no mail was sent',
  }));

/** Returns each receiver once, by host only, because the rest of a URL may be secret. Calls none of them. */
export async function webhooks(deps: Pick<Deps, 'config'> & CredentialDeps): Promise<Connection[]> {
  const config = await deps.config.current();
  const all = receiversOf(config);
  const none = all.length === 0 ? [{ name: 'webhooks', ...off('no receiver is configured') }] : [];
  const checks = await Promise.all(
    all.map(async (one) => inTime(`webhook ${URL.parse(one.url)?.host ?? ''}`, checkSignature(deps, one))),
  );
  return [...none, ...checks, ...fallbackPager(config)];
}

/** Reports a missing fallback pager only if the escalation needs it. The route is optional otherwise. */
const fallbackPager = ({ paging, response }: Config): Connection[] =>
  response.escalation?.how === 'fallback' && paging.fallback === undefined
    ? [
        {
          name: 'fallback pager',
          ...wrong(
            'response.yaml sets "escalation" to "how: fallback", but paging.yaml has no "fallback", so Firebreak pages ' +
              'again instead. Add a "fallback" to paging.yaml, or set "how: page-again"',
          ),
        },
      ]
    : [];

function receiversOf({ paging, response, routes }: Config): Receiver[] {
  const tickets = routes.routes.flatMap(({ ticket }) =>
    ticket.flatMap((one) => ('webhook' in one ? [one.webhook] : [])),
  );
  const configured = [...(paging.fallback === undefined ? [] : [paging.fallback]), ...response.webhooks, ...tickets];
  const all = configured.map(({ url, signature }): Receiver => ({ url, signature: signature ?? null }));
  return [...new Map(all.map((one) => [`${one.url} ${one.signature}`, one])).values()];
}

async function checkSignature(deps: CredentialDeps, { signature }: Receiver): Promise<CheckResult> {
  const notTested = 'not tested, because a test would send a message';
  if (signature === null) return { state: 'set', detail: `not signed; ${notTested}` };
  const checks = await credential(deps, { key: signature, notTested, signs: 'one' });
  return checks.state === 'off'
    ? {
        state: 'wrong',
        detail: `the signing secret ${signature} is not set, so nothing is sent. Set it, or correct "signature"`,
      }
    : checks;
}
