import { CONCLUSION_REASONS, stopText } from './words.ts';
import type { CheckNumbers, ExpectedAlert, Experiment, ExperimentEvent, Observation } from '../experiment.ts';
import { secondsBetween } from '../../../schemas/time/time.ts';
import { withoutCredentials } from '../../../core/domain/redaction/credentials.ts';
import { itemTitles } from './action-items.ts';
import { limitsText, numberText } from './conclusion.ts';

export type ReportedExperiment = Experiment & {
  events: readonly ExperimentEvent[];
  observations: readonly Observation[];
  alerts: readonly ExpectedAlert[];
};

/** Returns the report of an experiment as Markdown, without credentials. Texts of people and alerts are escaped. */
export function reportOf(recorded: ReportedExperiment): string {
  const experiment = withoutCredentials(recorded); // before markup, which can hide a credential
  const { conclusion, started_at: startedAt, stopped_at: stoppedAt, ending, stop, chaos } = experiment;
  const duration = startedAt !== null && stoppedAt !== null ? secondsBetween(startedAt, stoppedAt) : null;
  const sections = [
    `# Experiment: ${inline(experiment.name)}`,
    list([
      `Hypothesis: ${inline(experiment.hypothesis)}`,
      `Conclusion: **${conclusion?.outcome ?? 'not concluded'}**${conclusion !== null && 'because' in conclusion ? ` (${CONCLUSION_REASONS[conclusion.because]})` : ''}`,
      `Scope: ${experiment.scope.map(({ service, environment }) => `${inline(service)} in ${inline(environment)}`).join(', ')}`,
      `Started: ${startedAt ?? 'not started'}${duration === null ? '' : `; ran ${numberText(duration)} s`}`,
      ...(ending === null ? [] : [`Ended: ${inline(ending.reason)}`]),
      ...(stop.state === 'not_asked' ? [] : [`Stop: ${inline(stopText(stop))}`]),
      `Recorded by ${inline(experiment.created_by)} at ${experiment.created_at}; ID ${experiment.id}`,
    ]),
    '## Why',
    list((conclusion?.reasons ?? ['It is not concluded yet.']).map(inline)),
    '## Measurements',
    measurements(experiment),
    ...(chaos === null
      ? []
      : [
          '## Chaos system',
          list([
            `${chaos.verdict}: ${inline(chaos.text)}`,
            ...chaos.probes.map(
              ({ name, type, verdict, description }) =>
                `${inline(type)} ${inline(name)}: ${inline(verdict)}${description === '' ? '' : `, ${inline(description)}`}`,
            ),
          ]),
        ]),
    '## Expected alerts',
    experiment.alerts.length === 0
      ? 'None.'
      : table(
          ['Time', 'Alert', 'Service', 'Severity', 'Effect'],
          experiment.alerts.map(({ at, title, service, environment, severity, abort }) => [
            at,
            title,
            `${service} ${environment}`,
            severity,
            abort ? 'stopped the experiment' : 'none',
          ]),
        ),
    '## Course',
    table(
      ['Time', 'Event', 'By'],
      experiment.events.map(({ at, text, by }) => [at, text, by ?? 'Firebreak']),
    ),
    ...actionItems(experiment),
  ];
  return `${sections.join('\n\n')}\n`;
}

function measurements({ conclusion, checks }: ReportedExperiment): string {
  if (conclusion === null) return 'None.';
  const phases = ['before', 'during', 'after'] as const;
  return table(
    ['Check', 'Limits', 'Phase', 'Measured', 'Missing', 'Outside', 'Lowest', 'Mean', 'Highest'],
    conclusion.checks.flatMap((result, index) =>
      phases.map((phase) => [
        result.name,
        `${limitsText(result)}${(checks[index]?.tolerated ?? 0) > 0 && phase === 'during' ? `, ${checks[index]?.tolerated} tolerated` : ''}`,
        phase,
        ...numbers(result[phase]),
      ]),
    ),
  );
}

const numbers = ({ measured, missing, outside, min, mean, max }: CheckNumbers): string[] => [
  String(measured),
  String(missing),
  String(outside),
  ...[min, mean, max].map((value) => (value === null ? '' : numberText(value))),
];

/** Lists the action items of a failed hypothesis, which are also stored. */
function actionItems({ conclusion, name }: ReportedExperiment): string[] {
  if (conclusion?.outcome !== 'failed') return [];
  const items = itemTitles({ name, reasons: conclusion.reasons }).map((title) => `- [ ] ${inline(title)}`);
  return ['## Action items', items.join('\n')];
}

const list = (lines: readonly string[]): string => lines.map((text) => `- ${text}`).join('\n');

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows.map((row) => row.map(inline))]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');

/** Escapes what Markdown and HTML would interpret, in one line. */
const inline = (text: string): string =>
  text
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/[\\`*_[\]<>|#!]/g, (character) => `\\${character}`)
    .trim();
