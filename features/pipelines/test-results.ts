import * as z from 'zod';
import { ServiceName } from '../../schemas/config/names.ts';
import { blankAsAbsent, branchOfRef, RepositoryName, requiredText } from './pipeline-run.ts';

/** The query of `POST /v1/pipelines/tests`: where the results in the body come from. */
export const TestResultsQuery = z
  .strictObject({
    /** Absent: the service of the catalogue with this repository. */
    service: blankAsAbsent(ServiceName.optional()),
    repository: blankAsAbsent(RepositoryName.optional()),
    pipeline: blankAsAbsent(requiredText(256).optional()),
    commit: requiredText(256),
    branch: blankAsAbsent(requiredText(512).overwrite(branchOfRef).optional()),
    default_branch: blankAsAbsent(requiredText(512).overwrite(branchOfRef).optional()),
    /** Configurations with different results, such as operating systems, need a suite each. */
    suite: blankAsAbsent(requiredText(128).default('tests')),
    /** Absent: each file with other content is a run. */
    run_id: blankAsAbsent(requiredText(256).optional()),
    attempt: blankAsAbsent(z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER).default(1)),
  })
  .refine(({ service, repository }) => service !== undefined || repository !== undefined, {
    path: ['service'],
    message: 'name the service or the repository',
  });
export type TestResultsQuery = z.infer<typeof TestResultsQuery>;
