import { idOf } from '../../../../core/domain/incidents/projections.ts';
import { type PageSettings, pagesOf } from '../../decisions/pages.ts';
import { addresses } from '../../decisions/subscriptions/messages.ts';
import { type EventView, incidentView, maintenanceView } from '../../decisions/view.ts';
import type { Config } from '../../../../schemas/config/config.ts';
import type { Subject } from '../../../../schemas/incidents/projection.ts';
import type { Projector } from '../../../../core/projectors/sync.ts';
import { announce } from './announce.ts';
import { answerRequest } from './answer.ts';
import type { SubscriberDeps, SubscriberSync } from './sync.ts';

/**
 * Returns the projector for subscribers of the status pages: it sends each update of an incident or a maintenance to
 * those who are subscribed, and answers requests to subscribe.
 */
export const subscribersProjector =
  (deps: SubscriberDeps): Projector =>
  async (subject, session) => {
    // Without the public URL, subscriptions are off, because messages contain links.
    if (deps.publicUrl === undefined) return;
    const sync: SubscriberSync = { deps, session, addresses: addresses(deps.publicUrl, deps.subscribers) };
    const config = await deps.config.current();
    const pages = [...pagesOf(config).values()].filter(({ subscriptions }) => subscriptions.length > 0);
    if (subject.startsWith('subscription:')) return answerRequest(sync, pages, idOf(subject));
    for (const page of pages) {
      const event = await eventOf(subject, page, config, sync);
      if (event !== undefined) await announce(sync, page, event);
    }
  };

/** Returns an incident or a maintenance as readers of a page see it. Undefined: the page does not show it. */
async function eventOf(
  subject: Subject,
  page: PageSettings,
  { statusPage }: Config,
  { deps, session }: SubscriberSync,
): Promise<EventView | undefined> {
  const id = idOf(subject);
  if (subject.startsWith('maintenance:')) {
    const planned = statusPage.maintenance.find((maintenance) => maintenance.id === id);
    const view = planned && maintenanceView(planned, statusPage, page, session.now());
    // From now on, the mark of this session stands for these updates, so that the sweeper marks the next one only.
    if (view !== undefined) await deps.projections.write('subscribers', subject, { updates: view.updates.length });
    return view;
  }
  const record = await deps.publicIncidents.read(id);
  return record && incidentView(record, page);
}
