import type { Deps } from '../../domain/ports.ts';
import type { Config } from '../../schemas/config.ts';
import { checkMail } from '../../integrations/mail-check.ts';
import { type Connection, credential, inTime, off, type Seen, told, wrong } from './seen.ts';

/** Who is told by a webhook of ours. */
type Receiver = { url: string; signature: string | null };

/** Whether the mail server lets us in. */
export const mail = ({ secrets }: Pick<Deps, 'secrets'>): Promise<Seen> =>
  told(checkMail({ url: () => secrets.get('SMTP_URL'), from: () => secrets.get('MAIL_FROM') }), () => ({
    state: 'connected',
    detail: 'it lets us in; nothing was sent',
  }));

/** Each receiver once, by the host alone: the rest of an address may be a secret. None is called. */
export async function webhooks(deps: Pick<Deps, 'secrets' | 'config'>): Promise<Connection[]> {
  const config = await deps.config.current();
  const all = receiversOf(config);
  const none = all.length === 0 ? [{ name: 'webhooks', ...off('no file of the configuration names a receiver') }] : [];
  const seen = await Promise.all(
    all.map(async (one) => inTime(`webhook ${URL.parse(one.url)?.host ?? ''}`, signed(deps, one))),
  );
  return [...none, ...seen, ...secondRoute(config)];
}

/** Said where it is missed alone: there need be none. */
const secondRoute = ({ paging, response }: Config): Connection[] =>
  response.escalation?.how === 'fallback' && paging.fallback === undefined
    ? [
        {
          name: 'second route',
          ...wrong(
            '"escalation" of response.yaml is to call somebody by it, and paging.yaml has no "fallback": it is paged ' +
              'again instead. Name one there, or set "how: page-again"',
          ),
        },
      ]
    : [];

function receiversOf({ paging, response, routes }: Config): Receiver[] {
  const tickets = routes.routes.flatMap(({ ticket }) =>
    ticket.flatMap((one) => ('webhook' in one ? [one.webhook] : [])),
  );
  const written = [...(paging.fallback === undefined ? [] : [paging.fallback]), ...response.webhooks, ...tickets];
  const all = written.map(({ url, signature }): Receiver => ({ url, signature: signature ?? null }));
  return [...new Map(all.map((one) => [`${one.url} ${one.signature}`, one])).values()];
}

async function signed(deps: Pick<Deps, 'secrets'>, { signature }: Receiver): Promise<Seen> {
  if (signature === null) return { state: 'set', detail: 'not signed; not tried, since that would tell it something' };
  const untried = 'not tried, since that would tell it something';
  const seen = await credential(deps, { key: signature, untried });
  return seen.state === 'off'
    ? {
        state: 'wrong',
        detail: `${signature}, which signs what it is told, is not set: it is told nothing. Set it, or correct "signature"`,
      }
    : seen;
}
