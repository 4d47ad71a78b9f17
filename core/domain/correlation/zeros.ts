import type { Curve, Evidence } from './evidence.ts';

/** Minimum samples of requests without errors; fewer can be a difference of scrapes. */
const MIN_SAMPLES = 5;

/**
 * Completes curves whose series begins with the first error. Where requests were measured before, and errors were not,
 * there were none: `errors / requests` has no value until the first error of a service, or of a version, nor after the
 * instances that had errors are gone. A quantile has a value for each request.
 */
export function withZeros(evidence: Evidence): Evidence {
  const { health, by_version: versions, by_version_close: close, by_instance: instances, by_flag: flags } = evidence;
  if (health === null || health.quantile === true || (versions === null && flags === undefined))
    return { ...evidence, health: healthWithZeros(evidence) };
  return {
    ...evidence,
    health: healthWithZeros(evidence),
    by_version: versions && versionsWithZeros(versions),
    ...(close && { by_version_close: { ...close, versions: versionsWithZeros(close.versions) } }),
    ...(instances && {
      by_instance: {
        ...instances,
        versions: instances.versions.map((one) => ({ ...one, instances: versionsWithZeros(one.instances) })),
      },
    }),
    ...(flags && { by_flag: flags.map((one) => ({ ...one, variants: versionsWithZeros(one.variants) })) }),
  };
}

const versionsWithZeros = <One extends { curve: Curve; traffic: Curve | null }>(versions: readonly One[]): One[] =>
  versions.map((one) => (one.traffic === null ? one : { ...one, curve: completed(one.curve, one.traffic) }));

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
