import { calendarAt, calendarFreezes } from '../../decisions/calendar.ts';
import type { CheckInputs } from '../../decisions/check-inputs.ts';
import { burnFreezeByAlert, coveredBurnFreeze, incidentFreeze, type OpenIncident } from '../../decisions/causes.ts';
import { usesOf } from '../../decisions/decide.ts';
import { causeKey } from '../../decisions/ids.ts';
import { planFreezes, type FreezePlan, revisionOf } from '../../decisions/budget/plan-freezes.ts';
import type { FreezePolicy } from '../../decisions/policy.ts';
import type { CheckedScope } from '../../types.ts';
import { coveringFreeze, covers } from '../../decisions/state.ts';
import type { CalendarEntry } from '../../schemas/calendar.ts';
import type { Freeze, Override } from '../../schemas/freeze.ts';
import type { CheckRequest } from '../../schemas/freeze-check.ts';
import type { Severity } from '../../../../schemas/config/names.ts';
import type { PinView } from '../../../../schemas/changes/pin.ts';
import type { SloStatus } from '../../../../schemas/slo/slo-status.ts';
import { plusSeconds, type Timestamp } from '../../../../schemas/time/time.ts';
import { freeze, hash, NOON, PAGE, serviceEnvironment, policy, slo, status, TICKET } from './builders.ts';

/** Actual state of an objective. */
export type Truth = {
  spent: number;
  known: boolean;
  significant: boolean;
  burning: 'page' | 'ticket' | null;
  state: SloStatus['state'];
  /** Delay of the newest data in seconds. */
  lag: number;
};

const WELL: Truth = { spent: 0.1, known: true, significant: true, burning: null, state: 'ok', lag: 0 };

export const CHECKOUT = serviceEnvironment();
export const PAYMENTS = serviceEnvironment('payments-api', 'production', 'core');

/** Checkout has two objectives, and depends on payments-api, which has one. */
const OBJECTIVES = [slo('latency'), slo('errors'), slo('payments', 'payments-api')];

/** All inputs of freezes, with the records that the table would store. */
export class World {
  now: Timestamp = NOON;
  policy: FreezePolicy = policy();
  connected = true;
  /** Whether the catalogue has checkout. */
  known = true;
  unknownService: 'allow' | 'deny' = 'allow';
  readonly truths = new Map<string, Truth>(OBJECTIVES.map(({ id }) => [id, WELL]));
  readonly configured = new Set<string>(OBJECTIVES.map(({ id }) => id));
  readonly alerting = new Map<string, boolean>();
  calendar: CalendarEntry[] = [];
  incidents: OpenIncident[] = [];
  pins: PinView[] = [];
  evaluatedAt: Timestamp | null = null;
  statuses = new Map<string, SloStatus>();
  readonly records = new Map<string, Freeze>();
  #numbers = 0;

