import * as z from 'zod';
import type { FeatureNames } from '../feature-names.ts';
import { ExperimentConfig } from './config.ts';
import { ExperimentId } from './experiment.ts';

/** The names of chaos experiments. */
export const names = {
  feature: 'experiments',
  actions: {
    'experiments:read': ['viewer', 'responder', 'approver'],
    'experiments:write': ['responder'],
  },
  environment: {
    /** Chaos experiments on it may make alerts expected. Absent: they may not. */
    experiments: ExperimentConfig.optional(),
  },
  targets({ experiments: settings }: { experiments?: ExperimentConfig }) {
    const chaos = settings?.chaos;
    return chaos === undefined ? [] : [{ ...chaos, vendor: chaos.kind === 'http' ? null : 'kubernetes' }];
  },
  /** An experiment may still run although it should have ended. */
  sources: ['experiment'],
  counters: {
    firebreak_experiments_total: {
      group: 'incidents',
      help: 'Completed chaos experiments, by conclusion: held, failed, or inconclusive',
      labels: ['outcome'],
      known: { outcome: ['held', 'failed', 'inconclusive'] },
    },
  },
  buttons: [z.object({ verb: z.literal('stop_experiment'), experiment: ExperimentId })],
} as const satisfies FeatureNames;
