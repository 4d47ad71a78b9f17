import { heard, isHeard } from '../../domain/heard.ts';
import { pageKey } from '../../domain/pages.ts';
import type { ExternalIncident } from '../../domain/outlets.ts';
import type { Agent } from '../../domain/pagerduty/agents.ts';
import type { PageOf } from '../../domain/pagerduty/ours.ts';
import type { Deps } from '../../domain/ports.ts';
import type { IncidentId } from '../../schemas/names.ts';
import { plusSeconds, type Timestamp } from '../../schemas/time.ts';
import { whoIs } from './agent.ts';
import { entryAt, when, withUnsure } from './entry.ts';

type Acknowledged = {
  /** Under which it is done once. */
  key: string;
  /** The number of the page. */
  page: number;
  /** Whoever sees to it now. Null: nobody says who. */
  agent: Agent | null;
  /** Who says so on the timeline. */
  actor: string;
  text: string;
  /** When they have said it there. */
  at: Timestamp;
};

/** Somebody sees to it, and nobody knows who. */
const SOMEBODY = 'pagerduty:somebody';

/**
 * Somebody sees to it, and has said so at the pager, of one page: all that had rung by then are heard by that. Who says it
 * first counts, until it rings again; each is on the timeline.
 *
 * @returns whether its newest page is heard now
 */
export async function acknowledgedThere(
  deps: Pick<Deps, 'incidents' | 'effects' | 'clock'>,
  id: IncidentId,
  { key, page, agent, actor, text, at }: Acknowledged,
): Promise<boolean> {
  const by = agent?.name ?? SOMEBODY;
  const upTo = await rungBy(deps, { incidentId: id, number: page }, at);
  await deps.incidents.amend(
    id,
    (incident) => ({
      ...withUnsure(agent, incident, heard(incident, { by, at, page: upTo, there: page })),
      timeline: { actor, kind: 'page.acknowledged', text, detail: { page }, at: entryAt(at, deps.clock.now()) },
    }),
    key,
  );
  const now = await deps.incidents.read(id);
  return now === undefined || isHeard(now);
}

/** Seconds. The pager tells its times without fractions. */
const FRACTION = 1;

/** The newest page that rang when somebody has acknowledged this one: they know of all of them. */
export async function rungBy(
  { incidents, effects }: Pick<Deps, 'incidents' | 'effects'>,
  { incidentId: id, number }: PageOf,
  at: Timestamp,
): Promise<number> {
  const { pages = number } = (await incidents.read(id)) ?? {};
  for (let later = pages; later > number; later -= 1) {
    const rang = (await effects.get(id, pageKey(id, later)))?.at;
    if (rang !== undefined && rang <= plusSeconds(at, FRACTION)) return later;
  }
  return number;
}

/** Whoever sees to it first has command, until somebody takes it. */
export async function takesCommand(
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
            ...withUnsure(agent, incident),
            roles: { commander: { name, shown, slack, at } },
            timeline: {
              actor: name,
              kind: 'role.taken',
              text: `${shown} has command, having acknowledged it at PagerDuty`,
              detail: { role: 'commander' },
              at: entryAt(at, clock.now()),
            },
          }
        : undefined,
    key,
  );
}

/**
 * The pager shows that somebody has acknowledged a page: the same as if it had told us.
 *
 * @param key under which it is done once
 * @returns whether the incident's newest page is heard by that
 */
export async function seenAcknowledged(
  deps: Pick<Deps, 'incidents' | 'effects' | 'clock' | 'config' | 'onCall'>,
  { incidentId: id, number: page }: PageOf,
  { acknowledged, acknowledgedBy }: Pick<ExternalIncident, 'acknowledged' | 'acknowledgedBy'>,
  key: string,
): Promise<boolean> {
  const now = deps.clock.now();
  const at = acknowledged === null || acknowledged.at > now ? now : acknowledged.at;
  const agent = acknowledged?.by == null ? null : await whoIs(deps, acknowledged.by);
  const names = agent?.shown ?? acknowledgedBy.join(', ');
  const text = `Acknowledged at PagerDuty${names === '' ? '' : ` by ${names}`}${when(at, now)}`;
  const actor = agent?.name ?? 'pagerduty';
  const seesToIt = await acknowledgedThere(deps, id, { key, page, agent, actor, text, at });
  if (agent !== null) await takesCommand(deps, id, { agent, key: `${key}-command`, at });
  return seesToIt;
}
