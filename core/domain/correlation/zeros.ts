import type { Curve, Evidence } from './evidence.ts';
import { mapSeries } from './series.ts';

/** Minimum samples of requests without errors; fewer can be a difference of scrapes. */
const MIN_SAMPLES = 5;

/**
 * Completes curves whose series begins with the first error. Where requests were measured before, and errors were not,
 * there were none: `errors / requests` has no value until the first error of a service, or of a version, nor after the
 * instances that had errors are gone. A quantile has a value for each request.
 */
export function withZeros(evidence: Evidence): Evidence {
  const { health, by_version: versions, by_flag: flags } = evidence;
  const completedHealth = { ...evidence, health: healthWithZeros(evidence) };
  return health === null || health.quantile === true || (versions === null && flags === undefined)
    ? completedHealth
    : mapSeries(completedHealth, (one) =>
        one.traffic === null ? one : { ...one, curve: completed(one.curve, one.traffic) },
      );
}

/** Completes only the curve of the service. */
export const healthWithZeros = ({
  health,
  traffic = null,
}: Pick<Evidence, 'health'> & Partial<Pick<Evidence, 'traffic'>>): Evidence['health'] =>
  health === null || health.quantile === true || traffic === null
    ? health
    : { ...health, curve: completed(health.curve, traffic) };

function completed(curve: Curve, traffic: Curve): Curve {
  const first = curve.reduce((earliest, [at]) => (at < earliest ? at : earliest), '9');
  const last = curve.reduce((latest, [at]) => (at > latest ? at : latest), first);
  const zeros = traffic.filter(([at, rate]) => rate > 0 && (at < first || at > last)).map(([at]) => [at, 0] as const);
  const [before, after] = [zeros.filter(([at]) => at < first), zeros.filter(([at]) => at > last)];
  return [
    ...(before.length < MIN_SAMPLES ? [] : before),
    ...curve,
    ...(after.length < MIN_SAMPLES || curve.length === 0 ? [] : after),
  ];
}
