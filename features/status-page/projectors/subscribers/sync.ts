import type { Projections } from '../../../../core/domain/incidents/projections.ts';
import type { Mail } from '../../../../core/domain/ports/mail.ts';
import type { ConfigSource } from '../../../../core/domain/ports/config.ts';
import type { PublicIncidents } from '../../types.ts';
import type { Addresses } from '../../decisions/subscriptions/messages.ts';
import type { Deliveries, Subscribers, SubscriberWebhooks } from '../../types.ts';
import type { SyncSession } from '../../../../core/projectors/session.ts';

export type SubscriberDeps = {
  projections: Pick<Projections, 'write'>;
  publicIncidents: Pick<PublicIncidents, 'read'>;
  subscribers: Pick<Subscribers, 'read' | 'of' | 'write' | 'codeOf' | 'secretOf'>;
  deliveries: Deliveries;
  config: ConfigSource;
  emails: Mail;
  subscriberWebhooks: SubscriberWebhooks;
  publicUrl: string | undefined;
  timeScale: number;
};

/** One sync session of the projector, with its dependencies. `addresses`: links in messages. */
export type SubscriberSync = { deps: SubscriberDeps; session: SyncSession; addresses: Addresses };
