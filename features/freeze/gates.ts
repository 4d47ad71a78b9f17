import { environmentEntry, serviceEntry } from '../../core/domain/catalogue/catalogue.ts';
import { gatesSubject, idOf, serviceEnvironmentIn, type Projections } from '../../core/domain/incidents/projections.ts';
import type { VendorResponse } from '../../core/domain/ports/vendor-response.ts';
import { unansweredAfter, outcomeKnownFrom } from '../../core/domain/messages/unclear.ts';
import type { ServiceEnvironment } from '../../core/domain/ports/common.ts';
import type { Method, SyncSession } from '../../core/projectors/session.ts';
import type { Projector } from '../../core/projectors/sync.ts';
import type { Config } from '../../schemas/config/config.ts';
import { EnvironmentName, IncidentId, ServiceName } from '../../schemas/config/names.ts';
import type { Subject } from '../../schemas/incidents/projection.ts';
import { plusSeconds, type Timestamp } from '../../schemas/time/time.ts';
import { ownRollback } from './actions/rollbacks.ts';
import { CHANGES_READ, entryKey, entryText, frozenAt, gatedWorkloads, policyEntry } from './decisions/gates.ts';
import { policyOf } from './decisions/policy.ts';
import { covers, stateAt } from './decisions/state.ts';
import type { Deps } from './ports.ts';
import {
  type ClosedGate,
  type FluxObject,
  type FreezeGates,
  type Gate,
  type GateCluster,
  GatesState,
} from './schemas/freeze-gates.ts';
import type { CheckedScope } from './types.ts';
import { fluxName } from './vendors/kubernetes/flux-gate.ts';

/** Rate limit. A cluster's own limits are higher. */
const GATES: Method = { name: 'gates', allowances: { gates: { perSecond: 10, burst: 50 } } };

/** Seconds until a closed gate is checked again, because others can open it, and soon after it was closed or refused. */
const CHECK_SECONDS = 300;
const CHECK_SOON_SECONDS = 60;

type GatesDeps = Pick<Deps, 'changes' | 'clusterGates' | 'config' | 'decisions' | 'freezes'> & {
  incidents: Pick<Deps['incidents'], 'read' | 'openAt' | 'view'>;
  pins: Pick<Deps['pins'], 'of'>;
  projections: Projections;
};

/**
 * Returns the projector for gates in clusters. A freeze, and an incident, whose rollback must pass, mark the gates of the
 * services and environments that they concern.
 */
export const gatesProjector =
  (deps: GatesDeps): Projector =>
  async (subject, session) => {
    if (subject.startsWith('freeze-gates:')) return new GateSync(deps, subject, session).run();
    const concerned = subject.startsWith('freeze:')
      ? await concernedByFreeze(deps, idOf(subject), session)
      : await concernedByIncident(deps, IncidentId.parse(idOf(subject)));
    await deps.projections.changed(...concerned.map(gatesSubject));
  };

/** Returns the gated services and environments of a freeze, which is visited again until it is over. */
async function concernedByFreeze(deps: GatesDeps, id: string, session: SyncSession): Promise<ServiceEnvironment[]> {
  const freeze = await deps.freezes.get(id);
  if (freeze === undefined) return [];
  const now = session.now();
  const state = stateAt(freeze, now);
  if (state === 'scheduled') session.scheduleNext(freeze.starts_at);
  if (state === 'in_force') session.scheduleNext(plusSeconds(now, CHECK_SECONDS));
  if (state !== 'over' && freeze.until !== null) session.scheduleNext(freeze.until);
  return gated(await deps.config.current()).filter((scope) => covers(freeze, scope));
}

async function concernedByIncident(deps: GatesDeps, id: IncidentId): Promise<ServiceEnvironment[]> {
  const incident = await deps.incidents.read(id);
  return gated(await deps.config.current()).filter(
    ({ service, environment }) => service === incident?.service && environment === incident.environment,
  );
}

