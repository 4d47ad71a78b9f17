import type { Indicator } from '../../schemas/slo.ts';
import type { Hash } from '../freeze/ids.ts';

/** Of what an objective counts: what was counted under another one was something else. */
export const digestOf = (indicator: Indicator, hash: Hash): string => hash(JSON.stringify(indicator)).slice(0, 12);
