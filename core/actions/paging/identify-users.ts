import { agentOf } from '../../domain/paging/pagerduty/users.ts';
import { withIdentifiedUser } from '../../domain/paging/pagerduty/identified-user.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { groupByEach } from '../../domain/group-by-each.ts';
import { Deadline, type Elapsed, pooled } from '../../domain/concurrency.ts';

type IdentifyDeps = Pick<Deps, 'incidents' | 'config' | 'onCall' | 'log'>;

/** The time limit of one round, in milliseconds. The next round starts within a minute. */
const ROUND_MS = 15_000;

/** How many people are looked up in parallel. */
const AT_ONCE = 4;

/**
 * Identifies people who acted at PagerDuty while their email address could not be read, each minute. Existing timeline
 * entries keep the old name; a new entry says who the person is. No wait of a workflow: one response counts for all incidents.
 */
export async function identifyPagerUsers(
  deps: IdentifyDeps,
  open: readonly IncidentRecord[],
  elapsed: Elapsed = () => performance.now(),
): Promise<void> {
  const deadline = new Deadline(elapsed, ROUND_MS);
  const byName = groupByEach(open, ({ handling }) => handling?.unidentified ?? []);
  await pooled([...byName], AT_ONCE, async ([name, incidents]) => {
    if (deadline.left === 0) return;
    try {
      await identifyPagerUser(deps, name, incidents);
    } catch (error) {
      deps.log.error('the identity of a PagerDuty user could not be stored', { name, error: String(error) });
    }
  });
}

async function identifyPagerUser(
  deps: IdentifyDeps,
  name: string,
  incidents: readonly IncidentRecord[],
): Promise<void> {
  const id = name.replace(/^pagerduty:/, '');
  const response = await deps.onCall.email(id);
  if (response.kind !== 'done') return deps.log.warn('a PagerDuty user could not be identified', { name, ...response });
  const agent = agentOf(await deps.config.current(), { id, name: id }, response.value);
  for (const incident of incidents)
    await deps.incidents.amend(incident.id, (now) => withIdentifiedUser(now, name, agent));
}
