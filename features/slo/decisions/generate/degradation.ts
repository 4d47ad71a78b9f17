import { ERRORS, errorRatio } from './names.ts';
import type { Rule } from './rule.ts';

/** Share of failing events from which a deploy has degraded its service. */
const ERROR_RATIO_MAX = 0.05;
/** Problems that begin later are less likely to come from the deploy. */
const AFTER_DEPLOY_SECONDS = 30 * 60;

/** Minimum number of errors in five minutes for a rollback. */
const ERRORS_MIN = 3;

/** Error ratio of each service and environment that has more than a few errors. */
export const FAILING = `max by (service, environment) (${errorRatio('5m')} and ${ERRORS} * 300 >= ${ERRORS_MIN})`;

/** Services and environments with a recent deploy. */
export const DEPLOYED_RECENTLY = `time() - max by (service, environment) (firebreak_deployment_timestamp_seconds) < ${AFTER_DEPLOY_SECONDS}`;

/**
 * Builds the alert for a service that fails too much soon after one of its deploys, which is the reason for rolling it
 * back.
 */
export function degradationAlert(): Rule {
  return {
    alert: 'DeploymentDegradation',
    expr: `(${FAILING} > ${ERROR_RATIO_MAX})\nand on (service, environment)\n(${DEPLOYED_RECENTLY})`,
    for: '3m',
    labels: { severity: 'page', short_window: '5m', action: 'auto-rollback', runbook: 'high-error-rate-after-deploy' },
    annotations: {
      summary: '{{ $labels.service }} has been failing since its last deploy',
      description:
        '{{ $value | humanizePercentage }} of the events of {{ $labels.service }} in {{ $labels.environment }} fail, within 30 minutes of a deploy.',
    },
  };
}
