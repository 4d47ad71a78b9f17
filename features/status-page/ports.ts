import { publicUrl } from '../../core/domain/catalogue/vendors.ts';
import { loadedOnUse } from '../../core/domain/ports/loaded-on-use.ts';
import type { PublicFiles } from '../../platforms/blobs.ts';
import { type FeatureDeps, type FeatureParts, portsAdder } from '../manifest.ts';
import { publicIncidentIds, subscriberKeys } from './stores/ids.ts';
import type {
  Deliveries,
  PublicIncidents,
  PublicIncidentStore,
  StatusPage,
  Subscribers,
  SubscriberStore,
  SubscriberWebhooks,
} from './types.ts';

/** What status pages need beyond the core. */
export type StatusPagePorts = {
  publicIncidents: PublicIncidents;
  subscribers: Subscribers;
  deliveries: Deliveries;
  subscriberWebhooks: SubscriberWebhooks;
  /** Where a static host finds the public pages. */
  snapshots: PublicFiles;
  /** The page at Atlassian Statuspage. */
  statusPage: StatusPage;
};

export type Deps = FeatureDeps & StatusPagePorts;

/** Creates the stores of status pages, and the clients of what only they use. Their code is loaded with their first use. */
export function statusPagePorts({ system, table, publicFiles, counted }: FeatureParts): StatusPagePorts {
  const { clock, secrets } = system;
  return {
    publicIncidents: loadedOnUse<PublicIncidentStore, typeof publicIncidentIds>(
      async () => new (await import('./stores/public-incidents.ts')).PublicIncidentTable(table, clock),
      publicIncidentIds,
    ),
    subscribers: loadedOnUse<SubscriberStore, typeof subscriberKeys>(
      async () => new (await import('./stores/subscribers.ts')).SubscriberTable(table, clock),
      subscriberKeys,
    ),
    deliveries: loadedOnUse<Deliveries>(async () => new (await import('./stores/deliveries.ts')).DeliveryTable(table)),
    subscriberWebhooks: loadedOnUse<SubscriberWebhooks>(async () =>
      (await import('./vendors/subscriber-webhooks.ts')).subscriberWebhooks({ clock }),
    ),
    snapshots: publicFiles,
    statusPage: counted(
      'statuspage',
      loadedOnUse<StatusPage>(async () =>
        (await import('./vendors/statuspage/status-page.ts')).statuspage({
          apiUrl: async () => (await secrets.get('STATUSPAGE_API_URL')) || publicUrl('STATUSPAGE_API_URL'),
          apiKey: () => secrets.get('STATUSPAGE_API_KEY'),
          pageId: () => secrets.get('STATUSPAGE_PAGE_ID'),
          clock,
        }),
      ),
    ),
  };
}

/** Returns the dependencies with those of status pages. */
export const withPorts = portsAdder<StatusPagePorts>('status-page');
