import type { Attempt } from '../../../core/domain/ports/common.ts';
import type { Deps } from '../../../core/domain/ports/deps.ts';
import type { Secrets } from '../../../core/domain/ports/system.ts';
import type { Pager } from '../../../core/domain/ports/paging.ts';
import { SecretsUnreadable } from '../../../platforms/secrets.ts';
import { externalPagerDuty } from '../../../vendors/pagerduty/external-incidents.ts';
import { pagerDutyOnCall } from '../../../vendors/pagerduty/on-call.ts';
import type { RestOptions } from '../../../vendors/pagerduty/rest.ts';
import { webhookPager } from '../../../vendors/webhook/fallback-pager.ts';
import { PagerIncidentTable } from '../../../core/stores/messages/pager-incidents.ts';
import { addressOf, type Shared, standInAt } from './shared.ts';

/** Creates the pagers, and the lookup of who is on call. */
export function pagingDeps({ system, table, counted }: Shared) {
  const { clock, config, secrets, standIns } = system;
  const eventsUrl = addressOf({ secrets }, 'PAGERDUTY_EVENTS_URL');
  const rest = pagerDutyRest({ secrets, clock });
  return {
    pager: counted<Pager>('pagerduty', {
      send: (request) =>
        unlessUnreadable(async () => {
          const { pagerDuty } = await import('../../../vendors/pagerduty/pager.ts'); // loads PagerDuty's client
          const routingKey = () => secrets.get('PAGERDUTY_ROUTING_KEY');
          return pagerDuty({ eventsUrl: await eventsUrl(), routingKey, clock }).send(request);
        }),
      ...standInAt(standIns, eventsUrl),
    }),
    fallbackPager: counted<Pager>('fallback-pager', {
      send: (request) => unlessUnreadable(() => webhookPager({ config, secrets, clock }).send(request)),
    }),
    externalPager: counted('pagerduty', externalPagerDuty(rest)),
    pagerIncidents: new PagerIncidentTable(table, clock),
    onCall: counted('pagerduty', pagerDutyOnCall({ config, clock, rest })),
  };
}

/** Makes an unreadable secret a retryable failure, so that a page is retried and also takes the fallback pager. */
async function unlessUnreadable(send: () => Promise<Attempt>): Promise<Attempt> {
  try {
    return await send();
  } catch (error) {
    if (error instanceof SecretsUnreadable) return { kind: 'later', detail: error.message, afterSeconds: null };
    throw error;
  }
}

/** The access to PagerDuty's REST API. */
const pagerDutyRest = ({ secrets, clock }: Pick<Deps, 'clock'> & { secrets: Secrets }): RestOptions => ({
  apiUrl: addressOf({ secrets }, 'PAGERDUTY_API_URL'),
  token: () => secrets.get('PAGERDUTY_API_TOKEN'),
  from: () => secrets.get('PAGERDUTY_FROM'),
  clock,
});
