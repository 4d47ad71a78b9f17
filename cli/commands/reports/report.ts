import type { Command } from 'commander';
import { counted } from '../../../domain/reports/words.ts';
import { ShadowReport, type ShadowRow, type ShadowTally } from '../../../schemas/automation/shadow-report.ts';
import { CodeFigures } from '../../../features/pipelines/code-figures.ts';
import { PipelineReport } from '../../../features/pipelines/report.ts';
import { Client, queryOf } from '../../client.ts';
import { addDora } from './report-dora.ts';
import { JSON_OPTION } from '../../options.ts';
import { asJson, oneLine, shortTime, table } from '../../table.ts';
import type { CommandContext } from '../../command-context.ts';

type Options = { since: string; service?: string; environment?: string; json?: true };

type CodeOptions = { window: string; service?: string; team?: string; json?: true };

type PipelineOptions = { window: string; branch?: string; json?: true };

/** Adds reports over many incidents, or over the runs of pipelines. */
export function addReport(program: Command, context: CommandContext): void {
  const report = program.command('report').description('Reports over many incidents or pipeline runs');
  report
    .command('shadow')
    .description('Compare what automation would have done in shadow mode with what people did')
    .option('--since <time>', 'How far to look back: 12h, 30d, 4w', '30d')
    .option('--service <name>', 'Only incidents of this service')
    .option('--environment <name>', 'Only incidents in this environment')
    .option(...JSON_OPTION)
    .action(({ json, ...query }: Options) => shadow(context, query, json));
  addDora(report, context);
  report
    .command('pipelines')
    .description("Show how reliable and how fast a service's pipelines are")
    .argument('<service>')
    .option('--window <time>', 'How far to look back: 24h, 28d, 4w', '14d')
    .option('--branch <name>', 'Only this branch; other: all but the default and release branches')
    .option(...JSON_OPTION)
    .action((service: string, { json, ...query }: PipelineOptions) => pipelines(context, { service, ...query }, json));
  report
    .command('code')
    .description('Show commits, pull requests, review times, and coverage')
    .option('--service <name>', 'Only this service')
    .option('--team <name>', 'Only services of this team')
    .option('--window <time>', 'How far to look back: 24h, 28d, 4w', '14d')
    .option(...JSON_OPTION)
    .action(({ json, ...query }: CodeOptions) => code(context, query, json));
}

async function code(context: CommandContext, query: Omit<CodeOptions, 'json'>, json: true | undefined): Promise<void> {
  const figures = await (await Client.of(context)).get(`/v1/metrics/code${queryOf(query)}`, CodeFigures);
  if (json) return context.out(asJson(figures));
  const { window, commits, pull_requests: pulls, first_review: review, merge, coverage } = figures;
  context.out(
    `${shortTime(window.from)} to ${shortTime(window.until)} UTC, ${counted(figures.services.length, 'service')}`,
  );
  const durationCells = ({ count, median_s, p90_s }: CodeFigures['merge']) => [
    String(count),
    durationText(median_s),
    durationText(p90_s),
  ];
  context.out(
    table(
      ['', 'COUNT', 'MEDIAN', 'P90'],
      [
        ['commits', String(commits), '', ''],
        ['pull requests opened', String(pulls.opened), '', ''],
        ['pull requests closed without a merge', String(pulls.closed), '', ''],
        ['first review', ...durationCells(review)],
        ['merge', ...durationCells(merge)],
        ...coverage.map(({ service, value }) => [`coverage of ${service}`, `${(value * 100).toFixed(1)} %`, '', '']),
      ],
    ),
  );
}

