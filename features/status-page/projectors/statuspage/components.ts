import { serviceEntry } from '../../../../core/domain/catalogue/catalogue.ts';
import type { VendorResponse } from '../../../../core/domain/ports/vendor-response.ts';
import type { StatusPage } from '../../types.ts';
import type { Projections } from '../../../../core/domain/incidents/projections.ts';
import type { ConfigSource } from '../../../../core/domain/ports/config.ts';
import type { Incidents } from '../../../../core/domain/ports/incidents.ts';
import { namedComponent } from '../../decisions/named-component.ts';
import { maintainedAt } from '../../decisions/maintenance.ts';
import { componentStatus, worst } from '../../decisions/public-texts.ts';
import type { Config } from '../../../../schemas/config/config.ts';
import type { IncidentId } from '../../../../schemas/config/names.ts';
import type { IncidentRecord } from '../../../../schemas/incidents/incident.ts';
import type { Subject } from '../../../../schemas/incidents/projection.ts';
import type { ComponentStatus } from '../../schemas/states.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import type { Method, SyncSession } from '../../../../core/projectors/session.ts';
import { unansweredAfter, setAgainFrom } from '../../../../core/domain/messages/unclear.ts';
import { ComponentState, StatuspageState } from './state.ts';

/**
 * Rate limit, slightly below one request per second and key, over a minute.
 * @see https://developer.statuspage.io/ "Rate Limiting", read 2026-11
 */
export const STATUSPAGE: Method = { name: 'statuspage', allowances: { statuspage: { perSecond: 0.8, burst: 8 } } };

/** Maximum delay of the list of open incidents, in seconds. */
export const LIST_LAG_MAX_SECONDS = 15;

export type StatuspageDeps = {
  statusPage: StatusPage;
  projections: Pick<Projections, 'read' | 'write'>;
  incidents: Pick<Incidents, 'read' | 'open' | 'note'>;
  config: ConfigSource;
};

export const readState = async (
  { projections }: Pick<StatuspageDeps, 'projections'>,
  subject: Subject,
): Promise<StatuspageState> => StatuspageState.parse((await projections.read('statuspage', subject)) ?? {});

/** IDs of components by their names. Empty: the page has no component of this name. */
export type KnownComponents = Readonly<Record<string, string>>;

/** Returns the components of a published incident: all of its service, regardless of the current severity. */
export const componentNamesOf = (
  incident: Pick<IncidentRecord, 'service'>,
  { services }: Pick<Config, 'services'>,
  known: KnownComponents,
): readonly string[] => serviceEntry(services, incident.service)?.statusPage?.components ?? Object.keys(known);

/**
 * The components of the hosted page, whose status incidents and maintenances determine together. Records what was sent,
 * and what may still take effect.
 */
export class PageComponents {
  readonly #deps: StatuspageDeps;
  readonly #config: Config;
  readonly #session: SyncSession;

  constructor(deps: StatuspageDeps, config: Config, session: SyncSession) {
    this.#deps = deps;
    this.#config = config;
    this.#session = session;
  }

  /** Looks up the components of these names. */
  async find(names: readonly string[], known: KnownComponents): Promise<VendorResponse<KnownComponents> | undefined> {
    const response = await this.#session.attempt(STATUSPAGE, () => this.#deps.statusPage.components());
    if (response?.kind !== 'done') return response;
    const found = names.map((name) => {
      const component = namedComponent(response.value, name);
      if (component.kind !== 'one') this.#session.log.warn(component.problem, { component: name });
      return [name, component.kind === 'one' ? component.id : ''] as const;
    });
    return { kind: 'done', value: { ...known, ...Object.fromEntries(found) } };
  }

