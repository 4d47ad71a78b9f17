import { deps } from '../aws/deps.ts';
import { sweep, type UnderWay } from '../jobs/sweep/sweep.ts';

const underWay: UnderWay = new Set();

/** Runs all periodic jobs, each minute. */
export const handler = (): Promise<{ woken: number; revived: number }> => sweep(deps(), underWay);