async function shadow(context: CommandContext, query: Omit<Options, 'json'>, json: true | undefined): Promise<void> {
  const report = await (await Client.of(context)).get(`/v1/reports/shadow${queryOf(query)}`, ShadowReport);
  if (json) return context.out(asJson(report));
  const { since, until, incidents, complete, items } = report;
  context.out(`${shortTime(since)} to ${shortTime(until)} UTC, ${incidents} incident${incidents === 1 ? '' : 's'}`);
  if (!complete) context.out('Older incidents in this period are not included: narrow the report with --service.');
  if (items.length === 0) return context.out('No incident affected a service in shadow mode.');
  context.out(
    table(
      ['SERVICE', 'MODE NOW', 'WOULD ROLL BACK', 'WOULD ASK', 'WOULD DO NOTHING'],
      items.map((row) => [
        nameOf(row),
        row.mode ?? '-',
        tallyText(row.rollbacks),
        tallyText(row.questions),
        tallyText(row.nothing),
      ]),
    ),
  );
  for (const row of items) printCases(context, row);
}

const nameOf = ({ service, environment }: ShadowRow): string => `${service}/${environment}`;

const tallyText = ({ count, right, wrong, undecided }: ShadowTally): string =>
  count === 0 ? '0' : `${count}: ${right} right, ${wrong} wrong, ${undecided} undecided`;

const WOULD = { roll_back: 'would roll back', ask: 'would ask to roll back', nothing: 'would do nothing' } as const;

function printCases(context: CommandContext, row: ShadowRow): void {
  context.out('');
  context.out(oneLine(nameOf(row)));
  for (const { at, incident, would, from_version, to_version, verdict, because } of row.cases) {
    const versions = would === 'nothing' ? '' : ` ${from_version ?? '?'} to ${to_version ?? '?'}`;
    context.out(oneLine(`  ${shortTime(at)}  ${incident}  ${WOULD[would]}${versions}: ${verdict} (${because})`));
  }
  const { promotion } = row;
  if (promotion === null) return;
  const advice = promotion.ready ? `Ready for mode ${promotion.to}` : `Not ready for mode ${promotion.to} yet`;
  context.out(oneLine(`  ${advice} (${promotion.because}). To promote:`));
  for (const step of promotion.steps) context.out(oneLine(`    ${step}`));
}

async function pipelines(
  context: CommandContext,
  query: Omit<PipelineOptions, 'json'> & { service: string },
  json: true | undefined,
): Promise<void> {
  const report = await (await Client.of(context)).get(`/v1/metrics/pipelines${queryOf(query)}`, PipelineReport);
  if (json) return context.out(asJson(report));
  const { window, runs, success_ratio, duration, queue, stages, flaky_tests, flaky_total } = report;
  context.out(`${shortTime(window.from)} to ${shortTime(window.until)} UTC, ${runs.total} runs`);
  if (runs.total === 0 && flaky_total === 0) return context.out('No run of a pipeline was reported for this service.');
  const success = success_ratio === null ? '-' : `${(success_ratio * 100).toFixed(1)} %`;
  context.out(
    table(
      ['', 'COUNT', 'MEAN', 'MEDIAN', 'P95'],
      [
        [`success ${success}`, `${runs.succeeded} of ${runs.succeeded + runs.failed}`, '', '', ''],
        ['duration', ...periodCells(duration)],
        ['queue', ...periodCells(queue)],
      ],
    ),
  );
  if (stages.length > 0) {
    context.out('');
    const rows = stages.map(({ stage, failed, ...periods }) => [stage, ...periodCells(periods), String(failed)]);
    context.out(table(['SLOWEST STAGES', 'COUNT', 'MEAN', 'MEDIAN', 'P95', 'FAILED'], rows));
  }
  if (flaky_tests.length === 0) return;
  context.out('');
  const tests = flaky_tests.map(({ suite, classname, name, commits, last_at }) => [
    [classname, name].join(' ').trim(),
    suite,
    String(commits),
    shortTime(last_at),
  ]);
  context.out(table(['FLAKY TESTS', 'SUITE', 'COMMITS', 'LAST'], tests));
}

const periodCells = ({ count, mean_s, median_s, p95_s }: PipelineReport['duration']): string[] => [
  String(count),
  ...[mean_s, median_s, p95_s].map(durationText),
];

function durationText(seconds: number | null): string {
  if (seconds === null) return '-';
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
