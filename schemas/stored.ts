import { Change, ChangeKind, ChangeStatus } from './change.ts';
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
import { Severity } from './names.ts';
import { readAs } from './read-as.ts';
import { Signal, SourceName } from './signal.ts';

/*
 * Records as they are read from the table, where a newer version may have written values that this one does not know.
 * Each of them is read as the known value that does least harm: an incident stays open and critical, an effect is unclear
 * and not repeated, a decision or a change leads to no act.
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
