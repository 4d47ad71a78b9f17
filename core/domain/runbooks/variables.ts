import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import type { ChangeKind } from '../../../schemas/changes/change.ts';
import type { DecisionKind } from '../../../schemas/incidents/incident.ts';
import type { Severity } from '../../../schemas/config/names.ts';
import type { StepStatus } from '../../../schemas/runbooks/parts/steps.ts';
import type { InputType } from '../../../schemas/runbooks/parts/inputs.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { Relation } from '../correlation/evidence.ts';

/** Output of a step, or value of an expression. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** All variables that expressions can read, at the time of evaluation. */
export type Variables = {
  incident: {
    id: string;
    /** The short name, such as `INC-42`. */
    name: string;
    service: string;
    environment: string;
    severity: Severity;
    title: string;
    status: IncidentRecord['status'];
    /** Number of unresolved alerts. */
    firing: number;
    opened_at: Timestamp;
  };
  /** The same labels as in routing. */
  labels: ReadonlyMap<string, string>;
  annotations: ReadonlyMap<string, string>;
  inputs: Readonly<Record<string, string | number | boolean>>;
  /** From the catalogue. Without a team: ''. Without a tier: 4, the least critical. */
  service: { team: string; tier: number };
  /** By ID. Steps that are not listed are `pending`. */
  steps: Readonly<Record<string, { status: StepStatus; output: Json }>>;
  /** Null: no suspect. */
  suspect: { version: string; kind: ChangeKind; confidence: number; relation: Relation } | null;
  /** Latest judgement about a rollback. Null: none yet. */
  decision: { kind: DecisionKind; because: string } | null;
};

/** Declarations that a runbook adds to the common variables. */
export type Declarations = { inputs: Readonly<Record<string, InputType>>; steps: readonly string[] };
