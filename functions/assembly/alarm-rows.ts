import type { Alarm } from '../../platforms/aws/infra/product.ts';
import type { Severity, Size } from '../../platforms/aws/infra/stage.ts';
import { PROJECTION_TARGET_NAMES } from '../../schemas/incidents/projection.ts';
import { FUNCTIONS } from './functions.ts';

/** Two complete attempts of the function that routes alerts to incidents. */
const URGENT_AGE_SECONDS = 2 * FUNCTIONS.route.timeoutSeconds;
/** These alerts page no one, so they can wait longer. */
const ORDINARY_AGE_SECONDS = 600;
/** The person who typed a command is waiting for the response. */
const PEOPLE_AGE_SECONDS = 60;

/** The longest delay of a message that wakes a projector. AWS does not document whether the age of a message includes it. */
const LONGEST_DELAY_SECONDS = 900;
const PROJECTION_LATE_SECONDS = 600;

/** Percent of the account's quota, as AWS recommends. */
const RUNNING_MAX_PERCENT = 80;

/** More calls in 15 minutes than any alert storm causes: the function probably invokes itself endlessly. */
const RUNAWAY_MINUTES = 15;
const RUNAWAY_CALLS = 30_000;

/** Kinds of failures, and what can fail: a function, queue, or table. */
type Failures = readonly [kinds: readonly string[], of: readonly string[], only?: Size];

type AlarmRow = Alarm & {
  /** Cause and action, in Markdown for `docs/how-to/aws.md`. */
  action: string;
  /** Failures that set it off, directly or by their effect. */
  covers: readonly Failures[];
};

const JOBS = ['sweep', 'evaluate', 'digest', 'snapshot'];
const BEHIND_HTTP = ['http', 'console', 'status', 'subscriptions', 'slack'];

const silent = (of: string): Pick<AlarmRow, 'trigger' | 'minutes' | 'covers'> => ({
  trigger: { kind: 'silent' },
  minutes: 5,
  covers: [[['silent'], [of]]],
});

/**
 * All metric alarms: one for each subject and severity, because CloudWatch bills each metric of an alarm. Resources, the
 * dashboard, and the table in `docs/how-to/aws.md` follow from it. `critical`: alerts, pages, or rollbacks are lost or
 * late. `info`: nobody must act.
 */
