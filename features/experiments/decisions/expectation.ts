import type { ExperimentRecord } from '../experiment.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import { isEvent } from '../../../core/domain/alerts/admission.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';

/** The properties of an alert that decide whether an experiment explains it. */
export type Alerting = Pick<
  Signal,
  | 'service'
  | 'environment'
  | 'unmatched'
  | 'source'
  | 'severity'
  | 'labels'
  | 'startsAt'
  | 'title'
  | 'monitoringFailure'
>;

export type ExpectationReason = { code: string; text: string };

/**
 * Whether an alert is expected. `abort`: it is in the scope of the experiment, which must be stopped before the alert is
 * treated like any other.
 */
export type Expectation =
  | { kind: 'real'; reasons: ExpectationReason[] }
  | { kind: 'expected' | 'abort'; experiment: ExperimentRecord; reasons: ExpectationReason[] };

/** Seconds after the reason for an abort in which its alerts wait for the stop. */
const STOP_WITHIN_SECONDS = 120;

type ExpectationInputs = { signal: Alerting; experiment: ExperimentRecord; now: Timestamp };

/** Conditions with which an alert is real, in order. The first one that applies is given as the reason. */
const REAL_ALERT_CONDITIONS: readonly { code: string; applies: (inputs: ExpectationInputs) => string | false }[] = [
  {
    code: 'not_running',
    applies: ({ experiment: { status } }) =>
      !['running', 'stopping', 'settling'].includes(status) && `the experiment is ${status}`,
  },
  {
    code: 'aborted',
    applies: ({ experiment }) =>
      experiment.stopped_at !== null &&
      isAborted(experiment) &&
      `the experiment was aborted: ${experiment.ending?.reason ?? ''}`,
  },
  {
    code: 'over',
    applies: ({ experiment: { until, status }, now }) =>
      status === 'settling' && until !== null && now >= until && `its grace period ended at ${until}`,
  },
  {
    code: 'expired',
    applies: ({ experiment: { expires_at: expiresAt }, now }) =>
      expiresAt !== null && now >= expiresAt && `it was to be over by ${expiresAt}, with its grace period`,
  },
  {
    code: 'stop_overdue',
    applies: ({ experiment, now }) => {
      const since = experiment.abort_alert?.at ?? (isAborted(experiment) ? experiment.ending?.at : undefined);
      return (
        since !== undefined &&
        now >= plusSeconds(since, STOP_WITHIN_SECONDS) &&
        `its stop was requested at ${since} and is not confirmed`
      );
    },
  },
  {
    code: 'unmatched',
    applies: ({ signal }) => signal.unmatched !== null && 'its service is not in the catalogue',
  },
  {
    code: 'outside_scope',
    applies: ({ signal: { service, environment }, experiment: { scope } }) =>
      !scope.some((member) => member.service === service && member.environment === environment) &&
      `${service} in ${environment} is not in the scope`,
  },
  {
    code: 'fired_before',
    applies: ({ signal: { startsAt }, experiment: { started_at: startedAt } }) =>
      (startedAt === null || startsAt < startedAt) && `it fires since ${startsAt}, before the experiment`,
  },
  {
    code: 'fired_after',
    applies: ({ signal: { startsAt }, experiment: { stopped_at: stoppedAt } }) =>
      stoppedAt !== null && startsAt > stoppedAt && `it fires since ${startsAt}, after the experiment was over`,
  },
  {
    code: 'abort_after_end',
    applies: ({ signal, experiment: { stopped_at: stoppedAt, abort_alerts: abort } }) =>
      stoppedAt !== null && matchesAny(signal, abort) && 'it is an abort condition, and the experiment is over',
  },
  {
    code: 'event',
    applies: ({ signal }) =>
      isEvent(signal) && 'it is an event, which does not fire any more when the experiment is over',
  },
  {
    code: 'monitoring_failure',
    applies: ({ signal }) =>
      signal.monitoringFailure && 'monitoring failed, so the effect of the experiment is unknown',
  },
  {
    code: 'other_labels',
    applies: ({ signal, experiment: { expected_alerts: expected, abort_alerts: abort } }) =>
      expected.length > 0 &&
      !matchesAny(signal, expected) &&
      !matchesAny(signal, abort) &&
      'it is none of the expected alerts',
  },
];

/** Returns whether the end is an abort, after which nothing is expected any more. */
export const isAborted = ({ ending }: Pick<ExperimentRecord, 'ending'>): boolean =>
  ending !== null &&
  ['abort_check', 'abort_missing', 'abort_alert', 'not_steady', 'incident_open', 'failed_to_run'].includes(ending.code);

/**
 * Decides whether an experiment explains a firing alert. Without certainty, the alert is real.
 *
 * @param experiments those that are not over
 */
export function expectationOf(signal: Alerting, experiments: readonly ExperimentRecord[], now: Timestamp): Expectation {
  const reasons: ExpectationReason[] = [];
  for (const experiment of experiments) {
    const why = whyReal({ signal, experiment, now });
    if (why !== null) {
      reasons.push({ code: why.code, text: `experiment ${experiment.name}: ${why.text}` });
      continue;
    }
    const isAbort = matchesAny(signal, experiment.abort_alerts);
    return {
      kind: isAbort ? 'abort' : 'expected',
      experiment,
      reasons: [
        { code: 'in_scope', text: `${signal.service} in ${signal.environment} is in the scope of ${experiment.name}` },
        { code: 'in_time', text: `it fires since ${signal.startsAt}, during the experiment` },
        isAbort
          ? { code: 'abort_alert', text: 'it is an abort condition, so the experiment is stopped first' }
          : {
              code: 'expected_alert',
              text:
                experiment.expected_alerts.length === 0
                  ? 'all alerts of the scope are expected'
                  : 'its labels are expected',
            },
      ],
    };
  }
  return { kind: 'real', reasons };
}

function whyReal(inputs: ExpectationInputs): ExpectationReason | null {
  for (const { code, applies } of REAL_ALERT_CONDITIONS) {
    const text = applies(inputs);
    if (text !== false) return { code, text };
  }
  return null;
}

function matchesAny({ labels }: Pick<Alerting, 'labels'>, labelSets: ExperimentRecord['expected_alerts']): boolean {
  const alertLabels = new Map(labels);
  return labelSets.some((labelSet) =>
    Object.entries(labelSet).every(([name, value]) => alertLabels.get(name) === value),
  );
}
