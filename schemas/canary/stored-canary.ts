import { Severity } from '../config/names.ts';
import { readAs } from '../parsing/read-as.ts';
import { Canary, CanaryCheck, CanaryEvent, CanaryRecord, CanaryStatus, HoldCode } from './canary.ts';
import { Verdict } from './judgement.ts';

/*
 * Schemas for records in the table, in which a newer version may have written unknown values. Each is read as the known
 * value that does the least harm: the canary is held, and its version is not healthy.
 */

const verdict = readAs(Verdict, 'inconclusive');
const stored = {
  status: readAs(CanaryStatus, 'held'),
  hold: Canary.shape.hold
    .unwrap()
    .extend({ code: readAs(HoldCode, 'person') })
    .nullable(),
  verdict: verdict.nullable(),
};

export const StoredCanary = Canary.extend(stored);

/** Keeps unknown fields, because it is written back as a whole. */
export const StoredCanaryRecord = CanaryRecord.extend({ ...stored, severity: readAs(Severity, 'critical') }).loose();

export const StoredCanaryEvent = CanaryEvent.extend({ kind: readAs(CanaryEvent.shape.kind, 'requested') });

export const StoredCanaryCheck = CanaryCheck.extend({ verdict });
