import type { Change } from '../../../schemas/changes/change.ts';
import { lowestMode, Mode, type Version } from '../../../schemas/config/names.ts';
import type { ClearedSuspect } from '../../../schemas/incidents/incident.ts';
import type { Reason, ReasonCode } from '../../../schemas/incidents/reason.ts';
import type { NamedTarget } from '../changes/named-version.ts';
import type { RollbackTarget } from '../changes/versions.ts';
import type { Correlation, RankedSuspect } from '../correlation/ranking.ts';
import type { ServiceEnvironment } from '../ports/common.ts';
import type { Decision, DecisionInputs, KillSwitch, TargetInputs } from './judgement.ts';

/** Conditions that limit a step that changes production, at the current moment. */
export type StepGuards = {
  service: string;
  matched: boolean;
  guard: KillSwitch;
  incident_paused: boolean;
  one_of_many: boolean;
  demoted: boolean;
  /** Modes of the service, those set by people, and the runbook's. */
  modes: readonly Mode[];
  /** The runbook itself requires approval. */
  requires_approval: boolean;
  /** All firing alerts come from senders without the scope rollback:request. */
  sender_lacks_scope?: true;
  /** All firing alerts have only returned with a start from before their end. */
  returned_only?: true;
  /** Why the onset is too old for an act without a person. Absent: it is not. */
  onset_old?: string;
  /** Absent: the step is not based on a suspect. */
  against?: Against;
  /** Absent: the step is not counted, because a person started it, or its runbook was counted already. */
  limits?: Pick<TargetInputs, 'rollbacks_last_hour'> &
    Pick<DecisionInputs, 'organisation_rollbacks_last_hour' | 'sender_rollbacks_last_hour'>;
  /**
   * A shift of traffic. `unfit`: why its destination must not get more traffic. `unclear`: why its health is not known.
   * `changed`: the weights that someone has set since the shift that is to be undone. Null: nothing.
   */
  reroute?: { unfit: string | null; unclear: string | null; changed: string | null };
  /**
   * The person who started the runbook, if the service requires a second person. Absent: started by an alert, or not
   * required.
   */
  second_to?: string;
};

/** The suspect that a step is based on, with the related facts of its latest judgement. */
export type Against = {
  change_id: string;
  /** Null: the latest judgement no longer suspects the change. */
  suspect: DoubtFacts | null;
  /** Evidence that the policy requires and that is missing. Null: nothing, or no suspect. */
  lacking: string | null;
  neighbours_unreadable: boolean;
  monitoring_failure_only: boolean;
};

/** What follows when a guard applies, for each moment at which guards are read. */
export type Consequences = {
  /**
   * A rollback is judged. `refuse`: not possible, even with approval. `report`: only reported, whatever the other guards
   * say. A mode: the most that automation may do. `ask`: a person must confirm this suspect. A rollback that a person
   * requested meets only refusals.
   */
  judgement: 'refuse' | 'report' | LimitingMode | 'ask';
  /** The deployer is about to be called. */
  call: Stop;
  /** The call is about to be recorded: one transaction counts it, and locks the target. */
  record: Stop;
  /** The deployer is about to be called by a drill. */
  drill: 'withhold';
  /** A step of a runbook is about to change production: read before the step asks, and again directly before its call. */
  step: 'no' | 'say' | 'ask';
};

/** What follows when a rollback is stopped: a person is paged, the incident is judged again, or people already know. */
export type Stop = 'page' | 'judge_again' | 'quiet';

export type Moment = keyof Consequences;

/** Modes that limit automation. */
export const LIMITING_MODES = Mode.exclude(['act']).options;
export type LimitingMode = (typeof LIMITING_MODES)[number];

/** A person's part in an action: none, approved it, or requested it. */
export const Agreement = ['none', 'approved', 'requested'] as const;
export type Agreement = (typeof Agreement)[number];

/** The properties of a suspect that are checked before any automatic action against it. */
export type DoubtFacts = Pick<RankedSuspect, 'version' | 'confidence' | 'relation' | 'timing' | 'approvalReasons'> & {
  service: string;
  status: Change['status'];
};

export const doubtFactsOf = ({
  change,
  version,
  confidence,
  relation,
  timing,
  approvalReasons,
}: RankedSuspect): DoubtFacts => ({
  version,
  confidence,
  relation,
  timing,
  approvalReasons,
  service: change.service,
  status: change.status,
});

type Agreed = { agreement: Agreement };

