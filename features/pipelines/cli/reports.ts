import type { Command } from 'commander';
import { Client, queryOf } from '../../../cli/client.ts';
import type { CommandContext } from '../../../cli/command-context.ts';
import { JSON_OPTION } from '../../../cli/options.ts';
import { asJson, shortTime, table } from '../../../cli/table.ts';
import { counted } from '../../../domain/reports/words.ts';
import { CodeFigures } from '../code-figures.ts';
import { PipelineReport } from '../report.ts';

type CodeOptions = { window: string; service?: string; team?: string; json?: true };

type PipelineOptions = { window: string; branch?: string; json?: true };

/** Adds the reports of pipelines and code. */
export function addReports(report: Command, context: CommandContext): void {
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