  /**
   * Returns the status of components by their IDs: the worst of all published incidents and of the maintenances in
   * progress that affect them.
   *
   * @param own incidents that count although they are not published yet
   * @param except an incident that counts only if it is in `own`
   */
  async desired(
    names: readonly string[],
    known: KnownComponents,
    own: readonly IncidentRecord[] = [],
    except?: IncidentId,
  ): Promise<Record<string, ComponentStatus>> {
    const components: Record<string, ComponentStatus> = {};
    if (!names.some((name) => (known[name] ?? '') !== '')) return components;
    const others = await this.#published(names, except);
    const maintained = maintainedAt(this.#config, this.#session.now());
    for (const name of names) {
      const id = known[name] ?? '';
      if (id === '') continue;
      const concerned = others.filter((other) => other.names.includes(name)).map((other) => other.incident);
      const all = [...own, ...concerned].map((incident) => componentStatus(incident, this.#config.statusPage));
      components[id] = worst(maintained.has(name) ? [...all, 'under_maintenance'] : all);
    }
    return components;
  }

  /** Returns open, published incidents that share a component. Each is read, because the list may be outdated. */
  async #published(
    names: readonly string[],
    except: IncidentId | undefined,
  ): Promise<{ incident: IncidentRecord; names: readonly string[] }[]> {
    const concerned: { incident: IncidentRecord; names: readonly string[] }[] = [];
    for (const { id, service } of await this.#deps.incidents.open()) {
      const entry = serviceEntry(this.#config.services, service);
      const shared = entry?.statusPage?.components.some((name) => names.includes(name)) ?? false;
      if (id === except || !shared) continue;
      const state = await readState(this.#deps, `incident:${id}`);
      const incident = state.id === null ? undefined : await this.#deps.incidents.read(id);
      if (incident === undefined || incident.status === 'resolved') continue;
      concerned.push({ incident, names: componentNamesOf(incident, this.#config, state.known) });
    }
    return concerned;
  }

  /**
   * Sets the status of a component, unless it was sent already. An earlier call without an answer may still be executed,
   * so the status is sent again when that is no longer possible. `certain`: the component has the status, and no earlier
   * attempt can change it any more.
   */
  async set(
    component: string,
    desired: ComponentStatus,
  ): Promise<{ certain: boolean; response: VendorResponse<null> | undefined }> {
    const { sent, unsure: unansweredAt } = await this.state(component);
    const setAgainAt = setAgainFrom(unansweredAt);
    const certain = setAgainAt === null || this.#session.now() >= setAgainAt;
    if (!certain) this.#session.scheduleNext(setAgainAt);
    if (sent === desired && (setAgainAt === null || !certain)) return { certain, response: undefined };
    const response = await this.attempt({ [component]: desired }, () =>
      this.#deps.statusPage.setComponent(component, desired),
    );
    return { certain: response?.kind === 'done' && certain, response };
  }

  /**
   * Makes a call that sets components, and records their state for all incidents and maintenances.
   *
   * @param record stores additional state before the call, in case it gets no answer
   */
  async attempt<T>(
    components: Readonly<Record<string, ComponentStatus>>,
    call: () => Promise<VendorResponse<T>>,
    record: (at: Timestamp) => Promise<void> = async () => undefined,
  ): Promise<VendorResponse<T> | undefined> {
    const began = this.#session.now();
    const rows: { id: string; status: ComponentStatus; before: ComponentState }[] = [];
    for (const [id, status] of Object.entries(components)) rows.push({ id, status, before: await this.state(id) });
    const response = await this.#session.attempt(STATUSPAGE, call, async (at) => {
      await record(at); // first: after a crash, the next session looks up the outcome because of this state
      for (const { id, before } of rows) await this.#save(id, { ...before, unsure: at });
      return true;
    });
    if (response === undefined || response.kind === 'unclear') return response;
    const done = response.kind === 'done';
    for (const { id, status, before } of rows) {
      const unansweredAt = unansweredAfter(before.unsure, done ? began : null);
      await this.#save(id, { sent: done ? status : before.sent, unsure: unansweredAt });
    }
    return response;
  }

  async state(id: string): Promise<ComponentState> {
    return ComponentState.parse((await this.#deps.projections.read('statuspage', `component:${id}`)) ?? {});
  }

  async #save(id: string, state: ComponentState): Promise<void> {
    await this.#session.checkLease();
    await this.#deps.projections.write('statuspage', `component:${id}`, state);
  }
}
