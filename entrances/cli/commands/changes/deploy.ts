import { InvalidArgumentError } from 'commander';
import * as z from 'zod';
import { incidentName } from '../../../../core/domain/incidents/incident-number.ts';
import { IncidentId } from '../../../../schemas/config/names.ts';
import { Change, ChangeKind, ChangeStatus, WrittenKind, WrittenStatus } from '../../../../schemas/changes/change.ts';
import { Watch, WatchOutcome } from '../../../../schemas/judge/watch.ts';
import { apiGroup, apiCall, apiCommand, listOf, tableOf, PLACE } from '../../api-command.ts';
import { choice, ENVIRONMENT_OPTION, JSON_OPTION, LIMIT_OPTION, SERVICE_OPTION } from '../../options.ts';
import { inputProblemText } from '../../../../schemas/parsing/input-problems.ts';

/** An older Firebreak returns no `warnings`. */
const RecordedChange = Change.extend({ warnings: z.array(z.string()).default([]) });

/** An older Firebreak returns no number. */
const ListedChange = Change.extend({ rolled_back_by_number: z.number().nullish() });

const rollbackNote = ({ rolled_back_by: by, rolled_back_by_number: number }: z.infer<typeof ListedChange>): string =>
  by === null ? '' : `rolled back in ${incidentName({ id: IncidentId.parse(by), number })}`;

/** Reads a word as the API does, in any letter case. */
const spelling =
  <T>(schema: z.ZodType<T>) =>
  (text: string): T => {
    const read = schema.safeParse(text);
    if (read.success) return read.data;
    throw new InvalidArgumentError(inputProblemText(read.error));
  };

const notesOf = ({ reason, startup }: Watch): string =>
  [...(reason === null ? [] : [reason]), ...(startup.slow ? ['slow start'] : [])].join('; ');

const WATCHES = listOf('/v1/watches', Watch, [
  'id',
  PLACE,
  'version',
  ['OUTCOME', ({ outcome }) => outcome ?? 'running'],
  'started_at',
  ['CHECKS', ({ checks, checks_planned: planned }) => `${checks.length}/${planned}`],
  ['NOTES', notesOf],
]);

const WATCH = apiCall({
  call: 'GET /v1/watches/:id',
  send: () => ({}),
  response: Watch,
  print: (watch) => [
    `${watch.service} in ${watch.environment}: ${watch.version}, ${watch.outcome ?? 'running'}`,
    ...[notesOf(watch)].filter((notes) => notes !== ''),
    tableOf(watch.checks, [
      ['CHECK', ({ number }) => String(number)],
      'due_at',
      'verdict',
      ['WHY', ({ reasons }) => reasons.join('; ')],
    ]),
  ],
});

export const addDeploy = apiGroup('deploy', 'Record and list deployments and other changes', [
  apiCommand({
    usage: 'record <service> <environment> <version>',
    description: 'Record a deployment or another change, usually from CI',
    options: [
      choice('--kind <kind>', 'Kind of change (default: deploy)', ChangeKind.options).argParser(spelling(WrittenKind)),
      choice('--status <status>', 'Status (default: succeeded)', ChangeStatus.options).argParser(
        spelling(WrittenStatus),
      ),
      ['--commit <sha>', 'Commit that is deployed'],
      [
        '--started-at <time>',
        'Start, RFC 3339 (default: now). To record the end of a started change, repeat its start',
      ],
      ['--finished-at <time>', 'End, RFC 3339 (default: now, unless the status is started)'],
      ['--author <name>', 'Author of the change'],
      ['--url <url>', 'Link to the change or the pipeline run'],
      ['--migration', 'The change migrates a schema or data'],
      ['--no-migration', 'The change has no migration; if unknown, a rollback needs approval'],
      ['--rollback-safe-to <version>', 'Oldest version that a rollback can still go to'],
      JSON_OPTION,
    ],
    call: 'CREATE /v1/deployments',
    send: ({ startedAt, finishedAt, migration, rollbackSafeTo, ...others }) => ({
      ...others,
      started_at: startedAt,
      finished_at: finishedAt,
      has_migration: migration,
      rollback_safe_to: rollbackSafeTo,
    }),
    response: RecordedChange,
    notes: ({ warnings }) => warnings.map((warning) => `warning: ${warning}`),
    print: ({ id }) => [id],
  }),
  {
    usage: 'list',
    description: 'List changes, newest first',
    options: [
      SERVICE_OPTION,
      ENVIRONMENT_OPTION,
      choice('--kind <kind>', 'Only this kind', ChangeKind.options),
      choice('--status <status>', 'Only this status', ChangeStatus.options),
      LIMIT_OPTION,
      JSON_OPTION,
    ],
    ...listOf('/v1/deployments', ListedChange, [
      'id',
      PLACE,
      'version',
      'status',
      'kind',
      'started_at',
      ['NOTES', rollbackNote],
    ]),
  },
  {
    usage: 'watch [id]',
    description: 'List the watches of deploys, newest first, or show the checks of one',
    options: [
      SERVICE_OPTION,
      ENVIRONMENT_OPTION,
      choice('--outcome <outcome>', 'Only watches with this outcome', [...WatchOutcome.options, 'running']),
      LIMIT_OPTION,
      JSON_OPTION,
    ],
    choose: ({ id }) => (id === undefined ? WATCHES : WATCH),
  },
]);
