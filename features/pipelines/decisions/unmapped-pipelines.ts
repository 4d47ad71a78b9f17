import type { Config } from '../../../schemas/config/config.ts';
import type { PipelineRun } from '../pipeline-run.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { repositoryPathOf } from '../../../core/domain/catalogue/repositories.ts';
import { suggestedName } from '../../../core/domain/catalogue/known-names.ts';
import { suggestionText } from '../../../schemas/parsing/similar-names.ts';
import { serviceOfRepository, serviceReported } from './pipeline-service.ts';

/**
 * The newest run of a pipeline that belonged to no single service when it was recorded. `service`: the name that its reports have,
 * which the catalogue did not have.
 */
export type UnmappedRun = Pick<PipelineRun, 'repository' | 'pipeline' | 'url'> & {
  service?: string | undefined;
  at: Timestamp;
};

/** A pipeline whose runs count in no figure of a service, because the catalogue names no single one for it. */
export type UnmappedPipeline = Omit<UnmappedRun, 'service'> & {
  service: string | null;
  why: string;
  /** Lines of `config/services.yaml` that map it. */
  lines: string;
};

/** Returns the pipelines that the catalogue still does not map, the newest first. */
export const unmappedPipelines = (services: Config['services'], runs: readonly UnmappedRun[]): UnmappedPipeline[] =>
  runs
    .filter((run) =>
      run.service === undefined
        ? serviceOfRepository(services, run) === null
        : serviceReported(services, run.service) === undefined,
    )
    .map((run) => ({ ...run, service: run.service ?? null, ...fixOf(services, run) }))
    .toSorted((a, b) => (a.at > b.at ? -1 : 1));

function fixOf(services: Config['services'], run: UnmappedRun): { why: string; lines: string } {
  if (run.service !== undefined)
    return {
      why: `the catalogue has no service ${quoted(run.service)}${suggestionText(suggestedName(run.service, Object.keys(services)))}`,
      lines: ['services:', `  ${quoted(run.service)}: {}`].join('\n'),
    };
  const repository = repositoryPathOf(run.repository ?? '');
  const entries = Object.entries(services).filter(
    ([, entry]) => entry.repository !== undefined && repositoryPathOf(entry.repository) === repository,
  );
  const owners = entries.map(([name]) => name);
  const named = run.pipeline === null ? 'a pipeline without a name' : `the pipeline ${quoted(run.pipeline)}`;
  if (owners.length === 0)
    return {
      why: `no service has the repository ${quoted(repository)}`,
      lines: linesOf(repository.split('/').at(-1) ?? '<service>', `repository: ${quoted(repository)}`),
    };
  const listing = entries.filter(([, entry]) => entry.pipelines.includes(run.pipeline ?? '')).map(([name]) => name);
  const shared = `share the repository ${quoted(repository)}, and`;
  if (listing.length > 1)
    return {
      why: `${listing.join(', ')} ${shared} list ${named}`,
      lines: linesOf(`<only one of ${listing.join(' | ')}>`, `pipelines: [${quoted(run.pipeline ?? '')}]`),
    };
  return {
    why: `${owners.join(', ')} ${shared} none lists ${named}`,
    lines: linesOf(`<${owners.join(' | ')}>`, `pipelines: [${quoted(run.pipeline ?? '<name of the pipeline>')}]`),
  };
}

const linesOf = (service: string, line: string): string => ['services:', `  ${service}:`, `    ${line}`].join('\n');

/** Returns a string of YAML, which includes those of JSON. */
const quoted = (text: string): string => JSON.stringify(text);
