import type { Timestamp } from '../../../schemas/time/time.ts';
import { sameVersion } from '../changes/versions.ts';
import type { Evidence, Series, VersionSeries } from './evidence.ts';
import { pointsOf } from './samples.ts';
import { UNKNOWN_WINDOW_SECONDS } from './unknown-window.ts';

/** Returns what is measured of a version. Undefined: nothing. */
export const seriesOf = (
  { by_version: versions }: Pick<Evidence, 'by_version'>,
  { version }: { version: string },
): VersionSeries | undefined => versions?.find((one) => sameVersion(one.version, version));

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