export const ALARM_ROWS = {
  'http-5xx': {
    severity: 'critical',
    description: 'A response had a 5xx status. The sender must retry; Grafana retries only at its next interval',
    action:
      'a function behind the address fails, times out, or has no free concurrency: see its log, and `platforms/aws/infra/functions.ts`',
    trigger: { kind: 'sum', above: 0 },
    minutes: 1,
    covers: [
      [['5xx'], ['http']],
      [['errors', 'throttles'], BEHIND_HTTP],
    ],
    isIntake: true,
  },
  'urgent-late': {
    severity: 'critical',
    description: `A signal that can page has waited for more than ${URGENT_AGE_SECONDS} seconds`,
    action: 'the router is slow, failing, cannot start, or has no free concurrency: see the log of `route`',
    trigger: { kind: 'max', above: URGENT_AGE_SECONDS },
    minutes: 1,
    covers: [
      [['age'], ['urgent']],
      [['errors', 'throttles'], ['route']],
    ],
    isIntake: true,
  },
  'urgent-dead-letters': {
    severity: 'critical',
    description: 'Signals that can page could not be processed: they are in the dead-letter queue of urgent',
    action:
      'the router failed to process signals sixteen times; its log has the reason. Then return them with [`firebreak queues redrive`](operating.md#firebreakmessagesdead), or with `aws sqs start-message-move-task --source-arn …`',
    trigger: { kind: 'new' },
    minutes: 1,
    covers: [
      [['dead-letters'], ['urgent']],
      [['recursion'], ['route']],
    ],
    isIntake: true,
  },
  'people-late': {
    severity: 'critical',
    description: `An action of a person in Slack or PagerDuty has waited for more than ${PEOPLE_AGE_SECONDS} seconds`,
    action: 'requests from Slack are late: see the log of `inbound`',
    trigger: { kind: 'max', above: PEOPLE_AGE_SECONDS },
    minutes: 1,
    covers: [
      [['age'], ['people']],
      [['errors', 'throttles'], ['inbound']],
    ],
  },
  'workflow-failed': {
    severity: 'critical',
    description:
      'A workflow could not start, failed, or reached its execution timeout; the sweeper starts the next run',
    action:
      'its dead-letter queue has `{incidentId, run}` of a run that failed or never started. The sweeper starts the next run; the log of that incident has the reason. If it was throttled: `platforms/aws/infra/functions.ts`, or the quota of the account',
    trigger: { kind: 'sum', above: 0 },
    minutes: 1,
    covers: [
      [['failed', 'timed-out', 'throttles', 'dead-letters', 'dead-letters-lost', 'dropped', 'recursion'], ['workflow']],
    ],
  },
  'workflow-quota': {
    severity: 'critical',
    description: `Workflows use more than ${RUNNING_MAX_PERCENT} % of the account's quota of concurrent durable executions`,
    action: 'request a higher quota',
    trigger: { kind: 'max', above: RUNNING_MAX_PERCENT },
    minutes: 5,
    covers: [[['quota'], ['workflow']]],
  },
  runaway: {
    severity: 'critical',
    description: `A function was called more than ${RUNAWAY_CALLS} times in ${RUNAWAY_MINUTES} minutes: it may be invoking itself endlessly`,
    action:
      'a storm, or an endless loop of `project` or the workflow, which [permit recursion](../adr/0027-allow-recursion-for-functions-that-call-themselves.md). To stop it: `aws lambda put-function-recursion-config --function-name … --recursive-loop Terminate`',
    trigger: { kind: 'max', above: RUNAWAY_CALLS },
    minutes: RUNAWAY_MINUTES,
    covers: [
      [['runaway'], ['workflow']],
      // In a small stage, its queue calls it twice at a time, and the budget notices.
      [['runaway'], ['project'], 'standard'],
    ],
  },
  'sweep-silent': {
    severity: 'critical',
    description: 'The sweeper has not run for five minutes: workflows that stopped are not restarted',
    action:
      'nothing repairs lost wake-ups; incidents still open and continue. Check the schedule, and free concurrency',
    ...silent('sweep'),
  },
  'signals-late': {
    severity: 'warning',
    description: `A signal that does not page, or of a service outside the catalogue, has waited for more than ${ORDINARY_AGE_SECONDS} seconds`,
    action: 'the router is slow or failing; `Unmatched` alone on the dashboard: a flood of alerts of unknown services',
    trigger: { kind: 'max', above: ORDINARY_AGE_SECONDS },
    minutes: 5,
    covers: [[['age'], ['ordinary', 'unmatched']]],
  },
  'projectors-late': {
    severity: 'warning',
    description: `A projector is more than ${PROJECTION_LATE_SECONDS} seconds late`,
    action:
      '`project` is not called, times out, or cannot start: see its log, and check whether the event source is enabled',
    trigger: { kind: 'max', above: LONGEST_DELAY_SECONDS + PROJECTION_LATE_SECONDS },
    minutes: 5,
    covers: [
      [['age'], PROJECTION_TARGET_NAMES],
      [['errors', 'throttles'], ['project']],
    ],
  },
  'dead-letters': {
    severity: 'warning',
    description: 'Signals that do not page, actions of people, or changes in AWS could not be processed',
    action:
      'see the log of `route` or `inbound`. Return the messages as for `urgent-dead-letters`, or let people repeat their actions. In `AwsChangesDeadLetters`: EventBridge could not report a [change](changes-from-your-systems.md#aws) for a day; check the token, then post the body to `/integrations/eventbridge/webhook`, or delete it',
    trigger: { kind: 'new' },
    minutes: 1,
    covers: [
      [['dead-letters'], ['ordinary', 'unmatched', 'people', 'aws-changes']],
      [['recursion'], ['route', 'inbound']],
    ],
  },
  'projector-dead-letters': {
    severity: 'warning',
    description: 'A projector failed sixteen times: its target shows old data',
    action: 'see the log of `project`. The messages are not needed: `aws sqs purge-queue --queue-url …`',
    trigger: { kind: 'new' },
    minutes: 1,
    covers: [
      [['dead-letters'], PROJECTION_TARGET_NAMES],
      [['recursion'], ['project']],
    ],
  },
  'jobs-failed': {
    severity: 'warning',
    description: 'A scheduled call failed, was throttled, or could not be delivered',
    action:
      'see the logs of `sweep`, `evaluate`, `digest`, and `snapshot`; the next run is a minute later. Without `sweep`, nothing repairs lost wake-ups; without `evaluate`, freezes stay as they are; without `digest`, stakeholders get no updates. The messages in `JobsDeadLetters` are not needed',
    trigger: { kind: 'sum', above: 0 },
    minutes: 1,
    covers: [
      [['errors', 'throttles', 'dead-letters', 'dropped'], JOBS],
      [['dead-letters-lost'], JOBS, 'standard'],
    ],
  },
  'evaluate-silent': {
    severity: 'warning',
    description: 'Objectives have not been evaluated for five minutes: freezes neither begin nor end',
    action: 'check the schedule, and free concurrency. Freezes stay in force',
    ...silent('evaluate'),
  },
  'digest-silent': {
    severity: 'warning',
    description: 'Updates to stakeholders have not been sent for five minutes',
    action: 'check the schedule, and free concurrency',
    ...silent('digest'),
  },
  'snapshot-silent': {
    severity: 'warning',
    description: 'The snapshot of the status pages has not been written for five minutes: readers see that it is old',
    action: 'check the schedule, and free concurrency',
    ...silent('snapshot'),
    only: 'standard',
  },
  'table-throttled': {
    severity: 'info',
    description: 'DynamoDB has throttled requests to the table or its index; they are retried and take longer',
    action:
      'a partition, or the whole table, has too much traffic. Look for one hot key in CloudWatch Contributor Insights',
    trigger: { kind: 'sum', above: 0 },
    minutes: 1,
    covers: [
      [
        ['reads-throttled', 'writes-throttled'],
        ['table', 'index'],
      ],
    ],
    only: 'standard',
  },
} as const satisfies Record<string, AlarmRow>;

