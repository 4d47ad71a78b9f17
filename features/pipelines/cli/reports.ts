import { type Command, Option } from 'commander';
import { addApiCommands, apiCommand, type Part, sectionOf } from '../../../entrances/cli/api-command.ts';
import type { CommandContext } from '../../../entrances/cli/command-context.ts';
import { JSON_OPTION, SERVICE_OPTION } from '../../../entrances/cli/options.ts';
import { shortTime } from '../../../entrances/cli/table.ts';
import { counted } from '../../../core/domain/reports/words.ts';
import { CodeFigures } from '../code-figures.ts';
import { PipelineReport } from '../report.ts';

const WINDOW = new Option('--window <time>', 'How far to look back: 24h, 28d, 4w').default('14d');
const BRANCH = ['--branch <name>', 'Only this branch; other: all but the default and release branches'] as const;

/** Adds the reports of pipelines and code. */
export const addReports = (report: Command, context: CommandContext): void =>
  addApiCommands(report, context, [
    apiCommand({
      usage: 'pipelines <service>',
      description: "Show how reliable and how fast a service's pipelines are",
      options: [WINDOW, BRANCH, JSON_OPTION],
      call: 'GET /v1/metrics/pipelines',
      response: PipelineReport,
      print: pipelineParts,
    }),
    apiCommand({
      usage: 'code',
      description: 'Show commits, pull requests, review times, and coverage',
      options: [SERVICE_OPTION, ['--team <name>', 'Only services of this team'], WINDOW, JSON_OPTION],
      call: 'GET /v1/metrics/code',
      response: CodeFigures,
      print: codeParts,
    }),
  ]);

function codeParts({ window, services, commits, pull_requests: pulls, ...figures }: CodeFigures): Part[] {
  const { first_review: review, merge, coverage } = figures;
  const durations = ({ count, median_s: median, p90_s: p90 }: CodeFigures['merge']): string[] => [
    String(count),
    ...[median, p90].map(durationText),
  ];
  const rows = [
    ['commits', String(commits), '', ''],
    ['pull requests opened', String(pulls.opened), '', ''],
    ['pull requests closed without a merge', String(pulls.closed), '', ''],
    ['first review', ...durations(review)],
    ['merge', ...durations(merge)],
    ...coverage.map(({ service, value }) => [`coverage of ${service}`, `${(value * 100).toFixed(1)} %`, '', '']),
  ];
  return [
    `${shortTime(window.from)} to ${shortTime(window.until)} UTC, ${counted(services.length, 'service')}`,
    { heading: ['', 'COUNT', 'MEDIAN', 'P90'], rows },
  ];
}

function pipelineParts({ window, runs, success_ratio: ratio, duration, queue, ...others }: PipelineReport): Part[] {
  const { stages, flaky_tests: tests, flaky_total: total } = others;
  const period = `${shortTime(window.from)} to ${shortTime(window.until)} UTC, ${runs.total} runs`;
  if (runs.total === 0 && total === 0) return [period, 'No run of a pipeline was reported for this service.'];
  const success = ratio === null ? '-' : `${(ratio * 100).toFixed(1)} %`;
  const rows = [
    [`success ${success}`, `${runs.succeeded} of ${runs.succeeded + runs.failed}`, '', '', ''],
    ['duration', ...periodCells(duration)],
    ['queue', ...periodCells(queue)],
  ];
  const slowest = stages.map(({ stage, failed, ...periods }) => [stage, ...periodCells(periods), String(failed)]);
  return [
    period,
    { heading: ['', 'COUNT', 'MEAN', 'MEDIAN', 'P95'], rows },
    ...(slowest.length === 0 ? [] : ['', { heading: STAGE_HEADING, rows: slowest }]),
    ...sectionOf(tests, [
      ['FLAKY TESTS', ({ classname, name }) => [classname, name].join(' ').trim()],
      'suite',
      'commits',
      ['LAST', ({ last_at: at }) => shortTime(at)],
    ]),
  ];
}

const STAGE_HEADING = ['SLOWEST STAGES', 'COUNT', 'MEAN', 'MEDIAN', 'P95', 'FAILED'];

const periodCells = ({ count, mean_s, median_s, p95_s }: PipelineReport['duration']): string[] => [
  String(count),
  ...[mean_s, median_s, p95_s].map(durationText),
];

function durationText(seconds: number | null): string {
  if (seconds === null) return '-';
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
