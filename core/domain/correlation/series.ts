import type { Timestamp } from '../../../schemas/time/time.ts';
import { sameVersion } from '../changes/versions.ts';
import type { Curve, Evidence, Health, InstancesOfVersion, Series, VersionSeries } from './evidence.ts';
import { pointsOf } from './samples.ts';
import { UNKNOWN_WINDOW_SECONDS } from './unknown-window.ts';

/** Returns what is measured of a version. Undefined: nothing. */
export const seriesOf = (
  { by_version: versions }: Pick<Evidence, 'by_version'>,
  { version }: { version: string },
): VersionSeries | undefined => versions?.find((one) => sameVersion(one.version, version));

/** Returns whether health is measured by a query with a limit. */
export const hasLimit = (health: Evidence['health']): health is Health =>
  health !== null && Number.isFinite(health.max);

/** Returns the time of the first sample in milliseconds. Infinity: there is none. */
export const firstSample = ({ curve, traffic }: Series, at: Timestamp): number =>
  Math.min(...[...pointsOf(curve, at), ...pointsOf(traffic ?? [], at)].map((point) => point.at));

/** Milliseconds within which two first samples count as simultaneous. */
export const SAME_TIME_MS = 60_000;

/** Returns the time of the first sample of any version in milliseconds. Infinity: there is none. */
export const monitoredSince = ({ by_version: versions, at }: Pick<Evidence, 'by_version' | 'at'>): number =>
  Math.min(...(versions ?? []).map((one) => firstSample(one, at)));

/** Returns the seconds that a value of a version covers. */
export const windowOfVersions = ({
  by_version_window: window,
  health,
}: Pick<Evidence, 'by_version_window' | 'health'>): number =>
  window ?? health?.window ?? UNKNOWN_WINDOW_SECONDS.longest;

/** What is measured over time. */
export type Measurements = Partial<
  Pick<Evidence, 'health' | 'traffic' | 'by_version' | 'by_version_close' | 'by_instance' | 'callers' | 'by_flag'>
>;

/** Returns the measurements with each series of a version, an instance, and a variant of a flag replaced. */
export function mapSeries<M extends Measurements>(measured: M, replaced: <One extends Series>(one: One) => One): M {
  const { by_version: versions, by_version_close: close, by_instance: instances, callers, by_flag: flags } = measured;
  const ofVersions = <Part extends { versions: readonly VersionSeries[] }>(part: Part): Part => ({
    ...part,
    versions: part.versions.map(replaced),
  });
  const ofInstances = (one: InstancesOfVersion): InstancesOfVersion => ({
    ...one,
    instances: one.instances.map(replaced),
  });
  return {
    ...measured,
    ...(versions && { by_version: versions.map(replaced) }),
    ...(close && { by_version_close: ofVersions(close) }),
    ...(instances && { by_instance: { ...instances, versions: instances.versions.map(ofInstances) } }),
    ...(callers && { callers: { ...ofVersions(callers), ...(callers.close && { close: ofVersions(callers.close) }) } }),
    ...(flags && { by_flag: flags.map((one) => ({ ...one, variants: one.variants.map(replaced) })) }),
  };
}

/** Returns the measurements with each curve replaced. */
export function mapCurves<M extends Measurements>(measured: M, replaced: (curve: Curve) => Curve): M {
  const { health, traffic } = measured;
  return {
    ...mapSeries(measured, (one) => ({
      ...one,
      curve: replaced(one.curve),
      traffic: one.traffic && replaced(one.traffic),
    })),
    ...(health && {
      health: { ...health, curve: replaced(health.curve), ...(health.long && { long: replaced(health.long) }) },
    }),
    ...(traffic && { traffic: replaced(traffic) }),
  };
}
