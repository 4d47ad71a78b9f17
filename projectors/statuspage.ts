import { serviceEntry } from '../domain/catalogue.ts';
import type { StatusPage, Told } from '../domain/outlets.ts';
import type { ConfigSource, Incidents } from '../domain/ports.ts';
import { idOf, type Projections } from '../domain/projections.ts';
import { componentsOf, componentStatus, publicStatus, words, worst } from '../domain/public-words.ts';
import type { Config } from '../schemas/config.ts';
import type { IncidentRecord } from '../schemas/incident.ts';
import { IncidentId } from '../schemas/names.ts';
import { type ComponentStatus, PublicStatus } from '../schemas/outlets.ts';
import { ComponentState, StatuspageState, type Subject } from '../schemas/projection.ts';
import { plusSeconds, type Timestamp } from '../schemas/time.ts';
import type { Projector } from './pass.ts';
import type { Method, Turn } from './turn.ts';
import { answered, setAgainFrom, sureFrom } from './unclear.ts';

/**
 * One request a second and key, over a minute; a little below it.
 * @see https://developer.statuspage.io/ "Rate Limiting", read 2026-11
 */
const STATUSPAGE: Method = { name: 'statuspage', allowances: { statuspage: { perSecond: 0.8, burst: 8 } } };

/** So far the list of open incidents may be behind. */
const LIST_LAGS_SECONDS = 15;

type Deps = {
  statusPage: StatusPage;
  projections: Projections;
  incidents: Pick<Incidents, 'read' | 'open' | 'note'>;
  config: ConfigSource;
};

/** The hosted status page: an incident that customers read, and the state of its components. */
export const statuspageProjector =
  (deps: Deps): Projector =>
  async (subject, turn) => {
    const incident = await deps.incidents.read(IncidentId.parse(idOf(subject)));
    if (incident === undefined) return;
    const config = await deps.config.current();
    const state = await stateOf(deps, subject);
    await new Page(deps, subject, incident, config, state, turn).show();
  };

const stateOf = async ({ projections }: Pick<Deps, 'projections'>, subject: Subject): Promise<StatuspageState> =>
  StatuspageState.parse((await projections.read('statuspage', subject)) ?? {});

/** Once it is on the page, it is about all components of its service, however severe it is by now. */
function namesOf(incident: IncidentRecord, { services }: Config, { known }: StatuspageState): readonly string[] {
  return serviceEntry(services, incident.service)?.statusPage?.components ?? Object.keys(known);
}

class Page {
  readonly #deps: Deps;
  readonly #subject: Subject;
  readonly #incident: IncidentRecord;
  readonly #config: Config;
  readonly #turn: Turn;
  readonly #names: readonly string[];
  #state: StatuspageState;

  constructor(
    deps: Deps,
    subject: Subject,
    incident: IncidentRecord,
    config: Config,
    state: StatuspageState,
    turn: Turn,
  ) {
    this.#deps = deps;
    this.#subject = subject;
    this.#incident = incident;
    this.#config = config;
    this.#turn = turn;
    this.#names = namesOf(incident, config, state);
    this.#state = state;
  }

