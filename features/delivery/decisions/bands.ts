import type { Band, BandPreset, DeliveryConfig } from '../config.ts';

type Limits = Readonly<Record<Exclude<Band, 'low'>, number>>;

export type BandLimits = {
  /** Deploys per day, at least. */
  deploymentFrequency: Limits;
  /** Seconds. `elite` is reached below its limit, the others also at it. */
  leadTime: Limits;
  /** 0 to 1, at most. */
  changeFailRate: Limits;
  /** Seconds. Each band is reached below its limit. */
  recovery: Limits;
};

const HOUR = 3600;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;
/** A month has 30 days, and a quarter 90. */
const MONTH = 30 * DAY;

const PRESETS: Readonly<Record<BandPreset, BandLimits>> = {
  'four-keys': {
    deploymentFrequency: { elite: 1, high: 1 / 30, medium: 1 / 90 },
    leadTime: { elite: HOUR, high: WEEK, medium: MONTH },
    changeFailRate: { elite: 0.15, high: 0.3, medium: 0.45 },
    recovery: { elite: HOUR, high: DAY, medium: WEEK },
  },
  'dora-2023': {
    deploymentFrequency: { elite: 1, high: 1 / 7, medium: 1 / 30 },
    leadTime: { elite: DAY, high: WEEK, medium: MONTH },
    changeFailRate: { elite: 0.05, high: 0.1, medium: 0.15 },
    recovery: { elite: HOUR, high: DAY, medium: WEEK },
  },
};

/** Returns the limits of the preset, replaced by those that the configuration names. */
export function bandLimits({ bands: { preset, ...configured } }: Pick<DeliveryConfig, 'bands'>): BandLimits {
  const base = PRESETS[preset];
  return {
    deploymentFrequency: configured.deploymentFrequency ?? base.deploymentFrequency,
    leadTime: configured.leadTime ?? base.leadTime,
    changeFailRate: configured.changeFailRate ?? base.changeFailRate,
    recovery: configured.recovery ?? base.recovery,
  };
}

const BANDS_ABOVE_LOW: readonly Exclude<Band, 'low'>[] = ['elite', 'high', 'medium'];

/** Floating-point noise of a division such as 1 deploy in 30 days. */
const ROUNDING_ERROR = 1e-12;

/** Returns the band of a number of deploys per day. A value between two bands of the literature belongs to the lower. */
export const frequencyBand = (perDay: number, { deploymentFrequency: limits }: BandLimits): Band =>
  BANDS_ABOVE_LOW.find((band) => perDay >= limits[band] - ROUNDING_ERROR) ?? 'low';

export const leadTimeBand = (seconds: number | null, { leadTime: limits }: BandLimits): Band | null =>
  seconds === null
    ? null
    : (BANDS_ABOVE_LOW.find((band) => (band === 'elite' ? seconds < limits[band] : seconds <= limits[band])) ?? 'low');

export const failRateBand = (share: number | null, { changeFailRate: limits }: BandLimits): Band | null =>
  share === null ? null : (BANDS_ABOVE_LOW.find((band) => share <= limits[band] + ROUNDING_ERROR) ?? 'low');

export const recoveryBand = (seconds: number | null, { recovery: limits }: BandLimits): Band | null =>
  seconds === null ? null : (BANDS_ABOVE_LOW.find((band) => seconds < limits[band]) ?? 'low');