/** What is known at each moment. A guard that is read at several moments reads only what is known at all of them. */
export type Known = {
  judgement: DecisionInputs &
    Agreed &
    OfServices & {
      found: Correlation;
      top: RankedSuspect | undefined;
      /** The suspect's service and environment. */
      target: TargetInputs | undefined;
      /** The version that a rollback restores, or why there is none. Undefined: nothing to roll back. */
      restores: RollbackTarget | NamedTarget | undefined;
      suspect: DoubtFacts | undefined;
      /** The suspect is a feature flag that can be turned off. */
      is_flag: boolean;
      /** Evidence that the policy requires and that is missing. Null: nothing, or no suspect. */
      lacking: string | null;
      /** Why the onset is too old for an act without a person. Null: it is not. */
      onset_old: string | null;
      /** The version that replaced the suspect since and has not helped: a rollback undoes both. Null: none. */
      beyond: Change | null;
      /** A runbook requires approval. */
      requires_approval: boolean;
      /** Why a person decides while many services fail. Null: they do not, or the suspect explains it. */
      not_explained: string | null;
      group_rolled_back: string | null;
    };
  call: ServiceEnvironment &
    Agreed &
    OfServices & {
      from: Version;
      to: Version;
      /** The decision was approved, by a person or because no one objected. */
      approved: boolean;
      /** An earlier attempt may have succeeded. */
      tried: boolean;
      incident_open: boolean;
      incident_paused: boolean;
      /** It is a child, and the group's one automatic rollback is not this one. */
      one_of_many: boolean;
      guard: KillSwitch;
      /** Clearing of the version, and when the decision was made. */
      clearing: ClearedSuspect | undefined;
      decided_at: string | undefined;
      pinned: readonly string[];
      /** Why the target could restore another commit of the same name, in words. Null: it could not. */
      moved: string | null;
      /** The decision to which a person agreed says so. */
      moved_was_said: boolean;
      /** What is to be done was done meanwhile, in words. Null: it was not. */
      done: string | null;
      /** The deploy that replaced the version since. */
      newer: Change | undefined;
      /** It can be a report of the rollback by an earlier attempt. */
      newer_restores: boolean;
      /** Another judgement directly before the call. Undefined: not needed. */
      judged: Decision | undefined;
    };
  record: Agreed &
    Pick<DecisionInputs, 'organisation_rollbacks_last_hour' | 'sender_rollbacks_last_hour'> & {
      incident_open: boolean;
      /** The child of the same parent that was rolled back automatically. Null: none. */
      group_rolled_back: string | null;
      /** Holder of the target's lock. Null: it is free. */
      locked_by: 'drill' | 'canary' | 'this_incident' | 'another_incident' | null;
    };
  drill: Agreed & { guard: KillSwitch; pinned: readonly string[]; to: Version };
  step: StepGuards &
    Agreed &
    OfServices &
    NonNullable<StepGuards['limits']> &
    Omit<Against, 'suspect' | 'change_id'> & {
      /** Null: the latest judgement no longer suspects the change. Undefined: the step is not based on a suspect. */
      suspect: DoubtFacts | null | undefined;
    };
};

/** State of the services that an action concerns. */
type OfServices = {
  /** Modes of the services, set in the catalogue or by people. */
  modes: readonly Mode[];
  /** Services whose automation was wrong too often. */
  demoted_services: readonly string[];
};

/** A condition that stops an automatic action, or makes it depend on a person. */
export type Guard = {
  code: ReasonCode;
  /** The moments at which it is read, with the consequence. */
  at: Partial<Consequences>;
  /** People have set it up this way: if it is the first reason, no one is paged. */
  byPolicy: boolean;
  /** Returns the reason, and further ones that explain it. Empty: the guard does not apply. */
  read(known: Known[Moment]): Reason[];
};

/** Defines a guard. The compiler checks that it reads only what is known at its moments. */
export const guard = <M extends Moment, F>({
  code,
  at,
  unless,
  byPolicy = false,
  applies,
  text,
  also = () => [],
}: {
  code: ReasonCode;
  at: { [K in M]: Consequences[K] };
  /** Does not stop an action with at least this agreement of a person. Absent: stops every action. */
  unless?: Exclude<Agreement, 'none'>;
  byPolicy?: boolean;
  /** Returns the facts that the text names, or `true` if it names none. Otherwise, the guard does not apply. */
  applies: (known: Known[M]) => F | false | null | undefined;
  text: (facts: F) => string;
  /** Returns further reasons, which explain this one. */
  also?: (facts: F) => Reason[];
}): Guard => ({
  code,
  at,
  byPolicy,
  read: (known) => {
    if (unless !== undefined && Agreement.indexOf(known.agreement) >= Agreement.indexOf(unless)) return [];
    const facts = applies(known as Known[M]);
    if (facts === false || facts === null || facts === undefined) return [];
    return [{ code, text: text(facts) }, ...also(facts)];
  },
});

/** Returns a guard for each mode, which applies if that mode is the lowest one. */
export const modeGuards = <M extends 'judgement' | 'call' | 'step'>(
  at: (mode: LimitingMode) => { [K in M]: Consequences[K] },
  words: string,
): Guard[] =>
  LIMITING_MODES.map((mode) =>
    guard<M, true>({
      code: `mode_${mode}`,
      at: at(mode),
      unless: 'requested',
      byPolicy: true,
      applies: (known: Known['judgement' | 'call' | 'step']) =>
        lowestMode('act', ...known.modes) === mode && !(mode === 'approve' && 'approved' in known && known.approved),
      text: () => `automation is ${words} ${mode}`,
    }),
  );
