import { serviceEntry } from '../../../core/domain/catalogue/catalogue.ts';
import { repositoryPathOf } from '../../../core/domain/catalogue/repositories.ts';
import { codeFigures, type ServiceCode, type RepositoryRecords } from '../decisions/code-figures.ts';
import type { Deps } from '../ports.ts';
import type { ServiceName } from '../../../schemas/config/names.ts';
import type { CodeFigures } from '../code-figures.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { pooled } from '../../../core/domain/concurrency.ts';

export type CodeDeps = Pick<Deps, 'code' | 'config' | 'pipelineRuns' | 'clock'>;

/** How long before the window a pull request can have been opened. */
const OPENED_BEFORE_SECONDS = 90 * 24 * 3600;

/** Repositories and services that are read at the same time. */
const AT_ONCE = 4;

/**
 * Reads the code of each service in a window that ends now, each repository once.
 *
 * @param withCoverage whether to read the runs of pipelines, too
 */
export async function codeOfServices(
  { code, config, pipelineRuns, clock }: CodeDeps,
  names: readonly ServiceName[],
  { seconds, withCoverage }: { seconds: number; withCoverage: boolean },
): Promise<{ all: ServiceCode[]; window: { from: Timestamp; until: Timestamp } }> {
  const { services } = await config.current();
  const until = clock.now();
  const from = plusSeconds(until, -seconds);
  const pathOf = (name: ServiceName): string | null => {
    const repository = serviceEntry(services, name)?.repository;
    return repository === undefined ? null : repositoryPathOf(repository);
  };
  const repositories = new Map<string, RepositoryRecords>();
  await pooled([...new Set(names.flatMap((name) => pathOf(name) ?? []))], AT_ONCE, async (repository) => {
    const [pushes, pullRequests] = await Promise.all([
      code.pushesSince(repository, from),
      code.pullRequests(repository, plusSeconds(from, -OPENED_BEFORE_SECONDS)),
    ]);
    repositories.set(repository, { pushes, pullRequests });
  });
  const runs = new Map<ServiceName, ServiceCode['runs']>();
  await pooled(
    withCoverage ? names : [],
    AT_ONCE,
    async (name) => void runs.set(name, (await pipelineRuns.since(name, from)).runs),
  );
  return {
    all: names.map((service) => ({
      service,
      repository: repositories.get(pathOf(service) ?? '') ?? null,
      path: serviceEntry(services, service)?.path,
      runs: runs.get(service) ?? [],
    })),
    window: { from, until },
  };
}

/** Computes the figures of the code of some services together, in a window that ends now. */
export async function codeFiguresOf(
  deps: CodeDeps,
  names: readonly ServiceName[],
  seconds: number,
): Promise<CodeFigures> {
  const { all, window } = await codeOfServices(deps, names, { seconds, withCoverage: true });
  return codeFigures(all, window);
}
