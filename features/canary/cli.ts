import { Canary, CanaryCheck, type CanaryCommandKind, CanaryEvent } from './canary.ts';
import { apiGroup, apiCommand, listOf, tableOf, PLACE } from '../../entrances/cli/api-command.ts';
import { JSON_OPTION, LIST_OPTIONS } from '../../entrances/cli/options.ts';
import { shortNumber, shortTime } from '../../entrances/cli/table.ts';

const Details = Canary.extend({ events: CanaryEvent.array(), checks: CanaryCheck.array() });

const REASON = ['--reason <text>', 'Reason'] as const;
const FULL = ['--full', 'Give the version all traffic'] as const;

/** Returns the command that requests the next step of a canary. */
const request = (
  kind: CanaryCommandKind,
  description: string,
  done: string,
  options: readonly (readonly [string, string])[] = [REASON],
) =>
  apiCommand({
    usage: `${kind} <canary>`,
    description,
    options,
    call: `CREATE /v1/canaries/:canary/actions/${kind}`,
    response: Canary,
    print: ({ id }) => [`${id}: ${done} requested`],
  });

/** Adds the commands for canaries: new versions that get traffic step by step. */
export const addCanary = apiGroup('canary', 'Give a new version traffic step by step, and promote, hold, or abort it', [
  apiCommand({
    usage: 'start <service> <environment> <version>',
    description: 'Start a canary of a version that is deployed beside the stable one',
    options: [['--stable <version>', 'Stable version (default: by the recorded deployments)']],
    call: 'CREATE /v1/canaries',
    send: ({ stable, ...target }) => ({ ...target, stable_version: stable }),
    response: Canary,
    print: ({ id, version, stable_version: stable, steps, target }) => [
      `canary ${id}: ${version} beside ${stable}, ${steps.join(', ')} % of the traffic, router ${target}`,
    ],
  }),
  {
    usage: 'list',
    description: 'List canaries, newest first',
    options: LIST_OPTIONS,
    ...listOf('/v1/canaries', Canary, [
      'id',
      PLACE,
      'version',
      'status',
      ['TRAFFIC', ({ weight }) => `${weight} %`],
      'started_at',
      'reason',
    ]),
  },
  apiCommand({
    usage: 'show <canary>',
    description: 'Show a canary, with its events and its last check',
    options: [JSON_OPTION],
    call: 'GET /v1/canaries/:canary',
    response: Details,
    print: ({ service, environment, version, stable_version, status, weight, reason, events, checks: [last] }) => [
      `${service} in ${environment}: ${version} beside ${stable_version}`,
      `${status} at ${weight} %: ${reason}`,
      '',
      tableOf(events.toReversed(), [
        ['TIME', ({ at }) => shortTime(at)],
        ['TRAFFIC', (event) => `${event.weight} %`],
        ['EVENT', ({ text }) => text],
      ]),
      ...(last === undefined ? [] : ['', `Last check: ${last.verdict}`]),
      ...(last === undefined || last.metrics.length === 0
        ? []
        : [
            tableOf(last.metrics, [
              ['METRIC', ({ name }) => name],
              'verdict',
              ['VERSION', (metric) => shortNumber(metric.version)],
              ['STABLE', ({ baseline }) => shortNumber(baseline)],
              ['REASON', (metric) => metric.reason],
            ]),
          ]),
    ],
  }),
  request('promote', 'Continue with the next share of the traffic now', 'promotion', [FULL, REASON]),
  request('hold', 'Keep the share of the traffic until someone promotes', 'hold'),
  request('abort', 'Give all traffic back to the stable version', 'abort'),
]);
