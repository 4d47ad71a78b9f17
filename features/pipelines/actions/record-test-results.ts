import { branchLabel } from '../decisions/pipeline-figures.ts';
import type { FlakyTest, TestCase, TestCounts } from '../decisions/flaky-tests.ts';
import { serviceOfPipeline } from '../decisions/pipeline-service.ts';
import type { Deps } from '../ports.ts';
import type { ServiceName } from '../../../schemas/config/names.ts';
import type { TestResultsQuery } from '../test-results.ts';
import { Refusal } from '../../../core/domain/refusal.ts';

type Recorded = { service: ServiceName; counts: TestCounts; flaky: FlakyTest[]; flakyCount: number; created: boolean };

/** Returns the service of test results. @throws Refusal 422 if no service of the catalogue has this repository */
export async function serviceOfTests(
  { config }: Pick<Deps, 'config'>,
  names: Pick<TestResultsQuery, 'service' | 'repository' | 'pipeline'>,
): Promise<ServiceName> {
  const service = serviceOfPipeline(await config.current(), names);
  if (service !== null) return service;
  throw new Refusal(
    422,
    'invalid',
    `query: no single service has the repository ${names.repository}; name the service, or write "repository: ${names.repository}" at it in config/services.yaml`,
  );
}

/** Records the results of a test suite, and returns the tests that they show to be flaky. */
export async function recordTestResults(
  { pipelineTests }: Pick<Deps, 'pipelineTests'>,
  service: ServiceName,
  query: TestResultsQuery,
  file: { cases: readonly TestCase[]; hash: string },
): Promise<Recorded> {
  const { commit, branch = null, default_branch = null, suite, run_id, attempt } = query;
  const result = await pipelineTests.record({
    service,
    commit,
    branch,
    branchLabel: branchLabel({ branch, default_branch }),
    suite,
    run: { run_id: run_id ?? file.hash, attempt },
    ...file,
  });
  return { service, ...result };
}
