import { randomUUID } from 'node:crypto';
import type { CanaryActions } from '../types.ts';
import type { Deps } from '../ports.ts';
import { alertStart } from '../decisions/progress.ts';
import { type GateDeps, gateOf, whyPaused } from './gate.ts';
import { CANARY_ANNOTATION, type CanaryRecord } from '../canary.ts';
import type { RecordedDeploy } from '../../../core/domain/judge/measured-evidence.ts';
import { millisOf } from '../../../schemas/time/time.ts';
import { type JudgeDeps, judgeVersion } from '../../../workflows/steps/judge/judge-version.ts';
import { measureOverHttp } from '../../../workflows/steps/judge/measure.ts';
import { enqueue } from '../../../core/actions/alerts/enqueue.ts';
import { endDelay, updateChange, type RecordDeps } from '../../../core/actions/changes/record-change.ts';
import { notifyIncidents } from '../../../core/actions/changes/notify-incidents.ts';
import { reportFailedDeploy } from '../../../core/actions/changes/report-failed-deploy.ts';

type ActionDeps = JudgeDeps & GateDeps & RecordDeps;

/** Connects the workflow of canaries with the judge, the freezes, and the records of changes. */
export const canaryActions = (deps: ActionDeps): CanaryActions => ({
  async judge(canary, earlier) {
    const { service, environment, version, stable_version: baseline, limits } = canary;
    const request = { service, environment, version, baseline };
    const samples = await measureOverHttp(deps, request);
    const known = { limits, deploy: deployOf(canary) };
    return { judgement: await judgeVersion(deps, request, [...earlier, ...samples], known), samples };
  },
  gate: (canary) => gateOf(deps, canary, { by: canary.asked_by, consume: true }),
  isPaused: async () => whyPaused(deps).then((why) => why !== null),
  async weightChanged({ change_id, weight }) {
    await deps.changes.patch(change_id, { canary_weight: weight / 100 });
  },
  alert: (canary, alert) => sendAlert(deps, canary, alert),
  ended: (canary) => recordOutcome(deps, canary),
});

/** A canary takes over when it gets all traffic. */
const deployOf = ({ started_at, weight, weight_since, stable_version }: CanaryRecord): RecordedDeploy => ({
  startedAt: millisOf(started_at) / 1000,
  endedAt: weight === 100 ? millisOf(weight_since) / 1000 : null,
  previous: stable_version,
});

const ALERT_NAMES = { stalled: 'CanaryStalled', not_aborted: 'CanaryNotAborted' } as const;

async function sendAlert(
  deps: Pick<Deps, 'config' | 'queue' | 'clock'>,
  canary: CanaryRecord,
  alert: Parameters<CanaryActions['alert']>[1],
): Promise<void> {
  const { service, environment, version, change_id, trace, severity, degraded, alerted_at } = canary;
  const now = deps.clock.now();
  await enqueue(deps, { id: randomUUID(), at: now, trace }, [
    {
      source: 'deployment',
      status: alert === null ? 'resolved' : 'firing',
      labels: new Map<string, string>([
        ['alertname', ALERT_NAMES[alert?.kind ?? 'stalled']],
        ['service', service],
        ['environment', environment],
        ['severity', alert?.kind === 'not_aborted' || degraded ? severity : 'warning'],
        ['version', version],
      ]),
      annotations: new Map([
        ['summary', alert?.text ?? `The canary ${version} no longer needs attention`],
        ...(alert === null ? [] : [['description', alert.detail] as const]),
      ]),
      startsAt: alerted_at ?? alertStart(canary),
      endsAt: alert === null ? now : null,
      fingerprint: `${change_id}-canary`,
      episodic: true,
      generatorUrl: null,
    },
  ]);
}

/**
 * Records the outcome of the deployment. A version that was found worse is a failed deployment, whose alert has the
 * severity of the canary's configuration; it ends when a later deployment succeeds.
 */
async function recordOutcome(deps: RecordDeps, canary: CanaryRecord): Promise<void> {
  const { change_id, trace, status, degraded, severity, version, service, reason } = canary;
  const before = await deps.changes.get(change_id);
  if (before === undefined) return;
  if (status === 'promoted') {
    await updateChange(deps, before, { status: 'succeeded', canary_weight: 1 }, trace);
  } else if (degraded || status === 'failed') {
    await endDelay(deps, before, 'failed', trace);
    const failed = await deps.changes.patch(change_id, { status: 'failed', canary_weight: canary.weight / 100 });
    if (failed === undefined || failed === 'ended') return;
    const summary = `The canary ${version} of ${service} was aborted`;
    await reportFailedDeploy(deps, failed, trace, {
      severity,
      summary,
      annotations: [
        ['description', reason],
        [CANARY_ANNOTATION, canary.id],
      ],
    });
    await notifyIncidents(deps, failed);
  } else {
    await updateChange(deps, before, { status: 'cancelled', canary_weight: canary.weight / 100 }, trace);
  }
}
