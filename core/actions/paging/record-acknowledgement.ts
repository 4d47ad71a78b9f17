import { withAcknowledgement, isAcknowledged } from '../../domain/paging/acknowledgement.ts';
import { pageKey } from '../../domain/paging/pages.ts';
import type { ExternalIncident } from '../../domain/ports/external-pager.ts';
import type { Agent } from '../../domain/paging/pagerduty/users.ts';
import type { PageReference } from '../../domain/paging/pagerduty/page-reference.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { resolvePagerUser } from './pager-user.ts';
import { entryTime, actionTimeText, withUnidentified } from './timeline-entry.ts';

type PagerAcknowledgement = {
  /** Idempotency key of the change. */
  key: string;
  /** The number of the page. */
  page: number;
  /** The person who acknowledged it. Null if unknown. */
  agent: Agent | null;
  /** The actor on the timeline. */
  actor: string;
  text: string;
  /** When the page was acknowledged at the pager. */
  at: Timestamp;
};

/** The name of an unknown person who acknowledged a page. */
const UNKNOWN_PERSON = 'pagerduty:unknown';

/**
 * Records that a person acknowledged a page at the pager. All pages sent by then count as acknowledged. The first
 * acknowledgement stays in effect until the pager notifies again. Each acknowledgement is on the timeline.
 *
 * @returns whether the incident's newest page is now acknowledged
 */
export async function recordPagerAcknowledgement(
  deps: Pick<Deps, 'incidents' | 'effects' | 'clock'>,
  id: IncidentId,
  { key, page, agent, actor, text, at }: PagerAcknowledgement,
): Promise<boolean> {
  const by = agent?.name ?? UNKNOWN_PERSON;
  const upTo = await newestPageSentBy(deps, { incidentId: id, number: page }, at);
  await deps.incidents.amend(
    id,
    (incident) => ({
      ...withUnidentified(agent, incident, withAcknowledgement(incident, { by, at, page: upTo, atPager: page })),
      timeline: { actor, kind: 'page.acknowledged', text, detail: { page }, at: entryTime(at, deps.clock.now()) },
    }),
    key,
  );
  const current = await deps.incidents.read(id);
  return current === undefined || isAcknowledged(current);
}

/** Rounding error of the pager's times, in seconds: they have no fractions. */
const ROUNDING_SECONDS = 1;

/**
 * Returns the newest page that was sent when this one was acknowledged. The acknowledgement covers all pages up to it.
 */
export async function newestPageSentBy(
  { incidents, effects }: Pick<Deps, 'incidents' | 'effects'>,
  { incidentId: id, number }: PageReference,
  at: Timestamp,
): Promise<number> {
  const { pages = number } = (await incidents.read(id)) ?? {};
  for (let later = pages; later > number; later -= 1) {
    const sentAt = (await effects.get(id, pageKey(id, later)))?.at;
    if (sentAt !== undefined && sentAt <= plusSeconds(at, ROUNDING_SECONDS)) return later;
  }
  return number;
}

/** Makes the person who acknowledged first the incident commander, if there is none. */
export async function takeCommand(
  { incidents, clock }: Pick<Deps, 'incidents' | 'clock'>,
  id: IncidentId,
  { agent, key, at }: { agent: Agent; key: string; at: Timestamp },
): Promise<void> {
  const { name, shown, slack } = agent;
  await incidents.amend(
    id,
    (incident) =>
      incident.roles?.commander === undefined
        ? {
            ...withUnidentified(agent, incident),
            roles: { commander: { name, shown, slack, at } },
            timeline: {
              actor: name,
              kind: 'role.taken',
              text: `${shown} is the incident commander, because they acknowledged the page at PagerDuty`,
              detail: { role: 'commander' },
              at: entryTime(at, clock.now()),
            },
          }
        : undefined,
    key,
  );
}

/**
 * Records an acknowledgement that was found at the pager, in the same way as one from a webhook.
 *
 * @param key idempotency key of the change
 * @returns whether the incident's newest page is now acknowledged
 */
export async function recordPolledAcknowledgement(
  deps: Pick<Deps, 'incidents' | 'effects' | 'clock' | 'config' | 'onCall'>,
  { incidentId: id, number: page }: PageReference,
  { acknowledged, acknowledgedBy }: Pick<ExternalIncident, 'acknowledged' | 'acknowledgedBy'>,
  key: string,
): Promise<boolean> {
  const now = deps.clock.now();
  const at = acknowledged === null || acknowledged.at > now ? now : acknowledged.at;
  const agent = acknowledged?.by == null ? null : await resolvePagerUser(deps, acknowledged.by);
  const names = agent?.shown ?? acknowledgedBy.join(', ');
  const text = `Acknowledged at PagerDuty${names === '' ? '' : ` by ${names}`}${actionTimeText(at, now)}`;
  const actor = agent?.name ?? 'pagerduty';
  const isAcknowledgedNow = await recordPagerAcknowledgement(deps, id, { key, page, agent, actor, text, at });
  if (agent !== null) await takeCommand(deps, id, { agent, key: `${key}-command`, at });
  return isAcknowledgedNow;
}
