import type { Agent } from '../../domain/pagerduty/agents.ts';
import type { PageOf } from '../../domain/pagerduty/ours.ts';
import type { Deps } from '../../domain/ports.ts';
import type { IncidentRecord } from '../../schemas/incident.ts';
import type { Timestamp } from '../../schemas/time.ts';
import { wake } from '../../workflows/wake.ts';
import { endedThere, type FollowDeps } from '../follow-pages.ts';
import { acknowledgedThere } from './acknowledged.ts';
import { followedBy } from './whose.ts';

type ResolvedDeps = FollowDeps & Pick<Deps, 'config'>;

/**
 * A person has resolved a page at PagerDuty, as `response.yaml` takes that: over, where its alerts have ended or it is
 * over in any case; else a word on the timeline. Where others page, somebody has to hear of what still fires.
 */
export async function resolvedThere(
  deps: ResolvedDeps,
  page: PageOf,
  { agent, key, at }: { agent: Agent; key: string; at: Timestamp },
): Promise<void> {
  const { incidentId: id } = page;
  const incident = await deps.incidents.read(id);
  if (incident === undefined || incident.status === 'resolved') return;
  const { resolve } = (await deps.config.current()).response.pagerduty;
  const goesOn = whyOn(incident);
  if (resolve === 'resolve' || goesOn === undefined) return over(deps, incident, { agent, key });
  const external = await followedBy(deps, page);
  if (external !== undefined) {
    const newest = incident.pages === page.number;
    return endedThere(deps, id, { number: page.number, external, newest }, `Resolved at PagerDuty by ${agent.shown}`);
  }
  // Whoever resolves it has seen it.
  await acknowledgedThere(deps, id, {
    key,
    page: page.number,
    by: agent.name,
    actor: agent.name,
    at,
    text: `Resolved at PagerDuty by ${agent.shown}, but ${goesOn}; it goes on here until it is resolved here`,
  });
}

/** Why an incident is not over yet; undefined: nothing speaks against it. */
function whyOn({ firing, status, crowd }: IncidentRecord): string | undefined {
  if (status === 'mitigating') return 'something is being done about it';
  if (firing > 0)
    return crowd === undefined
      ? `${firing} ${firing === 1 ? 'alert still fires' : 'alerts still fire'}`
      : `${firing} of its incidents ${firing === 1 ? 'is' : 'are'} open`;
  return undefined;
}

async function over(
  deps: ResolvedDeps,
  { id }: IncidentRecord,
  { agent, key }: { agent: Agent; key: string },
): Promise<void> {
  const text = `Resolved at PagerDuty by ${agent.shown}`;
  const timeline = { actor: agent.name, kind: 'resolve.asked', text, detail: null };
  await deps.incidents.post(id, { kind: 'resolve', by: agent.name, note: text }, { timeline }, key);
  await wake(deps, id);
}
