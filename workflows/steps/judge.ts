import { serviceEntry } from '../../domain/catalogue.ts';
import { modesFor } from '../../domain/automation.ts';
import type { Deps, Place } from '../../domain/ports.ts';
import type { OnsetEvidence } from '../../domain/onset.ts';
import type { Asked } from '../../domain/response.ts';
import { decide, type DecisionInputs, type Guard } from '../../domain/rollback.ts';
import type { EnvironmentEntry } from '../../schemas/config.ts';
import type { DecisionView, IncidentRecord } from '../../schemas/incident.ts';
import type { IncidentId } from '../../schemas/names.ts';
import { plusSeconds, type Timestamp } from '../../schemas/time.ts';

/** How many of a place's newest changes are looked at: enough to find a good version behind a row of bad ones. */
const CHANGES_READ = 50;

/** How far back the health query is asked for the first bad sample. */
const ONSET_LOOK_BACK_SECONDS = 1800;

export type Judged = { decision: DecisionView; inputs: DecisionInputs; incident: IncidentRecord };

/** Gathers all that the judgement depends on, judges, and stores both. The first judgement of a number stays. */
export async function judge(deps: Deps, id: IncidentId, number: number, asked: Asked): Promise<Judged> {
  const incident = await deps.incidents.read(id);
  if (incident === undefined) throw new Error(`incident ${id} is not in the table`);
  const known = await deps.decisions.get(id, number);
  const before = known && (await deps.decisions.inputs(id, number));
  if (known && before) return { decision: known, inputs: before, incident };
  const inputs = await gather(deps, incident, asked);
  return { decision: await deps.decisions.keep(id, number, decide(inputs), inputs), inputs, incident };
}

async function gather(deps: Deps, incident: IncidentRecord, asked: Asked): Promise<DecisionInputs> {
  const config = await deps.config.current();
  const entry = entryOf(config.services, incident);
  const [changes, guard, rollbacks, signals] = await Promise.all([
    deps.changes.recent(incident, CHANGES_READ),
    readGuard(deps, incident),
    deps.effects.rollbacksSince(incident, plusSeconds(deps.clock.now(), -3600)),
    deps.incidents.signals(incident.id, { limit: 200 }),
  ]);
  const firing = signals.items.filter((signal) => signal.status === 'firing');
  // An older alert that only joined must not date a new problem back to its own start.
  const asking = firing.filter((signal) => signal.asksRollback);
  const cause = asked.by === 'alert' && asking.length > 0 ? asking : firing;
  return {
    incident_id: incident.id,
    asked,
    matched: incident.unmatched === null,
    monitoring_failure_only: firing.length > 0 && firing.every((signal) => signal.monitoringFailure),
    onset: await evidence(
      deps,
      entry,
      cause.map((signal) => ({ startsAt: signal.startsAt, labels: signal.labels })),
      incident.opened_at,
    ),
    changes: changes.map((change) => ({ ...change, commits: [] })),
    policy: {
      mode: entry?.autoRollback.mode ?? 'shadow',
      unknownMigration: entry?.autoRollback.unknownMigration ?? 'approve',
    },
    has_deployer: entry?.deployer !== undefined,
    guard,
    incident_paused: incident.automation_paused,
    one_of_many: incident.parent_id !== undefined,
    rollbacks_last_hour: rollbacks,
    config_version: config.version,
  };
}

/** What the catalogue says of a place; nothing of one that it does not know. */
export function entryOf(
  services: Awaited<ReturnType<Deps['config']['current']>>['services'],
  { service, environment }: Place,
): EnvironmentEntry | undefined {
  const own = serviceEntry(services, service);
  return own !== undefined && Object.hasOwn(own.environments, environment) ? own.environments[environment] : undefined;
}

/** The kill switch and the modes, strongly consistent. That they cannot be read is an answer, too: nothing is done. */
export async function readGuard(deps: Pick<Deps, 'automation'>, place: Place): Promise<Guard> {
  try {
    const automation = await deps.automation.read();
    return { state: 'read', paused: automation.paused, modes: modesFor(automation, place) };
  } catch (error) {
    return { state: 'unreadable', detail: error instanceof Error ? error.message : String(error) };
  }
}

async function evidence(
  deps: Deps,
  entry: EnvironmentEntry | undefined,
  firing: readonly { startsAt: Timestamp; labels: [string, string][] }[],
  openedAt: Timestamp,
): Promise<OnsetEvidence> {
  const earliest = firing.toSorted((a, b) => (a.startsAt < b.startsAt ? -1 : 1))[0];
  if (earliest === undefined) return { alertStartedAt: openedAt, rule: null, firstBadAt: null };
  const alertname = new Map(earliest.labels).get('alertname');
  const [rule, firstBadAt] = await Promise.all([
    alertname === undefined ? null : deps.metrics.rule(alertname),
    entry?.health === undefined
      ? null
      : deps.metrics.firstAbove(entry.health.promql, entry.health.max, earliest.startsAt, ONSET_LOOK_BACK_SECONDS),
  ]);
  return { alertStartedAt: earliest.startsAt, rule, firstBadAt };
}
