import { healthOf } from '../../domain/health.ts';
import type { Deps } from '../../domain/ports.ts';
import { afterVerdict, type Mitigation } from '../../domain/verdict.ts';
import type { VerificationOutcome } from '../../schemas/inbox.ts';
import type { IncidentId } from '../../schemas/names.ts';
import { wake } from '../wake.ts';
import { warnings } from './hear.ts';
import { noteDemotion } from '../demotion.ts';
import { rollbackKey } from './roll-back.ts';
import { actsOf } from './runbook/conclude.ts';

/** `alertsFired`: that is all that stands against it. */
export type Verdict = { outcome: VerificationOutcome; text: string; alertsFired?: true };

/**
 * Has the mitigation helped? By the health query where there is one and a Prometheus to ask; else by the alerts.
 * No traffic and no answer prove nothing.
 */
export async function verdictOf(deps: Deps, id: IncidentId): Promise<Verdict> {
  const incident = await deps.incidents.read(id);
  if (incident === undefined) throw new Error(`incident ${id} is not in the table`);
  const health = healthOf(await deps.config.current(), incident);
  const measured = health === undefined ? null : await deps.metrics.value(health.promql);
  if (health === undefined || measured === null) {
    const firing = incident.firing > 0 ? incident.firing - (await warnings(deps, id)).length : 0;
    return byAlerts(firing);
  }
  switch (measured.kind) {
    case 'value': {
      const value = short(measured.value, health.max);
      return measured.value <= health.max
        ? { outcome: 'passed', text: `Healthy: ${health.called} is ${value}, at most ${health.max}` }
        : {
            outcome: 'failed',
            text: `Not healthy: ${health.called} is ${value}, above ${health.max}`,
          };
    }
    case 'no_data':
      return { outcome: 'inconclusive', text: `Inconclusive: ${health.called} gives no data, which proves nothing` };
    case 'unreadable':
      return { outcome: 'inconclusive', text: `Inconclusive: ${measured.detail}` };
  }
}

/** Three digits say enough, unless they would say that it is at the limit. */
const short = (value: number, limit: number): number => {
  const rounded = Number(value.toPrecision(3));
  return rounded === limit ? value : rounded;
};

/** An alert over an hour's window goes on firing long after the service has recovered: that proves no failure. */
const byAlerts = (firing: number): Verdict =>
  firing <= 0
    ? { outcome: 'passed', text: 'All alerts have ended (there is no health query to ask)' }
    : {
        outcome: 'inconclusive',
        alertsFired: true,
        text: `${firing} ${firing === 1 ? 'alert is' : 'alerts are'} still firing, and there is no health query to ask; looks again when they end`,
      };

/** Judges, and leaves the verdict in the inbox, once for each `key`. */
export async function verifyOnce(deps: Deps, id: IncidentId, number: number, key: string): Promise<Verdict> {
  return concludeVerification(deps, id, number, await verdictOf(deps, id), key);
}

/** The same of what a runbook has changed. `again`: later than at the end of its window. */
export async function verifyRunbook(deps: Deps, id: IncidentId, runbook: number, again = ''): Promise<Verdict> {
  const verdict = await verdictOf(deps, id);
  await leave(deps, id, { number: 0, runbook }, verdict, `verification-runbook-${runbook}${again}`);
  if (verdict.outcome === 'failed')
    for (const key of await actsOf(deps, id, runbook)) await countAsWrong(deps, id, key, verdict);
  await wake(deps, id);
  return verdict;
}

/** Leaves a verdict in the inbox, once for each `key`. What has not helped counts against the automation. */
export async function concludeVerification(
  deps: Deps,
  id: IncidentId,
  number: number,
  verdict: Verdict,
  key: string,
): Promise<Verdict> {
  await leave(deps, id, { number }, verdict, key);
  if (verdict.outcome === 'failed') await countAsWrong(deps, id, rollbackKey(id, number), verdict);
  await wake(deps, id);
  return verdict;
}

async function leave(
  deps: Deps,
  id: IncidentId,
  about: Mitigation,
  { outcome, text, alertsFired }: Verdict,
  key: string,
): Promise<void> {
  await deps.incidents.post(
    id,
    { kind: 'verification', ...about, outcome, ...(alertsFired && { alerts_fired: true }) },
    (incident) => {
      const change = afterVerdict(incident, about, outcome);
      const told = change.status === 'open' ? `${text}; so it is not mitigated, and open again` : text;
      return {
        ...change,
        timeline: { actor: 'firebreak', kind: `verification.${outcome}`, text: told, detail: about },
      };
    },
    key,
  );
}

async function countAsWrong(deps: Deps, id: IncidentId, key: string, { text }: Verdict): Promise<void> {
  const { demoted } = await deps.automation.wrong(id, key, text);
  for (const service of demoted) await noteDemotion(deps, id, service);
}
