import { dependenciesOf } from '../../core/domain/catalogue/dependencies.ts';
import { unlessAborted } from '../../core/domain/concurrency.ts';
import { currentDecisions } from '../../core/domain/incidents/new-onset.ts';
import type { Story } from '../../core/domain/messages/story.ts';
import type { problemWords } from '../../core/domain/paging/page-problem.ts';
import type { Deps } from '../../core/domain/ports/deps.ts';
import { numberOf } from '../../core/domain/rollback/question-names.ts';
import type { Config } from '../../schemas/config/config.ts';
import { ServiceName } from '../../schemas/config/names.ts';
import type { IncidentRecord } from '../../schemas/incidents/incident.ts';

/** Number of the nearest dependencies of which it is read whether they fail. */
const DEPENDENCIES_READ = 10;

/** Milliseconds for which a page waits for what it can be sent without. */
const KNOWN_MS = 1000;

/**
 * Reads what is known of the open problem beside its alerts. The first page of an incident waits for nothing of that: nothing has been judged
 * yet.
 */
export async function knownOfProblem(
  deps: Pick<Deps, 'decisions' | 'incidents' | 'log'>,
  story: Story,
  { services }: Pick<Config, 'services'>,
): Promise<Parameters<typeof problemWords>[1]> {
  const { id, service, environment, unmatched, new_onset: onset, reopened_at: reopenedAt } = story.incident;
  const judged = currentDecisions(story).findLast(({ question }) => question === undefined);
  const isFirst = onset === undefined && reopenedAt === undefined && judged === undefined;
  if (isFirst || unmatched !== null) return { evidence: null, failing: [] };
  const dependencies = dependenciesOf(services, service).slice(0, DEPENDENCIES_READ);
  const known = async <T>(what: string, read: Promise<T>): Promise<T | undefined> =>
    unlessAborted(read, AbortSignal.timeout(KNOWN_MS)).catch((error: unknown) => {
      deps.log.warn(`Sending a page without ${what}`, { incident: id, error: String(error) });
      return undefined;
    });
  const openAt = (one: (typeof dependencies)[number]) =>
    deps.incidents.openAt({ service: ServiceName.parse(one.service), environment });
  const [inputs, open = []] = await Promise.all([
    judged && known('what was measured', deps.decisions.inputs(id, Number(numberOf(judged.id)))),
    known('the state of dependencies', Promise.all(dependencies.map(openAt))),
  ]);
  return {
    evidence: inputs?.evidence ?? null,
    failing: open.flatMap((one) => (one && isFailing(one) ? one.service : [])),
  };
}

/** Returns whether what an incident is about goes on. A mitigated one can have recovered. */
const isFailing = ({ status, severity, firing }: IncidentRecord): boolean =>
  (status === 'open' || status === 'mitigating') && severity !== 'info' && firing > 0;
