import type { Indicator } from '../../../schemas/slo/slo.ts';
import type { Hash } from '../../freeze/decisions/ids.ts';

/** Hashes what an objective counts, because counts of another indicator are not comparable. */
export const indicatorHash = (indicator: Indicator, hash: Hash): string => hash(JSON.stringify(indicator)).slice(0, 12);