  async show(): Promise<void> {
    const { id, creatingSince } = this.#state;
    if (id === null && creatingSince === null) {
      const { names, publish } = componentsOf(this.#incident, this.#config);
      if (names.length === 0 || this.#incident.status === 'resolved') return this.#withdraw();
      if (publish === 'ask') return this.#ask();
    }
    if (!(await this.#lookUp())) return;
    if (id === null) return this.#create();
    if (this.#state.updating !== null && !(await this.#looked(id))) return;
    await this.#update(id);
    await this.#setComponents();
    await this.#lookAgain();
  }

  /** Once, on the timeline: nothing is public before a person says so. */
  async #ask(): Promise<void> {
    if (this.#state.asked) return;
    const { id } = this.#incident;
    await this.#deps.incidents.note(id, 'status-page-asks', {
      at: this.#turn.now(),
      actor: 'firebreak',
      kind: 'statuspage.asks',
      text: `The status page waits for a person: "Publish update…" in the channel, or POST /v1/incidents/${id}/actions/publish`,
      detail: null,
    });
    await this.#save({ asked: true });
  }

  /** Ids by name, looked up once: their list is long and its limit low. False: not now. */
  async #lookUp(): Promise<boolean> {
    const { known } = this.#state;
    if (this.#names.every((name) => Object.hasOwn(known, name))) return true;
    const told = await this.#turn.attempt(STATUSPAGE, () => this.#deps.statusPage.components());
    if (told?.kind === 'refused') await this.#refused(told.code, told.detail);
    if (told?.kind !== 'done') return false;
    const found = this.#names.map((name) => {
      const component = told.value.find((one) => one.id === name || one.name === name);
      if (component === undefined) this.#turn.log.warn('the status page has no such component', { component: name });
      return [name, component?.id ?? ''] as const;
    });
    await this.#save({ known: { ...known, ...Object.fromEntries(found) } });
    return true;
  }

  /** How the components do by all incidents on the page that are about them: as badly as the worst of these says. */
  async #components(own: readonly IncidentRecord[] = [this.#incident]): Promise<Record<string, ComponentStatus>> {
    const components: Record<string, ComponentStatus> = {};
    if (!this.#names.some((name) => (this.#state.known[name] ?? '') !== '')) return components;
    const others = await this.#others();
    for (const name of this.#names) {
      const id = this.#state.known[name] ?? '';
      if (id === '') continue;
      const concerned = others.filter(({ names }) => names.includes(name)).map((other) => other.incident);
      const all = [...own, ...concerned];
      components[id] = worst(all.map((one) => componentStatus(one, this.#config.statusPage)));
    }
    return components;
  }

  /** Other incidents on the page that share a component and are not over; the list is old, what it names is read. */
  async #others(): Promise<{ incident: IncidentRecord; names: readonly string[] }[]> {
    const concerned: { incident: IncidentRecord; names: readonly string[] }[] = [];
    for (const { id, service } of await this.#deps.incidents.open()) {
      const entry = serviceEntry(this.#config.services, service);
      const shared = entry?.statusPage?.components.some((name) => this.#names.includes(name)) ?? false;
      if (id === this.#incident.id || !shared) continue;
      const state = await stateOf(this.#deps, `incident:${id}`);
      const incident = state.id === null ? undefined : await this.#deps.incidents.read(id);
      if (incident === undefined || incident.status === 'resolved') continue;
      concerned.push({ incident, names: namesOf(incident, this.#config, state) });
    }
    return concerned;
  }

  /** Each creation is mailed: where one may be there, it is looked for before another one is made. */
  async #create(): Promise<void> {
    const { statusPage } = this.#deps;
    const { id: key, status: stands } = this.#incident;
    const { creatingSince } = this.#state;
    if (creatingSince !== null) {
      const began = this.#turn.now();
      const found = await this.#turn.attempt(STATUSPAGE, () => statusPage.findIncident(key));
      if (found?.kind === 'refused') await this.#refused(found.code, found.detail);
      if (found?.kind !== 'done') return;
      if (found.value !== null) {
        await this.#save({ id: found.value.id, creatingSince: null, status: statusOf(found.value.status) });
        return this.#turn.comeAgain(began);
      }
      const sure = sureFrom(creatingSince);
      if (began < sure) return this.#turn.comeAgain(sure);
      if (stands === 'resolved') return this.#withdraw();
      // Kept, since the creation may have to wait for its turn, and is not to look again before it.
      await this.#save({ creatingSince: null });
    }
    const { status, body } = this.#words();
    const components = await this.#components();
    const name = words(this.#config.statusPage.title, this.#names);
    const told = await this.#attempt(
      components,
      () => statusPage.createIncident({ key, name, status, body, components }),
      (at) => ({ creatingSince: at }),
    );
    if (told === undefined || told.kind === 'unclear') return;
    if (told.kind === 'done') await this.#said({ id: told.value.id, creatingSince: null, status });
    else await this.#save({ creatingSince: null });
    if (told.kind === 'refused') await this.#refused(told.code, told.detail);
  }

  /**
   * What is not public, or over before anybody was told, is not told; but what was tried may have left components in
   * doubt.
   */
  async #withdraw(): Promise<void> {
    let certain = true;
    for (const [component, wanted] of Object.entries(await this.#components([]))) {
      const { unsure } = await this.#component(component);
      certain = (unsure === null || (await this.#setComponent(component, wanted))) && certain;
    }
    if (certain && this.#state.creatingSince !== null) await this.#save({ creatingSince: null });
  }

  #words(): { status: PublicStatus; body: string } {
    const status = publicStatus(this.#incident);
    return { status, body: words(this.#config.statusPage.updates[status], this.#names) };
  }

  /** Each update is mailed: whether the last one, which had no answer, is there. False: nobody can tell yet. */
  async #looked(id: string): Promise<boolean> {
    const { updating } = this.#state;
    if (updating === null) return true;
    const began = this.#turn.now();
    const found = await this.#turn.attempt(STATUSPAGE, () => this.#deps.statusPage.findIncident(this.#incident.id));
    if (found?.kind === 'refused') await this.#refused(found.code, found.detail);
    if (found?.kind !== 'done') return false;
    const there = found.value?.id === id && found.value.status === updating.status;
    const sure = sureFrom(updating.since);
    if (!there && began < sure) {
      this.#turn.comeAgain(sure);
      return false;
    }
    await this.#save({ updating: null, ...(there && { status: updating.status }) });
    return true;
  }

  /** Only what is new to those who get mail. Components by themselves are set quietly. */
  async #update(id: string): Promise<void> {
    const { status, body } = this.#words();
    if (this.#state.status === status) return;
    const components = await this.#components();
    const told = await this.#attempt(
      components,
      () => this.#deps.statusPage.updateIncident(id, { status, body, components }),
      (since) => ({ updating: { status, since } }),
    );
    if (told === undefined || told.kind === 'unclear') return;
    if (told.kind === 'done') await this.#said({ status, updating: null });
    else await this.#save({ updating: null });
    if (told.kind === 'refused') await this.#refused(told.code, told.detail);
  }

  async #setComponents(): Promise<void> {
    if (this.#state.updating !== null) return;
    for (const [component, wanted] of Object.entries(await this.#components()))
      await this.#setComponent(component, wanted);
  }

  /** True: it is as it should be, for certain. */
  async #setComponent(component: string, wanted: ComponentStatus): Promise<boolean> {
    const { said, unsure } = await this.#component(component);
    const again = setAgainFrom(unsure);
    const certain = again === null || this.#turn.now() >= again;
    if (!certain) this.#turn.comeAgain(again);
    if (said === wanted && (again === null || !certain)) return certain;
    const told = await this.#attempt({ [component]: wanted }, () =>
      this.#deps.statusPage.setComponent(component, wanted),
    );
    if (told?.kind === 'done') await this.#said({});
    if (told?.kind === 'refused') await this.#refused(told.code, told.detail);
    return told?.kind === 'done' && certain;
  }

  /**
   * An attempt that says something of components, for whichever incident it was said before.
   * @param record what else is to be known should there be no answer
   */
  async #attempt<T>(
    components: Readonly<Record<string, ComponentStatus>>,
    call: () => Promise<Told<T>>,
    record: (at: Timestamp) => Partial<StatuspageState> = () => ({}),
  ): Promise<Told<T> | undefined> {
    const began = this.#turn.now();
    const rows: { id: string; status: ComponentStatus; before: ComponentState }[] = [];
    for (const [id, status] of Object.entries(components)) rows.push({ id, status, before: await this.#component(id) });
    const told = await this.#turn.attempt(STATUSPAGE, call, async (at) => {
      await this.#save(record(at)); // first: by this it is looked after, whatever comes next
      for (const { id, before } of rows) await this.#remember(id, { ...before, unsure: at });
      return true;
    });
    if (told === undefined || told.kind === 'unclear') return told;
    const done = told.kind === 'done';
    for (const { id, status, before } of rows) {
      const unsure = answered(before.unsure, done ? began : null);
      await this.#remember(id, { said: done ? status : before.said, unsure });
    }
    return told;
  }

  async #component(id: string): Promise<ComponentState> {
    return ComponentState.parse((await this.#deps.projections.read('statuspage', `component:${id}`)) ?? {});
  }

  async #remember(id: string, state: ComponentState): Promise<void> {
    await this.#turn.stillOurs();
    await this.#deps.projections.write('statuspage', `component:${id}`, state);
  }

  async #lookAgain(): Promise<void> {
    const { lookAgainAt } = this.#state;
    if (lookAgainAt === null) return;
    if (this.#turn.now() < lookAgainAt) return this.#turn.comeAgain(lookAgainAt);
    await this.#save({ lookAgainAt: null });
  }

  /** Somebody has deleted it there, or the key may no more: said once on the timeline, and looked at again later. */
  async #refused(code: string, detail: string): Promise<void> {
    const { id } = this.#incident;
    this.#turn.log.warn('the status page refuses something', { code, detail, incident: id });
    if (this.#state.problem !== code) {
      await this.#deps.incidents.note(id, 'statuspage-refused', {
        at: this.#turn.now(),
        actor: 'statuspage',
        kind: 'statuspage.refused',
        text: `The status page refuses: ${detail}`,
        detail: null,
      });
      await this.#save({ problem: code });
    }
    this.#turn.afterRefusal(this.#incident.resolved_at);
  }

  /** Components were said to be as the incidents were that we knew of. */
  async #said(change: Partial<StatuspageState>): Promise<void> {
    const lookAgainAt = plusSeconds(this.#turn.now(), LIST_LAGS_SECONDS);
    await this.#save({ ...change, lookAgainAt, problem: null });
    this.#turn.comeAgain(lookAgainAt);
  }

  async #save(change: Partial<StatuspageState>): Promise<void> {
    await this.#turn.stillOurs();
    this.#state = { ...this.#state, ...change };
    await this.#deps.projections.write('statuspage', this.#subject, this.#state);
  }
}

/** People may have changed it to something that we do not know. */
const statusOf = (status: string): PublicStatus | null => PublicStatus.safeParse(status).data ?? null;
