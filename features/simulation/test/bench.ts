import { deepStrictEqual } from 'node:assert';
import { compare } from '../decisions/compare.ts';
import { askedOf } from '../decisions/policy-inputs.ts';
import { type Recorded, replay } from '../decisions/replay.ts';
import { MONITORED_SEED, monitoredCase } from '../../../packages/lab/evaluation/monitored/case.ts';
import { portsAt } from '../../../packages/lab/evaluation/monitored/ports.ts';
import { Config } from '../../../schemas/config/config.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { RecordedSignal } from '../../../schemas/alerts/recorded-signal.ts';
import { type RecordedIncident, RECORDING_FORMAT } from '../recording.ts';
import { plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { judgeIncident } from '../../../workflows/steps/judge-incident.ts';
import { type Measured, result } from '../../../packages/lab/bench/results.ts';

const INCIDENTS = 1000;
const SIGNALS = 10;

/** Number of runs, of which the fastest counts. */
const RUNS = 3;

/** Promised time of a comparison. */
const ALLOWED_MS = 10_000;

/**
 * Measures the comparison of two policies over the 10,000 alerts of 1,000 incidents with a decision each.
 * Fails unless an unchanged policy gives no difference, and a changed one a difference in each incident.
 */
export async function measure(): Promise<Measured[]> {
  const { policy, recorded } = await record();
  const changed = Config.parse({
    ...policy,
    routes: { routes: [{ match: { severity: 'critical' }, page: false, incident: true }] },
  });
  const times: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    const begin = performance.now();
    const { differences } = compare(replay(recorded, policy), replay(recorded, changed));
    times.push(performance.now() - begin);
    deepStrictEqual(differences.length, INCIDENTS, 'the changed policy does not differ in each incident');
  }
  const same = compare(replay(recorded, policy), replay(recorded, policy));
  deepStrictEqual(same.differences, [], 'the unchanged policy differs');
  const signals = (INCIDENTS * SIGNALS).toLocaleString('en');
  return [result(`what-if over ${signals} alerts, ms (reference: allowed)`, Math.min(...times), ALLOWED_MS, 1, 0)];
}

/** Records incidents whose decision is the one of the product about a deploy that breaks its service at once. */
async function record(): Promise<{ policy: Config; recorded: Recorded }> {
  const monitored = monitoredCase(MONITORED_SEED, 'deploy_at_once', 0);
  const { deps, incident: id } = portsAt(monitored, monitored.at);
  const policy = await deps.config.current();
  const judged = await judgeIncident(deps, id, 1, { by: 'alert', name: '' });
  if (judged === null) throw new Error(`the incident ${id} is resolved`);
  const { decision, inputs, incident } = judged;
  const decisionFields = {
    kind: decision.kind,
    state: 'final' as const,
    from: decision.from_version,
    to: decision.to_version,
  };
  const stored = JSON.parse(JSON.stringify(inputs)) as Record<string, unknown>;
  const asked = askedOf(policy, incident);
  const { service, environment, title, opened_at } = incident;
  const incidents = Array.from({ length: INCIDENTS }, (_, number): RecordedIncident => {
    const at = plusSeconds(opened_at, number * 3600);
    return {
      format: RECORDING_FORMAT,
      id: `${number}`.padStart(26, '0') as IncidentId,
      service,
      environment,
      unmatched: null,
      title,
      severity: 'critical',
      opened_at: at,
      resolved_at: plusSeconds(at, 900),
      opened_by: 'alerts',
      parent: null,
      pages_by_parent: [],
      asked,
      responder: null,
      signals: Array.from({ length: SIGNALS }, (__, alert) =>
        signalOf(`${number}-${alert}`, { service, environment, title }, at),
      ),
      truncated: false,
      messages: [],
      decisions: [{ number: 1, at: plusSeconds(at, 10), ...decisionFields, inputs: stored }],
      runbooks: [],
      pages: [{ number: 1, at }],
    };
  });
  return { policy, recorded: { incidents, alerts: [] } };
}

function signalOf(
  fingerprint: string,
  failing: Pick<RecordedSignal, 'service' | 'environment' | 'title'>,
  at: Timestamp,
): RecordedSignal {
  return {
    ...failing,
    at,
    received_at: at,
    muted: null,
    source: 'alertmanager',
    episode: `alertmanager:${fingerprint}:${at}`,
    fingerprint,
    episodic: true,
    starts_at: at,
    ends_at: plusSeconds(at, 600),
    unmatched: null,
    severity: 'critical',
    requests_rollback: true,
    monitoring_failure: false,
    labels: [
      ['alertname', 'HighErrorRatio'],
      ['service', failing.service],
      ['environment', failing.environment],
      ['severity', 'critical'],
      ['instance', fingerprint],
    ],
    annotations: [],
  };
}
