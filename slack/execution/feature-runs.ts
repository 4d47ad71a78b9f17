import { FEATURES } from '../../features/index.ts';
import type { Run } from '../commands/verb.ts';

/** The functions that execute the verbs of features, by the name of the verb. */
export const FEATURE_RUNS: Readonly<Record<string, Run<never>>> = Object.fromEntries(
  (await Promise.all(FEATURES.flatMap(({ runs }) => runs?.() ?? []))).flatMap(Object.entries),
);
