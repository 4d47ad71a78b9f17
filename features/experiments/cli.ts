import { ExpectedAlert, Experiment, ExperimentEvent } from './experiment.ts';
import { apiGroup, apiCommand, listOf, sectionOf, tableOf, PLACE } from '../../entrances/cli/api-command.ts';
import { JSON_OPTION, LIST_OPTIONS } from '../../entrances/cli/options.ts';
import { shortNumber, shortTime } from '../../entrances/cli/table.ts';

const ExperimentDetails = Experiment.extend({ events: ExperimentEvent.array(), alerts: ExpectedAlert.array() });

const REASON = ['--reason <text>', 'Reason'] as const;

const scopeOf = ({ scope }: Pick<Experiment, 'scope'>): string =>
  scope.map(({ service, environment }) => `${service}/${environment}`).join(', ');

/** Returns the command that reports a status which the chaos system does not report itself. */
const report = (name: string, description: string, status: string, options: [typeof REASON] | [] = []) =>
  apiCommand({
    usage: `${name} <experiment>`,
    description,
    options,
    call: 'PATCH /v1/experiments/:experiment',
    send: ({ reason }) => ({ status, reason }),
    response: Experiment,
    print: ({ id }) => [`${id}: reported as ${status}`],
  });

/** Adds the commands for chaos experiments. */
export const addExperiment = apiGroup(
  'experiment',
  'Show chaos experiments, report their start and end, and stop them',
  [
    {
      usage: 'list',
      description: 'List chaos experiments, newest first',
      options: LIST_OPTIONS,
      ...listOf('/v1/experiments', Experiment, [
        'id',
        'name',
        ['SCOPE', scopeOf],
        'status',
        ['OUTCOME', ({ conclusion }) => conclusion?.outcome ?? '-'],
        ['STARTED', ({ started_at: started, created_at: created }) => shortTime(started ?? created)],
        'reason',
      ]),
    },
    apiCommand({
      usage: 'show <experiment>',
      description: 'Show an experiment, with its numbers, expected alerts, and events',
      options: [JSON_OPTION],
      call: 'GET /v1/experiments/:experiment',
      response: ExperimentDetails,
      print: (shown) => [
        `${shown.name}: ${scopeOf(shown)}`,
        `${shown.conclusion?.outcome ?? shown.status}: ${shown.reason}`,
        ...(shown.conclusion?.reasons ?? []).map((reason) => `  ${reason}`),
        ...sectionOf(shown.conclusion?.checks ?? [], [
          ['CHECK', ({ name }) => name],
          ['BEFORE', ({ before }) => shortNumber(before.mean)],
          ['DURING', ({ during }) => shortNumber(during.mean)],
          ['HIGHEST', ({ during }) => shortNumber(during.max)],
          ['OUTSIDE', ({ during }) => String(during.outside)], // measurements beyond the limits
          ['AFTER', ({ after }) => shortNumber(after.last)],
        ]),
        ...sectionOf(shown.alerts, [
          ['TIME', ({ at }) => shortTime(at)],
          ['ALERT', ({ title }) => title],
          PLACE,
          ['EFFECT', ({ abort }) => (abort ? 'stopped it' : 'expected')],
        ]),
        '',
        tableOf(shown.events, [
          ['TIME', ({ at }) => shortTime(at)],
          ['EVENT', ({ text }) => text],
        ]),
      ],
    }),
    {
      usage: 'report <experiment>',
      description: 'Print the report of an experiment as Markdown',
      call: 'GET /v1/experiments/:experiment/report',
    },
    // Firebreak measures the steady state and sets the status `ready`; only then can the experiment start.
    report('started', 'Report that an experiment whose steady state holds has started', 'running'),
    report('finished', 'Report that an experiment is over', 'finished', [REASON]),
    apiCommand({
      usage: 'stop <experiment>',
      description: 'Stop an experiment at the chaos system, or cancel one that has not started',
      options: [REASON],
      call: 'POST /v1/experiments/:experiment/actions/stop',
      response: Experiment,
      print: ({ id }) => [`${id}: stop requested`],
    }),
  ],
);
