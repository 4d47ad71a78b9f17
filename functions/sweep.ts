import { deps } from '../aws/deps.ts';
import { sweep, type UnderWay } from '../jobs/sweep/sweep.ts';

const underWay: UnderWay = new Set();

/** Continues, each minute, what an interrupted process left undone. */
export const handler = (): Promise<{ woken: number; revived: number }> => sweep(deps(), underWay);
