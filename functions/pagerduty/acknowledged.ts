import { heard } from '../../domain/heard.ts';
import type { Agent } from '../../domain/pagerduty/agents.ts';
import type { Deps } from '../../domain/ports.ts';
import type { IncidentId } from '../../schemas/names.ts';
import type { Timestamp } from '../../schemas/time.ts';

type Acknowledged = {
  /** Under which it is done once. */
  key: string;
  /** The number of the page. */
  page: number;
  /** Whoever sees to it now, as in decisions. */
  by: string;
  /** Who says so on the timeline. */
  actor: string;
  text: string;
  at: Timestamp;
};

/** Somebody sees to it, and has said so at the pager. Who says it first counts, until it rings again; each is on the timeline. */
export async function acknowledgedThere(
  { incidents }: Pick<Deps, 'incidents'>,
  id: IncidentId,
  { key, page, by, actor, text, at }: Acknowledged,
): Promise<void> {
  await incidents.amend(
    id,
    (incident) => ({
      ...heard(incident, by, at, page),
      timeline: { actor, kind: 'page.acknowledged', text, detail: null },
    }),
    key,
  );
}

/** Whoever sees to it first has command, until somebody takes it. */
export async function takesCommand(
  { incidents }: Pick<Deps, 'incidents'>,
  id: IncidentId,
  { agent, key, at }: { agent: Agent; key: string; at: Timestamp },
): Promise<void> {
  await incidents.amend(
    id,
    ({ roles }) =>
      roles?.commander === undefined
        ? {
            roles: { commander: { ...agent, at } },
            timeline: {
              actor: agent.name,
              kind: 'role.taken',
              text: `${agent.shown} has command, having acknowledged it at PagerDuty`,
              detail: { role: 'commander' },
            },
          }
        : undefined,
    key,
  );
}
