import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import { decide, stateOf } from '../../decisions/decide.ts';
import type { CheckedChange } from '../../schemas/checked-change.ts';
import { CheckRequest } from '../../schemas/freeze-check.ts';
import { FreezeFile } from '../../schemas/freeze-policy.ts';
import { EnvironmentName, IncidentId, type Severity } from '../../../../schemas/config/names.ts';
import { millisOf, plusSeconds, secondsBetween, timestamp } from '../../../../schemas/time/time.ts';
import { override, pin, serviceEnvironment } from './builders.ts';
import { isAllowed } from './model.ts';
import { CHECKOUT, type Truth, World } from './world.ts';

/** An event encoded as numbers, so that ten thousand histories can be generated and shrunk quickly. */
export type Event = [kind: number, a: number, b: number, seconds: number];

const pick = <T>(from: readonly [T, ...T[]], n: number): T => from[n % from.length] ?? from[0];

const SLOS = ['latency', 'errors', 'payments'] as const;
const SPENT = [0.1, 0.8, 0.96, 1, 1.2, 2.97] as const;
const STATES = ['ok', 'ok', 'ok', 'no_traffic', 'no_data', 'unreadable', 'unclear'] as const;
const CHANGES = ['deploy', 'deploy', 'deploy', 'rollback', 'hotfix', 'security'] as const;

/** Observed freezes of an objective: a freeze may reopen only after its cause has been over once. */
type Memory = { armed: boolean };

/** Reports a difference. Half a million calls of `expect` would take as long as all histories. */
function same(found: unknown, expected: unknown, what: string): void {
  if (!isDeepStrictEqual(found, expected)) expect(found, `in a history: ${what}`).toEqual(expected);
}

/** Executes one history; throws on a violation. */
export class History {
  readonly world = new World();
  /** Reason codes that occurred, and causes of ended freezes. */
  readonly seen = new Set<string>();
  readonly #memories = new Map<string, Memory>();
  /** Answers by state, to verify that equal states have equal answers. */
  readonly #answers = new Map<string, string>();

  step([kind, a, b, seconds]: Event): void {
    const { world } = this;
    // Set the clock back occasionally.
    world.now = plusSeconds(world.now, kind % 16 === 15 ? -(seconds % 60) : seconds);
    const does = this.#events[kind % this.#events.length];
    does?.(a, b);
    this.#check(a, b);
  }

  readonly #events: readonly ((a: number, b: number) => void)[] = [
    () => this.#evaluate(),
    () => this.#evaluate(),
    () => this.#evaluate(),
    (a, b) => this.#truth(a, b),
    (a, b) => this.#truth(a, b),
    (a, b) => this.#alert(a, b),
    (a, b) => this.#calendar(a, b),
    (a, b) => this.#incident(a, b),
    (a, b) => this.#person(a, b),
    (a) => this.world.lift(this.#anyFreeze(a)),
    (a, b) => this.#override(a, b),
    (a, b) => this.#override(a, b),
    (a, b) => this.#rules(a, b),
    (a, b) => this.#pins(a, b),
    (a) => this.#objective(a),
    () => this.#evaluate(),
  ];

