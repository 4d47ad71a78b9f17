import type { ConfigSource } from '../../../core/domain/ports/config.ts';
import type { Projector } from '../../../core/projectors/sync.ts';
import * as z from 'zod';
import { postmortemPath } from '../../../core/domain/incidents/console-link.ts';
import { idOf } from '../../../core/domain/incidents/projections.ts';
import { isSubscribed, type WebhookPostmortem } from '../../../core/domain/messages/webhooks.ts';
import type { Postmortems } from '../types.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { partsOf } from '../decisions/markdown.ts';
import { SEV } from '../schemas/postmortem.ts';
import type { StoredPostmortem } from '../types.ts';
import { IncidentId } from '../../../schemas/config/names.ts';
import type { Subject } from '../../../schemas/incidents/projection.ts';
import type { Webhook } from '../../../schemas/incidents/response.ts';
import { secondsBetween } from '../../../schemas/time/time.ts';
import type { SyncSession } from '../../../core/projectors/session.ts';
import { type IncidentDeps, inOrder, methodOf } from '../../../vendors/webhook/projector/incident.ts';

/** The last revision that each receiver has accepted. */
const PostmortemsState = z.object({ receivers: z.record(z.string(), z.number()).default({}) });

export type PostmortemDeps = Pick<IncidentDeps, 'receivers' | 'projections' | 'incidents' | 'publicUrl'> & {
  postmortems: Pick<Postmortems, 'read'>;
};

/** How long a version is sent. A receiver that is added later gets the next version. */
const SENT_FOR_SECONDS = 7 * 86_400;

/** Returns the projector that sends published post-mortems to webhook receivers. */
export const webhookProjector =
  (deps: PostmortemDeps & { config: ConfigSource }): Projector =>
  async (subject, session) =>
    sendPostmortem(deps, (await deps.config.current()).response.webhooks, subject, session);

/**
 * Sends the current version of a published post-mortem to all receivers that select it. The text isn't stored in the state:
 * a version never changes, so each attempt writes the same message. A version that is no longer current or no longer
 * published is not sent.
 */
async function sendPostmortem(
  { receivers, projections, incidents, publicUrl, postmortems }: PostmortemDeps,
  webhooks: readonly Webhook[],
  subject: Subject,
  session: SyncSession,
): Promise<void> {
  const selected = webhooks.filter(({ events }) => events.includes('postmortem.published'));
  if (selected.length === 0) return;
  const id = IncidentId.parse(idOf(subject));
  const [stored, incident] = [await postmortems.read(id), await incidents.read(id)];
  if (stored?.record.state !== 'published' || incident === undefined) return;
  const { revision, updated_at } = stored.record;
  if (secondsBetween(updated_at, session.now()) > SENT_FOR_SECONDS) return;
  const url = publicUrl === undefined ? null : `${publicUrl}${postmortemPath(incident)}`;
  const payload = webhookPostmortem(stored, incident, url);
  const accepted = PostmortemsState.parse((await projections.read('webhooks', subject)) ?? {}).receivers;
  const writeStates = inOrder(() => projections.write('webhooks', subject, { receivers: accepted }));
  const sendTo = async (webhook: Webhook): Promise<void> => {
    const name = receivers.nameOf(webhook);
    if ((accepted[name] ?? 0) >= revision || !isSubscribed(webhook, stored.record)) return;
    const message = receivers.writePostmortem(webhook, `${id}-${name}-postmortem-${revision}`, payload);
    const response = await session.attempt(methodOf(name), () => receivers.send(webhook, message));
    if (response?.kind === 'done') {
      await session.checkLease();
      accepted[name] = revision;
      await writeStates();
    }
    if (response?.kind !== 'refused') return;
    session.log.warn('a webhook receiver refused a post-mortem', { incident: id, revision, detail: response.detail });
    session.scheduleRetryAfterRefusal(updated_at);
  };
  const failed = (await Promise.allSettled(selected.map(sendTo))).find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

function webhookPostmortem(
  { record, markdown }: StoredPostmortem,
  { unmatched }: Pick<IncidentRecord, 'unmatched'>,
  url: string | null,
): WebhookPostmortem {
  const { incident_id, revision, service, environment, severity, published_at, updated_at } = record;
  return {
    incident_id,
    revision,
    service: unmatched || service,
    environment,
    severity: SEV[severity],
    title: partsOf(markdown).title,
    published_at,
    updated_at,
    url,
    markdown,
  };
}
