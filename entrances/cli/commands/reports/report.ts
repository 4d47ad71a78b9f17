import { type Command, Option } from 'commander';
import { AlertRulesReport } from '../../../../core/domain/alerts/rule-figures.ts';
import { incidentName } from '../../../../core/domain/incidents/incident-number.ts';
import { counted } from '../../../../core/domain/reports/words.ts';
import { ShadowReport, type ShadowRow, type ShadowTally } from '../../../../schemas/automation/shadow-report.ts';
import { FEATURES } from '../../../../features/index.ts';
import { apiCommand, apiGroup, PLACE, tableOf } from '../../api-command.ts';
import { JSON_OPTION } from '../../options.ts';
import { shortTime } from '../../table.ts';
import type { CommandContext } from '../../command-context.ts';

/** Functions that add the reports of features. */
const FEATURE_REPORTS = await Promise.all(FEATURES.flatMap(({ reports }) => reports?.() ?? []));

const addReports = apiGroup('report', 'Reports over many incidents or pipeline runs', [
  apiCommand({
    usage: 'shadow',
    description: 'Compare what automation would have done in shadow mode with what people did',
    options: [
      new Option('--since <time>', 'How far to look back: 12h, 30d, 4w').default('30d'),
      ['--service <name>', 'Only incidents of this service'],
      ['--environment <name>', 'Only incidents in this environment'],
      JSON_OPTION,
    ],
    call: 'GET /v1/reports/shadow',
    response: ShadowReport,
    print: ({ since, until, incidents, complete, items }) => [
      `${shortTime(since)} to ${shortTime(until)} UTC, ${counted(incidents, 'incident')}`,
      ...(complete ? [] : ['Older incidents in this period are not included: narrow the report with --service.']),
      items.length === 0
        ? 'No incident affected a service in shadow mode.'
        : tableOf(items, [
            PLACE,
            ['MODE NOW', ({ mode }) => mode ?? '-'],
            ['WOULD ROLL BACK', ({ rollbacks }) => tallyText(rollbacks)],
            ['WOULD ASK', ({ questions }) => tallyText(questions)],
            ['WOULD DO NOTHING', ({ nothing }) => tallyText(nothing)],
          ]),
      ...items.flatMap(caseLines),
    ],
  }),
  apiCommand({
    usage: 'alerts',
    description:
      'Show how often each alert rule fired, how many pages it caused, and how often it was acted upon and ended by itself',
    options: [
      ['--service <name>', 'Only alerts of this service'],
      ['--environment <name>', 'Only alerts in this environment'],
      JSON_OPTION,
    ],
    call: 'GET /v1/reports/alerts',
    response: AlertRulesReport,
    print: ({ since, complete, items }) => [
      `Since ${shortTime(since)} UTC${complete ? '' : '; only the newest incidents and alerts were read'}`,
      items.length === 0
        ? 'No alert fired.'
        : tableOf(items, [
            PLACE,
            ['FIRED', ({ fired }) => String(fired)],
            ['PAGES', ({ paged }) => String(paged)],
            ['ACTED UPON', ({ acted_on: actedOn }) => String(actedOn)],
            ['ENDED BY ITSELF', ({ resolved_by_itself: alone }) => String(alone)],
            ['RULE', ({ rule }) => rule],
          ]),
    ],
  }),
]);

/** Adds reports over many incidents, and those of features. */
export function addReport(program: Command, context: CommandContext): void {
  const report = addReports(program, context);
  for (const add of FEATURE_REPORTS) add(report, context);
}

const tallyText = ({ count, right, wrong, undecided }: ShadowTally): string =>
  count === 0 ? '0' : `${count}: ${right} right, ${wrong} wrong, ${undecided} undecided`;

const WOULD = { roll_back: 'would roll back', ask: 'would ask to roll back', nothing: 'would do nothing' } as const;

function caseLines({ service, environment, cases, promotion }: ShadowRow): string[] {
  const lines = cases.map(({ at, incident: id, number, would, from_version, to_version, verdict, because }) => {
    const versions = would === 'nothing' ? '' : ` ${from_version ?? '?'} to ${to_version ?? '?'}`;
    return `  ${incidentName({ id, number })}  ${shortTime(at)}  ${WOULD[would]}${versions}: ${verdict} (${because})`;
  });
  if (promotion === null) return ['', `${service}/${environment}`, ...lines];
  const advice = promotion.ready ? `Ready for mode ${promotion.to}` : `Not ready for mode ${promotion.to} yet`;
  lines.push(`  ${advice} (${promotion.because}). To promote:`, ...promotion.steps.map((step) => `    ${step}`));
  return ['', `${service}/${environment}`, ...lines];
}
