import type { VendorResponse } from '../../../../core/domain/ports/vendor-response.ts';
import { idOf } from '../../../../core/domain/incidents/projections.ts';
import {
  approvalRequest,
  componentsOf,
  publicStatus,
  updateText,
  withComponents,
} from '../../decisions/public-texts.ts';
import type { Config } from '../../../../schemas/config/config.ts';
import type { IncidentRecord } from '../../../../schemas/incidents/incident.ts';
import { IncidentId } from '../../../../schemas/config/names.ts';
import { type ComponentStatus, PublicStatus } from '../../schemas/states.ts';
import type { Subject } from '../../../../schemas/incidents/projection.ts';
import { plusSeconds, type Timestamp } from '../../../../schemas/time/time.ts';
import type { Projector } from '../../../../core/projectors/sync.ts';
import type { SyncSession } from '../../../../core/projectors/session.ts';
import { outcomeKnownFrom } from '../../../../core/domain/messages/unclear.ts';
import {
  LIST_LAG_MAX_SECONDS,
  componentNamesOf,
  PageComponents,
  STATUSPAGE,
  readState,
  type StatuspageDeps,
} from './components.ts';
import { HostedMaintenancePage } from './maintenance.ts';
import type { StatuspageState } from './state.ts';

/** Returns the projector for the hosted status page: public incidents, maintenances, and the status of components. */
export const statuspageProjector =
  (deps: StatuspageDeps): Projector =>
  async (subject, session) => {
    if (subject.startsWith('maintenance:')) return new HostedMaintenancePage(deps, idOf(subject), session).show();
    const incident = await deps.incidents.read(IncidentId.parse(idOf(subject)));
    if (incident === undefined) return;
    const config = await deps.config.current();
    const state = await readState(deps, subject);
    await new HostedIncident(deps, subject, incident, config, state, session).show();
  };

class HostedIncident {
  readonly #deps: StatuspageDeps;
  readonly #subject: Subject;
  readonly #incident: IncidentRecord;
  readonly #config: Config;
  readonly #session: SyncSession;
  readonly #pageComponents: PageComponents;
  readonly #names: readonly string[];
  #state: StatuspageState;

  constructor(
    deps: StatuspageDeps,
    subject: Subject,
    incident: IncidentRecord,
    config: Config,
    state: StatuspageState,
    session: SyncSession,
  ) {
    this.#deps = deps;
    this.#subject = subject;
    this.#incident = incident;
    this.#config = config;
    this.#session = session;
    this.#pageComponents = new PageComponents(deps, config, session);
    this.#names = componentNamesOf(incident, config, state.known);
    this.#state = state;
  }

