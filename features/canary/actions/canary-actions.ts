import { randomUUID } from 'node:crypto';
import type { CanaryActions } from '../types.ts';
import { refusalText } from '../../freeze/decisions/words.ts';
import type { Deps } from '../ports.ts';
import { alertStart, type Gate } from '../decisions/progress.ts';
import { CANARY_ANNOTATION, type CanaryRecord } from '../canary.ts';
import type { RecordedDeploy } from '../../../core/domain/judge/measured-evidence.ts';
import { incidentName } from '../../../core/domain/incidents/incident-number.ts';
import { millisOf } from '../../../schemas/time/time.ts';
import { type JudgeDeps, judgeVersion } from '../../../workflows/steps/judge/judge-version.ts';
import { measureOverHttp } from '../../../workflows/steps/judge/measure.ts';
import { readAutomation } from '../../../workflows/steps/judge-incident.ts';
import { enqueue } from '../../../core/actions/alerts/enqueue.ts';
import { endDelay, updateChange, type RecordDeps } from '../../../core/actions/changes/record-change.ts';
import { notifyIncidents } from '../../../core/actions/changes/notify-incidents.ts';
import { reportFailedDeploy } from '../../../core/actions/changes/report-failed-deploy.ts';
import { check } from '../../freeze/actions/check.ts';
import type { CheckDeps } from '../../freeze/actions/inputs.ts';

type ActionDeps = JudgeDeps & CheckDeps & RecordDeps & Pick<Deps, 'automation'>;

/** Connects the workflow of canaries with the judge, the freezes, and the records of changes. */
export const canaryActions = (deps: ActionDeps): CanaryActions => ({
  async judge(canary, earlier) {
    const { service, environment, version, stable_version: baseline, limits } = canary;
    const request = { service, environment, version, baseline };
    const samples = await measureOverHttp(deps, request);
    const known = { limits, deploy: deployOf(canary) };
    return { judgement: await judgeVersion(deps, request, [...earlier, ...samples], known), samples };
  },
  gate: (canary) => gate(deps, canary),
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

/** Returns why nothing is done automatically. Null: no reason. */
async function whyPaused(deps: Pick<Deps, 'automation'>): Promise<string | null> {
  const { killSwitch } = await readAutomation(deps);
  if (killSwitch.state === 'unreadable') return `the kill switch could not be read: ${killSwitch.detail}`;
  return killSwitch.paused ? 'the kill switch is on' : null;
}

async function gate(deps: ActionDeps, canary: CanaryRecord): Promise<Gate> {
  const { service, environment, version, id, asked_by: by } = canary;
  const paused = await whyPaused(deps);
  if (paused !== null) return { open: false, code: 'automation_paused', reason: paused };
  const incident = await deps.incidents.openAt({ service, environment });
  if (incident !== undefined)
    return { open: false, code: 'incident', reason: `incident ${incidentName(incident)} is open: ${incident.title}` };
  try {
    const request = { service, environment, version, commit: null, deployment_id: id, change: 'deploy' as const };
    const answer = await check(deps, { request, by, consume: true, identityToken: null });
    if (answer.allowed) return { open: true };
    return { open: false, code: 'frozen', reason: refusalText(answer) };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { open: false, code: 'freeze_unknown', reason: `the freezes could not be checked: ${detail}` };
  }
}

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
