import type { ServiceEnvironment } from '../../core/domain/ports/common.ts';
import { digits, type Key, serviceEnvironmentKey } from '../../core/stores/keys/parts.ts';
import type { ExperimentId } from './experiment.ts';

/** Keys of experiments, and of the objects of chaos systems. */
export const keys = {
  /** The record of an experiment. */
  experiment: (id: ExperimentId): Key => ({ pk: `EXPERIMENT#${id}`, sk: 'EXPERIMENT' }),
  experimentEvent: (id: ExperimentId, n: number): Key => ({ pk: `EXPERIMENT#${id}`, sk: `EVENT#${digits(n)}` }),
  experimentObservation: (id: ExperimentId, n: number): Key => ({
    pk: `EXPERIMENT#${id}`,
    sk: `OBSERVATION#${digits(n)}`,
  }),
  /** An alert that an experiment explains. */
  experimentAlert: (id: ExperimentId, hash: string): Key => ({ pk: `EXPERIMENT#${id}`, sk: `ALERT#${hash}` }),
  /** The experiment of a service and environment that is not over. */
  experimentAt: (serviceEnvironment: ServiceEnvironment): Key => ({
    pk: `EXPERIMENTAT#${serviceEnvironmentKey(serviceEnvironment)}`,
    sk: 'EXPERIMENTAT',
  }),
  /** Experiments that are not closed. */
  experimentRunning: (id: ExperimentId): Key => ({ pk: 'EXPERIMENTRUNNING', sk: id }),
  experimentsRunning: (): Pick<Key, 'pk'> => ({ pk: 'EXPERIMENTRUNNING' }),
  /** An object of a chaos system that was seen. */
  seenChaos: (key: string): Key => ({ pk: 'CHAOSSEEN', sk: key }),
  allSeenChaos: (): Pick<Key, 'pk'> => ({ pk: 'CHAOSSEEN' }),
};

/** The list of experiments, newest first. */
export const LIST = 'EXPERIMENTS';
