import type { IncidentRecord } from '../../schemas/incident.ts';
import type { ChangeKind } from '../../schemas/change.ts';
import type { DecisionKind } from '../../schemas/incident.ts';
import type { Severity } from '../../schemas/names.ts';
import type { StepStatus } from '../../schemas/runbook/steps.ts';
import type { InputType } from '../../schemas/runbook/inputs.ts';
import type { Timestamp } from '../../schemas/time.ts';
import type { Relation } from '../correlation/evidence.ts';

/** What a step gives, and what an expression comes to. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** All that expressions can see, as it is when one of them is asked for. */
export type Variables = {
  incident: {
    id: string;
    service: string;
    environment: string;
    severity: Severity;
    title: string;
    status: IncidentRecord['status'];
    /** Alerts that have not resolved. */
    firing: number;
    opened_at: Timestamp;
  };
  /** Those that routes see, too. */
  labels: ReadonlyMap<string, string>;
  annotations: ReadonlyMap<string, string>;
  inputs: Readonly<Record<string, string | number | boolean>>;
  /** As the catalogue has it. Without a team: ''. Without a tier: 4, the least critical. */
  service: { team: string; tier: number };
  /** By id. Those that are not named are `pending`. */
  steps: Readonly<Record<string, { status: StepStatus; output: Json }>>;
  /** Null: no change is suspected. */
  suspect: { version: string; kind: ChangeKind; confidence: number; relation: Relation } | null;
  /** Of the newest judgement about a rollback. Null: none yet. */
  decision: { kind: DecisionKind; because: string } | null;
};

/** What one runbook adds to what is always there. */
export type Declarations = { inputs: Readonly<Record<string, InputType>>; steps: readonly string[] };
