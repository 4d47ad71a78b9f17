import { dependenciesOf } from '../../core/domain/catalogue/dependencies.ts';
import { unlessAborted } from '../../core/domain/concurrency.ts';
import { incidentName } from '../../core/domain/incidents/incident-number.ts';
import { currentDecisions } from '../../core/domain/incidents/new-onset.ts';
import type { Story } from '../../core/domain/messages/story.ts';
import type { problemWords } from '../../core/domain/paging/page-problem.ts';
import type { ServiceEnvironment } from '../../core/domain/ports/common.ts';
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
  const known = async <T>(what: string, read: Promise<T>): Promise<T | undefined> =>
    unlessAborted(read, AbortSignal.timeout(KNOWN_MS)).catch((error: unknown) => {
      deps.log.warn(`Sending a page without ${what}`, { incident: id, error: String(error) });
      return undefined;
    });
  const [inputs, failing = []] = await Promise.all([
    judged && known('what was measured', deps.decisions.inputs(id, Number(numberOf(judged.id)))),
    known('the state of dependencies', failingDependencies(deps, { service, environment }, services)),
  ]);
  return { evidence: inputs?.evidence ?? null, failing: failing.map((one) => one.service) };
}

/** Returns the incidents of the nearest dependencies that fail. */
async function failingDependencies(
  { incidents }: Pick<Deps, 'incidents'>,
  { service, environment }: ServiceEnvironment,
  services: Config['services'],
): Promise<IncidentRecord[]> {
  const dependencies = dependenciesOf(services, service).slice(0, DEPENDENCIES_READ);
  const open = await Promise.all(
    dependencies.map((one) => incidents.openAt({ service: ServiceName.parse(one.service), environment })),
  );
  return open.flatMap((one) => (one && isFailing(one) ? one : []));
}

/** Notes which dependencies fail, and their incidents, as the titles of pages say. Safe to repeat. */
export async function noteDependencies(
  deps: Pick<Deps, 'clock' | 'config' | 'incidents'>,
  { id, service, environment, unmatched }: Pick<IncidentRecord, 'id' | 'service' | 'environment' | 'unmatched'>,
): Promise<void> {
  if (unmatched !== null) return;
  const { services } = await deps.config.current();
  for (const other of await failingDependencies(deps, { service, environment }, services))
    await deps.incidents.note(id, `dependency-${other.id}`, {
      at: deps.clock.now(),
      actor: 'firebreak',
      kind: 'dependency.fails',
      text: `${other.service}, on which ${service} depends, fails as well: incident ${incidentName(other)}`,
      detail: { incident: other.id },
    });
}

/** Returns whether what an incident is about goes on. A mitigated one can have recovered. */
const isFailing = ({ status, severity, firing }: IncidentRecord): boolean =>
  (status === 'open' || status === 'mitigating') && severity !== 'info' && firing > 0;