/** Returns the services and environments with gates. */
export const gated = ({ services }: Pick<Config, 'services'>): CheckedScope[] =>
  Object.entries(services).flatMap(([service, { team = null, environments }]) =>
    Object.entries(environments).flatMap(([environment, { freezeGates }]) =>
      freezeGates === undefined
        ? []
        : [{ service: ServiceName.parse(service), environment: EnvironmentName.parse(environment), team }],
    ),
  );

/** One visit of the gates of a service and environment. */
class GateSync {
  readonly #deps: GatesDeps;
  readonly #subject: Subject;
  readonly #session: SyncSession;
  #state = GatesState.parse({});
  #gates: Gate[] = [];

  constructor(deps: GatesDeps, subject: Subject, session: SyncSession) {
    this.#deps = deps;
    this.#subject = subject;
    this.#session = session;
  }

  async run(): Promise<void> {
    const deps = this.#deps;
    const session = this.#session;
    const serviceEnvironment = serviceEnvironmentIn(this.#subject);
    const config = await deps.config.current();
    const entry = environmentEntry(config.services, serviceEnvironment);
    const gates = entry?.freezeGates;
    this.#state = GatesState.parse((await deps.projections.read('gates', this.#subject)) ?? {});
    if (gates === undefined && this.#state.closed.length === 0) return;

    const team = serviceEntry(config.services, serviceEnvironment.service)?.team ?? null;
    const scope = { ...serviceEnvironment, team };
    const at = session.now();
    const frozen = frozenAt(await deps.freezes.current(), scope, at);
    const rollbackTo = frozen.refusing.length === 0 ? undefined : (await ownRollback(deps, serviceEnvironment))?.to;
    // Flux has to apply what Firebreak restores in Git.
    const [closing] = rollbackTo === undefined ? frozen.closing : [];
    await this.#syncFlux(gates, closing === undefined ? null : { freeze: closing.id, at });

    const workloads = entry === undefined ? [] : gatedWorkloads(entry, serviceEnvironment.service);
    const policy =
      workloads.length === 0 || frozen.refusing.length === 0
        ? null
        : policyEntry({
            scope,
            frozen,
            changes: await deps.changes.recent(serviceEnvironment, CHANGES_READ),
            pins: await deps.pins.of(serviceEnvironment),
            rollbackTo,
            outage: policyOf(config, serviceEnvironment).outage,
            at,
          });
    const entries = policy === null ? [] : workloads.map((one) => [entryKey(one), entryText(policy, one)] as const);
    await this.#syncEntries(gates, new Map(entries));

    await this.#save({ gates: this.#gates });
    this.#scheduleNext(at, frozen.nextAt);
  }

  async #syncFlux(gates: FreezeGates | undefined, mark: { freeze: string; at: Timestamp } | null): Promise<void> {
    const cluster = clusterOf(gates);
    const configured = (gates?.flux ?? []).map((object): FluxClosed => ({ gate: 'flux', ...cluster, object }));
    const closed = this.#state.closed.filter((one) => one.gate === 'flux');
    const removed = closed.filter((one) => !configured.some((other) => isSame(one, other)));
    for (const one of mark === null ? closed.filter((each) => !removed.includes(each)) : configured)
      await this.#set(one, fluxName(one.object), mark !== null, () =>
        this.#deps.clusterGates.setSuspended(one, one.object, mark),
      );
    for (const one of removed)
      await this.#set(one, fluxName(one.object), false, () =>
        this.#deps.clusterGates.setSuspended(one, one.object, null),
      );
  }

  async #syncEntries(gates: FreezeGates | undefined, wanted: ReadonlyMap<string, string>): Promise<void> {
    const closed = this.#state.closed.filter((one) => one.gate === 'parameters');
    const object = gates?.parameters ?? { namespace: 'firebreak', name: 'firebreak-freezes' };
    const here = { gate: 'parameters' as const, ...clusterOf(gates), object, keys: [...wanted.keys()] };
    const before = closed.find((one) => isSame(one, here));
    for (const one of [...closed.filter((each) => each !== before), ...(before || wanted.size > 0 ? [here] : [])]) {
      const keys = one === here ? (before?.keys ?? []) : one.keys;
      const entries = new Map([...keys.map((key) => [key, null] as const), ...(one === here ? wanted : [])]);
      const isClosing = one === here && wanted.size > 0;
      const name = `ConfigMap ${one.object.namespace}/${one.object.name}`;
      await this.#set({ ...one, keys: [...entries.keys()] }, name, isClosing, () =>
        this.#deps.clusterGates.setEntries(one, one.object, entries),
      );
    }
  }

  /** Sets one gate. What may be closed is stored before the call, so that it is opened later in any case. */
  async #set(
    gate: ClosedGate,
    name: string,
    isClosing: boolean,
    call: () => Promise<VendorResponse<Gate['condition'] | 'set'>>,
  ): Promise<void> {
    const before = this.#state.unsure;
    const began = this.#session.now();
    const others = () => this.#state.closed.filter((one) => !isSame(one, gate));
    const response = await this.#session.attempt(GATES, call, async (at) => {
      await this.#save({ unsure: at, closed: [...others(), gate] });
      return true; // the call may start
    });
    const last = this.#state.gates.find(({ object }) => object === name);
    if (response === undefined || response.kind === 'unclear') {
      if (last !== undefined) this.#gates.push(last);
      return;
    }
    const isDone = response.kind === 'done';
    const unsure = unansweredAfter(before, isDone ? began : null);
    const isOpen = isDone && !isClosing && unsure === null;
    await this.#save({ unsure, ...(isOpen && { closed: others() }) });
    if (unsure !== null) this.#session.scheduleNext(outcomeKnownFrom(unsure));
    const condition = isDone ? conditionOf(response.value, isClosing, last) : 'refused';
    const detail = isDone ? null : response.detail;
    const at = last?.condition === condition && last.detail === detail ? last.at : this.#session.now();
    if (at !== last?.at)
      this.#session.log[condition === 'open' || condition === 'closed' ? 'info' : 'warn'](
        `a freeze gate is ${condition}`,
        { subject: this.#subject, object: name, ...(detail !== null && { detail }) },
      );
    this.#gates.push({ object: name, condition, detail, at });
  }

  #scheduleNext(at: Timestamp, nextAt: Timestamp | null): void {
    const isNew = this.#gates.some(({ condition, at: since }) => condition === 'refused' || since >= at);
    if (this.#state.closed.length > 0)
      this.#session.scheduleNext(plusSeconds(at, isNew ? CHECK_SOON_SECONDS : CHECK_SECONDS));
    if (nextAt !== null) this.#session.scheduleNext(nextAt);
  }

  async #save(change: Partial<GatesState>): Promise<void> {
    await this.#session.checkLease();
    this.#state = { ...this.#state, ...change };
    await this.#deps.projections.write('gates', this.#subject, this.#state);
  }
}

type FluxClosed = Extract<ClosedGate, { gate: 'flux' }> & { object: FluxObject };

const clusterOf = ({ url, auth }: GateCluster = {}): GateCluster => ({
  ...(url !== undefined && { url }),
  ...(auth !== undefined && { auth }),
});

/** Returns whether both are the same object in the same cluster. */
const isSame = (one: ClosedGate, other: ClosedGate): boolean => identity(one) === identity(other);

const identity = ({ gate, url, auth, object }: ClosedGate): string =>
  JSON.stringify([gate, url, auth?.bearer, 'kind' in object ? object.kind : null, object.namespace, object.name]);

/** That others opened a gate stays visible until the freeze is over. */
const conditionOf = (value: Gate['condition'] | 'set', isClosing: boolean, last: Gate | undefined): Gate['condition'] =>
  !isClosing
    ? 'open'
    : value === 'set'
      ? 'closed'
      : value === 'closed' && last?.condition === 'closed_again'
        ? 'closed_again'
        : value;
