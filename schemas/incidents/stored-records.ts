import * as z from 'zod';
import { Change, ChangeKind, ChangeStatus } from '../changes/change.ts';
import {
  DecisionKind,
  DecisionState,
  DecisionView,
  Effect,
  EffectClass,
  EffectState,
  IncidentRecord,
  IncidentStatus,
  Would,
} from './incident.ts';
import { EvidencePack } from './evidence-pack.ts';
import { type Action, Automation, TokenRecord } from '../access/access.ts';
import { CheckVerdict, Watch, WatchCheck, WatchFinding, WatchOutcome, WatchRecord } from '../judge/watch.ts';
import { Drill, DrillPhase, DrillRecord, DrillStep } from '../automation/drill.ts';
import { Mode, Severity } from '../config/names.ts';
import { readAs } from '../parsing/read-as.ts';
import { Signal } from '../alerts/signal.ts';
import { SourceName } from '../alerts/sources/index.ts';

/*
 * Schemas for records in the table, in which a newer version may have written unknown values. Each is read as the known
 * value that does the least harm: an incident stays open and critical, an effect is unclear and not repeated, a
 * decision or a change leads to no action, automation asks for approval.
 */

export const StoredIncident = IncidentRecord.extend({
  status: readAs(IncidentStatus, 'open'),
  severity: readAs(Severity, 'critical'),
  verification: readAs(IncidentRecord.shape.verification, 'inconclusive'),
});

export const StoredEffect = Effect.extend({
  kind: readAs(Effect.shape.kind, 'http'),
  class: readAs(EffectClass, 'once-or-ask'),
  state: readAs(EffectState, 'intended'),
});

export const StoredEvidencePack = EvidencePack.extend({ action: readAs(Effect.shape.kind, 'http') });

export const StoredDecision = DecisionView.extend({
  kind: readAs(DecisionKind, 'none'),
  state: readAs(DecisionState, 'final'),
  would: Would.extend({ kind: readAs(Would.shape.kind, 'suggest') }).optional(),
});

export const StoredChange = Change.extend({
  kind: readAs(ChangeKind, 'config'),
  status: readAs(ChangeStatus, 'cancelled'),
});

export const StoredSignal = Signal.extend({
  source: readAs(SourceName, 'generic'),
  severity: readAs(Severity, 'critical'),
});

const phases = { phase: readAs(DrillPhase, 'hold') };
const drill = {
  ...phases,
  outcome: readAs(Drill.shape.outcome.unwrap(), 'failed').nullable(),
  steps: z.array(DrillStep.extend(phases).loose()),
};

export const StoredDrill = Drill.extend(drill);
/** Keeps unknown fields, because it is written back as a whole. */
export const StoredDrillRecord = DrillRecord.extend(drill).loose();

const watch = {
  outcome: readAs(WatchOutcome, 'stopped').nullable(),
  checks: z.array(WatchCheck.extend({ verdict: readAs(CheckVerdict, 'inconclusive') }).loose()),
};
const findings = z.array(readAs(WatchFinding, 'inconclusive'));

export const StoredWatch = Watch.extend(watch);
/** Keeps unknown fields, because it is written back as a whole. */
export const StoredWatchRecord = WatchRecord.extend({ ...watch, findings, reported: findings }).loose();

/** An unknown action allows nothing here; it stays in the list, which the record's authentication code covers. */
export const StoredToken = TokenRecord.extend({
  actions: z
    .array(z.string())
    .min(1)
    .transform((actions) => actions as (Action | '*')[]),
});

const cap = readAs(Mode, 'suggest');

export const StoredAutomation = Automation.extend({
  mode: cap.nullable(),
  services: z.record(z.string(), z.object({ mode: cap.nullable(), environments: z.record(z.string(), cap) })),
});
