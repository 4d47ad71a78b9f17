import { ofVersion } from '../../domain/changes/change-words.ts';
import { randomUUID } from 'node:crypto';
import { DEPLOY_OVERDUE } from '../../domain/alerts/admission.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import { endOf } from '../../domain/changes/versions.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import type { Severity } from '../../../schemas/config/names.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { enqueue } from '../alerts/enqueue.ts';

type ReportDeps = Pick<Deps, 'config' | 'queue' | 'clock'>;

/** Enqueues a firing signal for a failed deployment. It is processed as any other signal of the service. */
export function reportFailedDeploy(
  deps: ReportDeps,
  change: Change,
  trace: string,
  {
    severity = 'warning',
    summary = `The ${change.kind} ${ofVersion(change)} failed`,
    annotations,
  }: Partial<Failure> = {},
): Promise<void> {
  const startsAt = endOf(change);
  return report(deps, change, trace, {
    alertname: 'DeploymentFailed',
    severity,
    summary,
    annotations,
    startsAt,
    endsAt: null,
  });
}

/** `annotations`: more annotations of the alert. */
type Failure = { severity: Severity; summary: string; annotations: readonly (readonly [string, string])[] };

/**
 * Enqueues the resolved signal for a failed deployment, after it or a later one has succeeded.
 *
 * @param failedAt the time that the firing signal reported
 */
export function endFailedDeploy(deps: ReportDeps, change: Change, failedAt: Timestamp, trace: string): Promise<void> {
  const summary = `The ${change.kind} ${ofVersion(change)} failed`;
  const endsAt = deps.clock.now();
  return report(deps, change, trace, { alertname: 'DeploymentFailed', summary, startsAt: failedAt, endsAt });
}

/**
 * Enqueues a firing signal for a deployment that does not end.
 *
 * @param at when the deployment became overdue
 */
export function reportOverdueDeploy(deps: ReportDeps, change: Change, at: Timestamp, trace: string): Promise<void> {
  const summary = `The ${change.kind} ${ofVersion(change)} started and is overdue`;
  return report(deps, change, trace, { alertname: DEPLOY_OVERDUE, summary, startsAt: at, endsAt: null });
}

/** Enqueues the resolved signal for an overdue deployment that has ended, whatever its status. */
export function endOverdueDeploy(
  deps: ReportDeps,
  change: Change,
  at: Timestamp,
  trace: string,
  summary = `The ${change.kind} ${ofVersion(change)} has ended`,
): Promise<void> {
  const endsAt = deps.clock.now();
  return report(deps, change, trace, { alertname: DEPLOY_OVERDUE, summary, startsAt: at, endsAt });
}

async function report(
  deps: ReportDeps,
  { id, service, environment, version, url }: Change,
  trace: string,
  alert: {
    alertname: string;
    severity?: Severity;
    summary: string;
    annotations?: Failure['annotations'] | undefined;
    startsAt: Timestamp;
    endsAt: Timestamp | null;
  },
): Promise<void> {
  await enqueue(deps, { id: randomUUID(), at: deps.clock.now(), trace }, [
    {
      source: 'deployment',
      status: alert.endsAt === null ? 'firing' : 'resolved',
      labels: new Map([
        ['alertname', alert.alertname],
        ['service', service],
        ['environment', environment],
        ['severity', alert.severity ?? 'warning'],
        ['version', version],
      ]),
      annotations: new Map<string, string>([['summary', alert.summary], ...(alert.annotations ?? [])]),
      startsAt: alert.startsAt,
      endsAt: alert.endsAt,
      fingerprint: alert.alertname === DEPLOY_OVERDUE ? `${id}-overdue` : id,
      episodic: true,
      generatorUrl: url,
    },
  ]);
}
