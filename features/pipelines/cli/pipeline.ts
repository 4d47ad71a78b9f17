import { gzipSync } from 'node:zlib';
import * as z from 'zod';
import { coverageIn } from '../decisions/coverage.ts';
import { PipelineResult, PipelineRun } from '../pipeline-run.ts';
import { apiGroup, listOf } from '../../../entrances/cli/api-command.ts';
import { Client, queryOf } from '../../../entrances/cli/client.ts';
import { readInputFile, readInputText } from '../../../entrances/cli/input-file.ts';
import { choice, JSON_OPTION, LIMIT_OPTION, required, SERVICE_OPTION } from '../../../entrances/cli/options.ts';
import { asJson, oneLine } from '../../../entrances/cli/table.ts';
import { CommandFailure, type CommandContext, UsageError } from '../../../entrances/cli/command-context.ts';

const UploadResult = z.object({
  service: z.string(),
  suite: z.string(),
  passed: z.number(),
  failed: z.number(),
  skipped: z.number(),
  flaky_count: z.number(),
  flaky: z.array(z.object({ classname: z.string(), name: z.string() })),
});

const CoverageResult = z.object({ id: z.string(), service: z.string().nullable(), coverage: z.number().nullable() });

type Options = {
  service?: string;
  repository?: string;
  pipeline?: string;
  commit?: string;
  branch?: string;
  run: string;
  attempt?: string;
  json?: true;
};

const RUN_OPTIONS = [
  ['--service <name>', 'Service (default: the service of the repository)'],
  ['--repository <name>', 'Repository, such as acme/checkout'],
  ['--pipeline <name>', 'Pipeline, if several services share the repository'],
  ['--attempt <number>', 'Attempt of the run (default: 1)'],
] as const;
const BRANCH = ['--branch <name>', 'Branch'] as const;

/** Adds commands that pipelines use. */
export const addPipeline = apiGroup('pipeline', 'Report test results and coverage of pipelines, and list runs', [
  {
    usage: 'tests <file...>',
    description: 'Upload test results as JUnit XML, and print the tests that they show to be flaky',
    options: [
      required('--commit <sha>', 'Tested commit'),
      required('--run <id>', 'ID of the run that executed the tests'),
      ...RUN_OPTIONS,
      BRANCH,
      ['--suite <name>', 'Name of the tests; each operating system needs its own (default: tests)'],
      JSON_OPTION,
    ],
    run: upload,
  },
  {
    usage: 'coverage [file]',
    description: 'Report the coverage of a run, from a report of Cobertura or lcov, or as a number',
    options: [
      required('--run <id>', 'ID of the run'),
      ['--percent <number>', 'Share of covered code, from 0 to 100, in place of a file'],
      ...RUN_OPTIONS,
      ['--commit <sha>', 'Tested commit'],
      BRANCH,
      JSON_OPTION,
    ],
    run: reportCoverage,
  },
  {
    usage: 'runs',
    description: 'List runs of pipelines, newest first',
    options: [
      SERVICE_OPTION,
      ['--branch <name>', 'Only this branch'],
      choice('--result <result>', 'Only this result', PipelineResult.options),
      LIMIT_OPTION,
      JSON_OPTION,
    ],
    ...listOf('/v1/pipelines/runs', PipelineRun, [
      'id',
      'service',
      'branch',
      'status',
      'result',
      'started_at',
      'trigger',
      'pipeline',
    ]),
  },
]);

type CoverageOptions = Options & { file?: string; percent?: string };

async function reportCoverage(
  context: CommandContext,
  { json, file, run, percent, attempt, ...rest }: CoverageOptions,
): Promise<void> {
  requireServiceOrRepository(rest);
  if ((file === undefined) === (percent === undefined)) throw new UsageError('specify either a file or --percent');
  const coverage = percent === undefined ? await coverageOf(context, file ?? '') : Number(percent) / 100;
  if (!(coverage >= 0 && coverage <= 1)) throw new UsageError(`--percent is not a number from 0 to 100: ${percent}`);
  const client = await Client.of(context);
  const body = { ...rest, run_id: run, attempt: attempt === undefined ? undefined : Number(attempt), coverage };
  const recorded = await client.post('/v1/pipelines/runs', body, CoverageResult);
  const service = recorded.service ?? 'no service: the catalogue does not have this repository';
  context.out(json ? asJson(recorded) : oneLine(`${(coverage * 100).toFixed(1)} % recorded for ${service}`));
}

async function coverageOf(context: CommandContext, file: string): Promise<number> {
  const found = coverageIn(await readInputText(context, file));
  if (found === undefined)
    throw new CommandFailure(
      `${file} is not a coverage report: specify the XML file of Cobertura, or the info file of lcov`,
    );
  return found;
}

async function upload(
  context: CommandContext,
  { json, file: files, run, ...query }: Options & { file: string[]; suite?: string },
): Promise<void> {
  requireServiceOrRepository(query);
  const client = await Client.of(context);
  const path = `/v1/pipelines/tests${queryOf({ ...query, run_id: run })}`;
  const uploads: z.infer<typeof UploadResult>[] = [];
  for (const file of files)
    uploads.push(await client.upload(path, gzipSync(await readInputFile(context, file)), UploadResult));
  if (json) return context.out(asJson(uploads));
  for (const [index, { suite, passed, failed, skipped, flaky_count, flaky }] of uploads.entries()) {
    const counts = `${passed} passed, ${failed} failed, ${skipped} skipped, ${flaky_count} newly flaky`;
    context.out(oneLine(`${files[index]} (${suite}): ${counts}`));
    for (const { classname, name } of flaky) context.out(oneLine(`  flaky: ${[classname, name].join(' ').trim()}`));
  }
}

/** @throws UsageError */
function requireServiceOrRepository({ service, repository }: Pick<Options, 'service' | 'repository'>): void {
  if (service === undefined && repository === undefined)
    throw new UsageError('name the service or the repository: --service NAME or --repository OWNER/NAME');
}
