import type { Measured } from '../results.ts';
import type { Vendors } from './vendors.ts';

/**
 * What a part of the benchmark gets. `folder`: its own, which exists. `isShort`: few repetitions, to see only whether it works.
 * `seconds`: of the command line.
 */
export type Bench = { folder: string; vendors: Vendors; isShort: boolean; seconds: number | undefined };

/** Measures figures one by one. Those before an error count. */
export type Part = (bench: Bench) => AsyncIterable<Measured>;
