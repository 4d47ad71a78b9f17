import * as z from 'zod';
import { Severity } from '../../schemas/config/names.ts';
import { readAs } from '../../schemas/parsing/read-as.ts';
import {
  EndCode,
  ExpectedAlert,
  Experiment,
  ExperimentEnding,
  ExperimentEvent,
  ExperimentRecord,
  ExperimentStatus,
  Observation,
  StopState,
} from './experiment.ts';

/*
 * Schemas for records in the table, in which a newer version may have written unknown values. Each is read as the known
 * value that does the least harm: nothing is expected, so alerts page.
 */

const stored = {
  status: readAs(ExperimentStatus, 'ended'),
  ending: ExperimentEnding.extend({ code: readAs(EndCode, 'stopped') }).nullable(),
  stop: z.object({ state: readAs(StopState, 'unconfirmed'), detail: z.string() }),
};

export const StoredExperiment = Experiment.extend(stored);

/** Keeps unknown fields, because it is written back as a whole. */
export const StoredExperimentRecord = ExperimentRecord.extend(stored).loose();

export const StoredExperimentEvent = ExperimentEvent.extend({ kind: readAs(ExperimentEvent.shape.kind, 'stopped') });

export const StoredObservation = Observation;

export const StoredExpectedAlert = ExpectedAlert.extend({ severity: readAs(Severity, 'critical') });