  async show(): Promise<void> {
    const { id, creatingSince } = this.#state;
    if (id === null && creatingSince === null) {
      const { names, publish } = componentsOf(this.#incident, this.#config);
      if (names.length === 0 || this.#incident.status === 'resolved') return this.#withdraw();
      if (publish === 'ask') return this.#requestApproval();
    }
    if (!(await this.#findComponents())) return;
    if (id === null) return this.#create();
    if (this.#state.updating !== null && !(await this.#resolveUnansweredUpdate(id))) return;
    await this.#update(id);
    await this.#setComponents();
    await this.#recheckComponents();
  }

  /** Asks for approval once, on the timeline. Nothing is published before that. */
  async #requestApproval(): Promise<void> {
    if (this.#state.approvalRequested) return;
    await this.#deps.incidents.note(this.#incident.id, ...approvalRequest(this.#incident.id, this.#session.now()));
    await this.#save({ approvalRequested: true });
  }

  /** Looks up component IDs once, because the list is long and its rate limit low. False: not now. */
  async #findComponents(): Promise<boolean> {
    const { known } = this.#state;
    if (this.#names.every((name) => Object.hasOwn(known, name))) return true;
    const response = await this.#pageComponents.find(this.#names, known);
    if (response?.kind === 'refused') await this.#recordRefusal(response.code, response.detail);
    if (response?.kind !== 'done') return false;
    await this.#save({ known: response.value });
    return true;
  }

  /** Returns the status of the components. @param isCounted whether this incident counts */
  #desiredComponents(isCounted = true): Promise<Record<string, ComponentStatus>> {
    return this.#pageComponents.desired(
      this.#names,
      this.#state.known,
      isCounted ? [this.#incident] : [],
      this.#incident.id,
    );
  }

  /**
   * Creates the public incident. Each creation sends emails, so after an unclear attempt, it is searched for first.
   */
  async #create(): Promise<void> {
    const { statusPage } = this.#deps;
    const { id: key, status: incidentStatus } = this.#incident;
    const { creatingSince } = this.#state;
    if (creatingSince !== null) {
      const began = this.#session.now();
      const found = await this.#session.attempt(STATUSPAGE, () => statusPage.findIncident(key));
      if (found?.kind === 'refused') await this.#recordRefusal(found.code, found.detail);
      if (found?.kind !== 'done') return;
      if (found.value !== null) {
        await this.#save({ id: found.value.id, creatingSince: null, status: statusOf(found.value.status) });
        return this.#session.scheduleNext(began);
      }
      const knownFrom = outcomeKnownFrom(creatingSince);
      if (began < knownFrom) return this.#session.scheduleNext(knownFrom);
      if (incidentStatus === 'resolved') return this.#withdraw();
      // Store this, so that a creation that waits for the rate limit does not search again.
      await this.#save({ creatingSince: null });
    }
    const { status, body } = this.#statusAndBody();
    const components = await this.#desiredComponents();
    const name = withComponents(this.#config.statusPage.title, this.#names);
    const response = await this.#attempt(
      components,
      () => statusPage.createIncident({ key, name, status, body, components }),
      (at) => ({ creatingSince: at }),
    );
    if (response === undefined || response.kind === 'unclear') return;
    if (response.kind === 'done') await this.#recordSuccess({ id: response.value.id, creatingSince: null, status });
    else await this.#save({ creatingSince: null });
    if (response.kind === 'refused') await this.#recordRefusal(response.code, response.detail);
  }

  /**
   * Handles an incident that is not or no longer to be published. An earlier attempt may have left the status of
   * components unclear.
   */
  async #withdraw(): Promise<void> {
    let certain = true;
    for (const [component, desired] of Object.entries(await this.#desiredComponents(false))) {
      const { unsure: unansweredAt } = await this.#pageComponents.state(component);
      certain = (unansweredAt === null || (await this.#setComponent(component, desired))) && certain;
    }
    if (certain && this.#state.creatingSince !== null) await this.#save({ creatingSince: null });
  }

  #statusAndBody(): { status: PublicStatus; body: string } {
    const status = publicStatus(this.#incident);
    return { status, body: withComponents(updateText(this.#incident, this.#config.statusPage), this.#names) };
  }

  /** Checks whether an unanswered update arrived, because each update sends emails. False: not known yet. */
  async #resolveUnansweredUpdate(id: string): Promise<boolean> {
    const { updating } = this.#state;
    if (updating === null) return true;
    const began = this.#session.now();
    const found = await this.#session.attempt(STATUSPAGE, () => this.#deps.statusPage.findIncident(this.#incident.id));
    if (found?.kind === 'refused') await this.#recordRefusal(found.code, found.detail);
    if (found?.kind !== 'done') return false;
    const hasArrived = found.value?.id === id && found.value.status === updating.status;
    const knownFrom = outcomeKnownFrom(updating.since);
    if (!hasArrived && began < knownFrom) {
      this.#session.scheduleNext(knownFrom);
      return false;
    }
    await this.#save({ updating: null, ...(hasArrived && { status: updating.status }) });
    return true;
  }

  /** Publishes an update only if the status changed. Component changes alone send no emails. */
  async #update(id: string): Promise<void> {
    const { status, body } = this.#statusAndBody();
    if (this.#state.status === status) return;
    const components = await this.#desiredComponents();
    const response = await this.#attempt(
      components,
      () => this.#deps.statusPage.updateIncident(id, { status, body, components }),
      (since) => ({ updating: { status, since } }),
    );
    if (response === undefined || response.kind === 'unclear') return;
    if (response.kind === 'done') await this.#recordSuccess({ status, updating: null });
    else await this.#save({ updating: null });
    if (response.kind === 'refused') await this.#recordRefusal(response.code, response.detail);
  }

  async #setComponents(): Promise<void> {
    if (this.#state.updating !== null) return;
    for (const [component, desired] of Object.entries(await this.#desiredComponents()))
      await this.#setComponent(component, desired);
  }

  /** Returns whether the component certainly has the status. */
  async #setComponent(component: string, desired: ComponentStatus): Promise<boolean> {
    const { certain, response } = await this.#pageComponents.set(component, desired);
    if (response?.kind === 'done') await this.#recordSuccess({});
    if (response?.kind === 'refused') await this.#recordRefusal(response.code, response.detail);
    return certain;
  }

  /**
   * Makes a call that sets components.
   *
   * @param record additional state to store before the call, in case it gets no answer
   */
  #attempt<T>(
    components: Readonly<Record<string, ComponentStatus>>,
    call: () => Promise<VendorResponse<T>>,
    record: (at: Timestamp) => Partial<StatuspageState>,
  ): Promise<VendorResponse<T> | undefined> {
    return this.#pageComponents.attempt(components, call, (at) => this.#save(record(at)));
  }

  async #recheckComponents(): Promise<void> {
    const { recheckAt } = this.#state;
    if (recheckAt === null) return;
    if (this.#session.now() < recheckAt) return this.#session.scheduleNext(recheckAt);
    await this.#save({ recheckAt: null });
  }

  /**
   * Records a refusal, such as a deleted incident or a revoked key: reported once on the timeline, and retried later.
   */
  async #recordRefusal(code: string, detail: string): Promise<void> {
    const { id } = this.#incident;
    this.#session.log.warn('the status page refused a call', { code, detail, incident: id });
    if (this.#state.problem !== code) {
      await this.#deps.incidents.note(id, 'statuspage-refused', {
        at: this.#session.now(),
        actor: 'statuspage',
        kind: 'statuspage.refused',
        text: `The status page refused an update: ${detail}`,
        detail: null,
      });
      await this.#save({ problem: code });
    }
    this.#session.scheduleRetryAfterRefusal(this.#incident.resolved_at);
  }

  /** Records a success and schedules a check, because the list of open incidents may have been outdated. */
  async #recordSuccess(change: Partial<StatuspageState>): Promise<void> {
    const recheckAt = plusSeconds(this.#session.now(), LIST_LAG_MAX_SECONDS);
    await this.#save({ ...change, recheckAt, problem: null });
    this.#session.scheduleNext(recheckAt);
  }

  async #save(change: Partial<StatuspageState>): Promise<void> {
    await this.#session.checkLease();
    this.#state = { ...this.#state, ...change };
    await this.#deps.projections.write('statuspage', this.#subject, this.#state);
  }
}

/** Parses a status. Null: people have set one that Firebreak does not use. */
const statusOf = (status: string): PublicStatus | null => PublicStatus.safeParse(status).data ?? null;
