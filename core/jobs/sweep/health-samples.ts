import { eachAlone } from '../../actions/each-alone.ts';
import { firstSampleOf, readHealthBetween } from '../../actions/incidents/live-health.ts';
import { healthOfIncident, type HealthQuery } from '../../domain/catalogue/health.ts';
import { rotated } from '../../domain/concurrency.ts';
import type { Deps } from '../../domain/ports/deps.ts';
import type { HealthSamples } from '../../domain/ports/health-samples.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { millisOf, plusSeconds, secondsBetween } from '../../../schemas/time/time.ts';

type SampleDeps = Pick<Deps, 'clock' | 'config' | 'incidents' | 'log' | 'metrics' | 'timeScale'> & {
  healthSamples: HealthSamples;
};

/** Seconds after which the next samples of an open incident are kept: each time is an item. */
const EACH_SECONDS = 300;

/** Seconds after the end of an incident after which samples that could not be read are given up. */
const GIVEN_UP_SECONDS = 3600;

/** Milliseconds for all queries of one sweep. */
const QUERIES_MS = 20_000;

/**
 * Keeps the samples of the health query of each incident, from half an hour before the problem until its end. What was kept stays,
 * whatever happens in the incident or to the monitoring system. Samples that could not be read are read later.
 */
export async function keepHealthSamples(deps: SampleDeps, open: readonly IncidentRecord[]): Promise<void> {
  const due = await Promise.all((await deps.healthSamples.due()).map((id) => deps.incidents.read(id)));
  const minute = Math.floor((millisOf(deps.clock.now()) * deps.timeScale) / 60_000);
  const ended = rotated(
    due.filter((one) => one !== undefined),
    minute,
  );
  const signal = AbortSignal.timeout(QUERIES_MS);
  await eachAlone(deps.log, 'samples of health', [...ended, ...rotated(open, minute)], async (incident) => {
    if (isGivenUp(deps, incident)) await deps.healthSamples.settle(incident.id);
    else if (!signal.aborted) await keepOf(deps, incident, signal);
  });
}

/** Returns whether samples that can't be read for an incident are given up. */
const isGivenUp = ({ clock }: Pick<SampleDeps, 'clock'>, { resolved_at: resolvedAt }: IncidentRecord): boolean =>
  resolvedAt !== null && secondsBetween(resolvedAt, clock.now()) >= GIVEN_UP_SECONDS;

async function keepOf(deps: SampleDeps, incident: IncidentRecord, signal: AbortSignal): Promise<void> {
  const { healthSamples, incidents } = deps;
  const { id, resolved_at: resolvedAt } = incident;
  const query = healthOfIncident(await deps.config.current(), incident);
  const now = deps.clock.now();
  if (query !== undefined) {
    const until = resolvedAt ?? now;
    const recent = resolvedAt === null ? plusSeconds(now, -EACH_SECONDS / deps.timeScale) : undefined;
    const newest = await healthSamples.newest(id, recent);
    if (newest !== null && recent !== undefined && newest > recent) return;
    const from = newest ?? firstSampleOf(incident, (await incidents.signals(id, { limit: 200 })).items);
    const read =
      newest !== null && newest >= until
        ? null
        : await readHealthBetween(deps, withoutVersions(query), { from, until }, signal);
    const isNew = ([at]: readonly [string, number]): boolean => newest === null || at > newest;
    const curve = read?.curve.filter(isNew) ?? [];
    await healthSamples.keep(id, { curve, traffic: read?.traffic?.filter(isNew) ?? [] });
    const isLacking = curve.length === 0 && (newest === null || newest < plusSeconds(until, -EACH_SECONDS));
    if (isLacking) return;
  }
  if (resolvedAt !== null) await healthSamples.settle(id);
}

/** Returns the query without the one by version, whose samples are not kept. */
function withoutVersions({ byVersion: _byVersion, ...query }: HealthQuery): HealthQuery {
  return query;
}