  #truth(a: number, b: number): void {
    const truth: Truth = {
      spent: pick(SPENT, a),
      known: b % 4 !== 0,
      significant: b % 5 !== 0,
      burning: pick([null, null, 'page', 'ticket'], b >> 3),
      state: pick(STATES, a >> 3),
      lag: pick([0, 0, 60, 1200], b >> 5),
    };
    this.world.truths.set(pick(SLOS, a >> 6), truth);
  }

  #alert(a: number, b: number): void {
    const id = pick(SLOS, a);
    if (b % 2 === 0) {
      this.world.alerting.set(id, false);
      return;
    }
    const began = this.world.alert(id, pick<Severity>(['critical', 'critical', 'warning', 'info'], a >> 3));
    if (began) this.#begins('burn', id);
  }

  #calendar(a: number, b: number): void {
    const { world } = this;
    const name = pick(['black friday', 'audit'], a);
    const before = world.calendar.find((entry) => entry.name === name);
    const from =
      before !== undefined && 'from' in before && b % 3 > 0 ? before.from : plusSeconds(world.now, (b % 20) * 60);
    const [entry] = FreezeFile.parse({
      calendar: [
        {
          name,
          from,
          duration: `${1 + (a % 90)}m`,
          ...pick<object>(
            [{}, { services: 'checkout' }, { teams: ['payments', 'other'] }, { services: 'other' }],
            a >> 3,
          ),
          ...pick<object>([{}, { environments: 'production' }], b >> 3),
          ...pick<object>([{}, { passes: ['security'] }, { reason: `for reason ${b % 3}` }], b >> 4),
        },
      ],
    }).calendar;
    world.calendar = world.calendar.filter((one) => one.name !== name);
    if (entry !== undefined && b % 4 > 0) world.calendar.push(entry);
  }

  #incident(a: number, b: number): void {
    const { world } = this;
    const id = IncidentId.parse(`01TEST0000000000000000000${1 + (a % 2)}`);
    const before = world.incidents.find((one) => one.id === id);
    const severity = pick<Severity>(['critical', 'warning', 'info'], b);
    if (before?.status === 'resolved') return;
    world.incidents = [
      ...world.incidents.filter((one) => one.id !== id),
      {
        id,
        ...serviceEnvironment(),
        title: 'it fails',
        severity,
        status: before !== undefined && b % 4 === 0 ? 'resolved' : 'open',
        opened_at: before?.opened_at ?? world.now,
      },
    ];
  }

  #person(a: number, b: number): void {
    const { now } = this.world;
    this.world.byPerson({
      service: pick([CHECKOUT.service, serviceEnvironment('other').service, null], a),
      environment: pick([CHECKOUT.environment, EnvironmentName.parse('staging'), null], a >> 2),
      starts_at: plusSeconds(now, pick([0, 0, 600], b)),
      until: pick([null, plusSeconds(now, 1200)], b >> 2),
    });
  }

  /** Returns a freeze, usually one that is not over. */
  #anyFreeze(a: number): string {
    const open = [...this.world.records.values()].filter(({ ended_at }) => ended_at === null);
    return open[a % Math.max(1, open.length)]?.id ?? '';
  }

  #override(a: number, b: number): void {
    const { world } = this;
    const id = this.#anyFreeze(a);
    const [before] = world.records.get(id)?.overrides ?? [];
    const approved = { approved_by: 'person:cy', approved_at: world.now };
    const withdrawn = { withdrawn_by: 'person:ada', withdrawn_at: world.now };
    if (before !== undefined && b % 3 > 0) {
      world.setOverride(id, { ...before, ...(b % 3 === 1 ? approved : withdrawn) });
      return;
    }
    const asked = override({
      id: `ovr_${world.next()}`,
      requested_at: world.now,
      expires_at: plusSeconds(world.now, 60 + (b % 40) * 60),
      needs_approval: a % 4 === 0,
      uses: pick([null, 1, 2], a >> 2),
      version: pick([null, null, pin('v2').version], b >> 4),
    });
    world.setOverride(id, asked);
  }

  #rules(a: number, b: number): void {
    const { world } = this;
    world.connected = a % 7 > 0;
    world.known = b % 5 > 0;
    world.unknownService = pick(['allow', 'deny'], b >> 6);
    world.policy = {
      ...world.policy,
      budget: pick([world.policy.budget, { warn: 0.75, freeze: 1, liftBelow: 0.95 }, null], a),
      burn: pick(['page', 'ticket', 'off', 'page'], b),
      minimumSeconds: pick([900, 900, 0], a >> 2),
      passes: pick<CheckedChange[]>([['rollback'], ['hotfix'], ['hotfix', 'security']], b >> 2),
      dependants: pick(['warn', 'on', 'off', 'on'], a >> 4),
      incidents: pick(['critical', 'off', 'warning'], b >> 4),
      stale: { afterSeconds: 600, deploys: pick(['allow', 'allow', 'deny'], a >> 6) },
    };
  }

  #pins(a: number, b: number): void {
    this.world.pins =
      b % 2 === 0 ? [] : [pin(pick(['v1', 'v2', 'v3'], a), { state: pick(['pinned', 'lifted'], b >> 1) })];
  }

  #objective(a: number): void {
    const id = pick(SLOS, a);
    if (!this.world.configured.delete(id)) this.world.configured.add(id);
  }

  #memory(cause: string, id: string): Memory {
    const name = `${cause} ${id}`;
    const memory = this.#memories.get(name) ?? { armed: true };
    this.#memories.set(name, memory);
    return memory;
  }

  #begins(cause: 'budget' | 'burn', id: string): void {
    const memory = this.#memory(cause, id);
    same(memory, { armed: true }, `${cause} of ${id} froze again before it was over`);
    memory.armed = false;
  }

  /** Runs an evaluation and verifies its changes to the freezes of objectives against their data. */
  #evaluate(): void {
    const { world } = this;
    const before = new Map(world.records);
    const plan = world.evaluate();
    for (const { id, at } of plan.end) {
      this.seen.add(`end of ${before.get(id)?.cause ?? ''}`);
      const { cause, slo: objective, not_before } = before.get(id) ?? {};
      if (objective === null || objective === undefined || (cause !== 'budget' && cause !== 'burn')) continue;
      const over = this.#isOver(cause, objective);
      // From then on, the freeze by the budget holds.
      if (cause === 'burn' && over !== 'not_wanted' && this.#isCovered(objective)) {
        this.#memory(cause, objective).armed = true;
        continue;
      }
      same(over === 'no', false, `${cause} of ${objective} ended`);
      if (over === 'yes') same((not_before ?? at) <= at, true, `${cause} of ${objective} ended too early`);
    }
    for (const cause of ['budget', 'burn'] as const)
      for (const id of SLOS) if (this.#isOver(cause, id) !== 'no') this.#memory(cause, id).armed = true;
    for (const { id, cause, slo: objective } of plan.open)
      if ((cause === 'budget' || cause === 'burn') && objective !== null && !before.has(id)) {
        same(this.#isOn(cause, objective), true, `${cause} of ${objective} froze`);
        this.#begins(cause, objective);
      }
    for (const cause of ['budget', 'burn'] as const)
      for (const id of SLOS)
        if (this.#isOn(cause, id) && !(cause === 'burn' && this.#isCovered(id))) this.#holds(cause, id);
  }

  /** Returns whether a freeze by the spent budget is in force. */
  #isCovered = (id: string): boolean =>
    [...this.world.records.values()].some(
      ({ cause, slo, ended_at }) => cause === 'budget' && slo === id && ended_at === null,
    );

  /** Verifies that a condition that freezes has a freeze, unless a person lifted it. */
  #holds(cause: string, id: string): void {
    const own = [...this.world.records.values()].filter((one) => one.cause === cause && one.slo === id);
    const unsettled = own.filter(({ settled_at }) => settled_at === null);
    same(unsettled.length, 1, `${cause} of ${id} is on record once`);
    const lifted = unsettled.every(({ ended_at, ended_by }) => ended_at === null || ended_by === 'person:bo');
    same(lifted, true, `${cause} of ${id} may be ended only by a person`);
  }

  #isOn(cause: 'budget' | 'burn', id: string): boolean {
    const { connected, configured, policy, truths } = this.world;
    const truth = truths.get(id);
    if (!connected || !configured.has(id) || truth === undefined) return false;
    if (cause === 'budget') return policy.budget !== null && truth.significant && truth.spent >= policy.budget.freeze;
    return this.#burns(truth);
  }

  #burns = ({ burning }: Truth): boolean =>
    this.world.policy.burn === 'ticket' ? burning !== null : this.world.policy.burn === 'page' && burning === 'page';

  /** Returns whether the cause is over. `not_wanted`: the policy no longer asks for such freezes. */
  #isOver(cause: 'budget' | 'burn', id: string): 'yes' | 'no' | 'not_wanted' {
    const { connected, configured, policy, truths, alerting } = this.world;
    const truth = truths.get(id);
    if (!configured.has(id) || truth === undefined) return 'not_wanted';
    if (cause === 'budget' ? policy.budget === null : policy.burn === 'off') return 'not_wanted';
    if (!connected) return cause === 'burn' && alerting.get(id) === false ? 'yes' : 'no';
    if ((truth.state !== 'ok' && truth.state !== 'no_traffic') || truth.lag > 600) return 'no';
    if (cause === 'burn') return this.#burns(truth) ? 'no' : 'yes';
    return truth.known && truth.spent < (policy.budget?.liftBelow ?? 0) ? 'yes' : 'no';
  }

  /** Runs the check for a deployment and verifies the answer. */
  #check(a: number, b: number): void {
    const { world } = this;
    const request = CheckRequest.parse({
      service: 'checkout',
      environment: 'production',
      version: pick(['v1', 'v2', 'v3', null], a),
      deployment_id: pick(['run-1', 'run-2', null], b),
      change: pick(CHANGES, a >> 2),
    });
    const rollback = { kind: pick(['known_good', 'ours', 'not_known'] as const, b >> 2), text: 'v1 ran for a day' };
    const identity = pick([null, { ok: true, subject: 'ci' }, { ok: false, problem: 'expired' }] as const, b >> 4);
    const inputs = world.inputs(request, { rollback: request.change === 'rollback' ? rollback : null, identity });
    const answer = decide(inputs);
    for (const { code } of answer.reasons) this.seen.add(code);
    const { allowed, verdict, clears_when } = answer;
    same([allowed, verdict !== 'freeze', clears_when === null], Array(3).fill(isAllowed(world, inputs)), 'the answer');
    if (b % 4 === 0) same(decide(JSON.parse(JSON.stringify(inputs)) as typeof inputs), answer, 'the answer again');
    const name = JSON.stringify([stateOf(inputs), request]);
    const said = `${answer.verdict} ${answer.allowed}`;
    same(this.#answers.get(name) ?? said, said, 'the answer to the same state');
    this.#answers.set(name, said);
    this.#stays(inputs, answer, b);
    if (!answer.allowed || a % 2 === 0) return;
    world.use(inputs);
    const again = world.inputs(request, { rollback: inputs.rollback, identity });
    if (request.deployment_id !== null) same(decide(again).allowed, true, 'the same deployment asks again');
  }

  /**
   * Verifies that the answer stays the same until the next transition if nothing happens and the data do not become
   * stale.
   */
  #stays(inputs: ReturnType<World['inputs']>, answer: ReturnType<typeof decide>, b: number): void {
    const until = answer.next_transition_at ?? plusSeconds(inputs.at, 86_400);
    const later = Math.floor(((secondsBetween(inputs.at, until) * 1000 - 1) * (b % 100)) / 100);
    const then = decide({ ...inputs, at: timestamp(millisOf(inputs.at) + later) });
    if (then.stale === answer.stale)
      same([then.allowed, then.verdict], [answer.allowed, answer.verdict], 'the answer until the next transition');
  }
}