  /** Returns the next number for a unique name. */
  next = (): number => (this.#numbers += 1);

  objectives = () => OBJECTIVES.filter(({ id }) => this.configured.has(id));

  statusNow(id: string): SloStatus {
    const objective = OBJECTIVES.find((one) => one.id === id) ?? slo(id);
    const { spent, known, significant, burning, state, lag } = this.truths.get(id) ?? WELL;
    return {
      ...status({
        spent,
        state,
        data_at: plusSeconds(this.now, -lag),
        burning: burning === null ? [] : [burning === 'page' ? PAGE : TICKET],
        budget: { remaining: known ? 1 - spent : null, significant },
      }),
      id: objective.id,
      service: objective.service,
      environment: objective.environment,
    };
  }

  evaluate(): FreezePlan {
    this.statuses = new Map(this.objectives().map(({ id }) => [id, this.statusNow(id)]));
    const plan = planFreezes(
      {
        at: this.now,
        objectives: this.objectives().map((objective) => ({
          slo: objective,
          policy: this.policy,
          status: this.connected ? (this.statuses.get(objective.id) ?? null) : null,
          alerting: this.alerting.get(objective.id) ?? null,
        })),
        incidents: this.incidents
          .filter(({ status: how }) => how !== 'resolved')
          .map((incident) => ({ incident, policy: this.policy })),
        calendar: calendarAt(this.calendar, this.now),
        current: [...this.records.values()].filter((one) => one.ended_at === null || one.settled_at === null),
      },
      hash,
    );
    for (const { id, at, by, reason } of plan.end) this.#end(id, at, by, reason, true);
    for (const { id, at } of plan.settle) this.#change(id, { settled_at: at });
    for (const revision of plan.revise) this.#revise(revision);
    for (const wanted of plan.open) this.#open(wanted);
    if (this.connected) this.evaluatedAt = this.now;
    else this.statuses = new Map();
    return plan;
  }

  /** @returns whether a freeze was opened */
  alert(id: string, severity: Severity): boolean {
    const objective = this.objectives().find((one) => one.id === id);
    if (objective === undefined) return false;
    const wanted = burnFreezeByAlert(
      objective,
      { severity, title: 'it burns', by: 'alertmanager' },
      this.policy,
      this.now,
      hash,
    );
    if (wanted === null) return false;
    this.alerting.set(id, true);
    if (coveringFreeze(id, [...this.records.values()], this.now) !== undefined) return false;
    return this.#open(wanted);
  }

  byPerson(scope: Partial<Freeze>): void {
    const id = `frz_person_${this.next()}`;
    this.records.set(id, freeze('person', { starts_at: this.now, opened_at: this.now, ...scope, id }));
  }

  lift(id: string): void {
    const record = this.records.get(id);
    if (record === undefined || record.ended_at !== null) return;
    const objective = this.objectives().find((one) => one.id === record.slo);
    const found = objective && this.statuses.get(objective.id);
    const burn =
      record.cause === 'budget' && objective && found
        ? coveredBurnFreeze(objective, found, this.policy, this.now, hash)
        : null;
    if (burn !== null && this.#open(burn)) this.#end(burn.id, this.now, 'person:bo', 'we need it', false);
    this.#end(id, this.now, 'person:bo', 'we need it', record.cause === 'person');
  }

  setOverride(id: string, override: Override): void {
    const record = this.records.get(id);
    if (record === undefined) return;
    const others = record.overrides.filter((one) => one.id !== override.id);
    this.records.set(id, { ...record, overrides: [...others, override] });
  }

  inputs(request: CheckRequest, more: Pick<CheckInputs, 'rollback' | 'identity'>): CheckInputs {
    const computed = this.incidents.flatMap((incident) => incidentFreeze(incident, this.policy, hash) ?? []);
    return {
      at: this.now,
      request,
      isKnownService: this.known,
      unknownService: this.unknownService,
      policy: this.policy,
      scope: CHECKOUT,
      objectives: this.objectives().filter(({ service }) => service === CHECKOUT.service).length,
      own: this.#stateOf(CHECKOUT),
      dependencies: [
        {
          scope: PAYMENTS,
          state: this.#stateOf(PAYMENTS),
          incidents: computed.filter((one) => covers(one, PAYMENTS)),
        },
      ],
      calendar: calendarFreezes(calendarAt(this.calendar, this.now), CHECKOUT, hash),
      incidents: computed.filter((one) => covers(one, CHECKOUT)),
      pins: this.pins,
      evaluatedAt: this.evaluatedAt,
      ...more,
    };
  }

  /** Counts the uses that a POST counts after it is allowed. */
  use(inputs: CheckInputs): void {
    for (const { freeze: id, override, deployment } of usesOf(inputs)) {
      const record = this.records.get(id);
      const found = record?.overrides.find((one) => one.id === override);
      const name = deployment ?? `unnamed ${this.next()}`;
      if (found === undefined || found.used_by.some((one) => one.deployment === name)) continue;
      this.setOverride(id, {
        ...found,
        used_by: [...found.used_by, { deployment: name, at: this.now, by: 'token:ci' }],
      });
    }
  }

  #stateOf = (where: CheckedScope) => ({
    freezes: [...this.records.values()].filter((one) => covers(one, where) && one.settled_at === null),
    slos: [...this.statuses.values()].filter(({ service }) => service === where.service),
  });

  /**
   * Stores a freeze as the port specifies: an unsettled freeze with the same cause, or one with the same ID, takes
   * precedence.
   */
  #open(wanted: Freeze): boolean {
    const key = causeKey(wanted);
    const same = [...this.records.values()].find((one) => one.settled_at === null && causeKey(one) === key);
    const before = this.records.get(wanted.id) ?? same;
    if (before === undefined) this.records.set(wanted.id, wanted);
    const revision = before && revisionOf(before, wanted);
    if (revision !== undefined) this.#revise(revision);
    return before === undefined;
  }

  #revise({ id, ...words }: FreezePlan['revise'][number]): void {
    const record = this.records.get(id);
    const stays = record === undefined || (record.ended_by === 'person:bo' && record.settled_at === null);
    const open = { ended_at: null, ended_by: null, end_reason: null, settled_at: null };
    this.#change(id, { ...words, ...(stays ? {} : open) });
  }

  #end = (id: string, at: Timestamp, by: string, reason: string, settled: boolean): void =>
    this.#change(id, { ended_at: at, ended_by: by, end_reason: reason, ...(settled && { settled_at: at }) });

  #change(id: string, change: Partial<Freeze>): void {
    const record = this.records.get(id);
    if (record !== undefined) this.records.set(id, { ...record, ...change });
  }
}