export type AlarmName = keyof typeof ALARM_ROWS;
export const ALARM_NAMES = Object.keys(ALARM_ROWS) as readonly AlarmName[];

/** Returns the row of an alarm, with all optional fields. */
export const alarmRow = (name: AlarmName): AlarmRow => ALARM_ROWS[name];

/** The composite alarm: Firebreak does not receive alerts, or does not process those that can page. */
export const INTAKE = {
  name: 'intake-broken',
  severity: 'critical',
  description: 'The intake is broken: alerts are refused, late, or lost',
  parts: ALARM_NAMES.filter((name) => alarmRow(name).isIntake === true),
} as const satisfies { name: string; severity: Severity; description: string; parts: readonly AlarmName[] };

/** Returns the alarms of a size. */
export const alarmNames = (size: Size): AlarmName[] =>
  ALARM_NAMES.filter((name) => alarmRow(name).only === undefined || size === 'standard');

/** Returns the failures that the alarms of a size cover, such as `route-errors`. */
export const coveredFailures = (size: Size): string[] =>
  alarmNames(size)
    .flatMap((name) => alarmRow(name).covers)
    .filter(([, , only = size]) => only === size)
    .flatMap(([kinds, all]) => all.flatMap((one) => kinds.map((kind) => `${one}-${kind}`)));
