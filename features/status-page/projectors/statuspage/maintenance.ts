import type { VendorResponse } from '../../../../core/domain/ports/vendor-response.ts';
import { type HostedMaintenance, hostedMaintenances } from '../../decisions/maintenance.ts';
import { withComponents } from '../../decisions/public-texts.ts';
import type { Config } from '../../../../schemas/config/config.ts';
import type { Subject } from '../../../../schemas/incidents/projection.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import type { SyncSession } from '../../../../core/projectors/session.ts';
import { outcomeKnownFrom } from '../../../../core/domain/messages/unclear.ts';
import { LIST_LAG_MAX_SECONDS, PageComponents, STATUSPAGE, type StatuspageDeps } from './components.ts';
import { isSame, MAINTENANCE_INDEX, MaintenanceIndex, MaintenanceState } from './state.ts';

/** Shows one maintenance of the configuration on the hosted page: announced, started, and ended or cancelled. */
export class HostedMaintenancePage {
  readonly #deps: StatuspageDeps;
  readonly #id: string;
  readonly #subject: Subject;
  readonly #session: SyncSession;
  #state: MaintenanceState = MaintenanceState.parse({});

  constructor(deps: StatuspageDeps, id: string, session: SyncSession) {
    this.#deps = deps;
    this.#id = id;
    this.#subject = `maintenance:${id}`;
    this.#session = session;
  }

  async show(): Promise<void> {
    const { projections } = this.#deps;
    this.#state = MaintenanceState.parse((await projections.read('statuspage', this.#subject)) ?? {});
    const config = await this.#deps.config.current();
    if (this.#state.sending !== null && !(await this.#resolveUnanswered(this.#state.sending))) return;
    const desired = hostedMaintenances(config, this.#session.now()).get(this.#id) ?? this.#cancelled(config);
    if (desired !== undefined && (await this.#prepare(desired))) await this.#apply(desired, config);
    else await this.#removeFromIndex();
  }

  /** Returns the last state of a maintenance that was removed from the configuration. Undefined: it was never shown. */
  #cancelled({ statusPage: { updates } }: Config): HostedMaintenance | undefined {
    const { shows } = this.#state;
    if (shows === null || shows.status === 'completed') return shows ?? undefined;
    return { ...shows, status: 'completed', body: withComponents(updates.maintenanceCancelled, shows.components) };
  }

  /** Prepares the state. False: the page shows nothing of it, and nothing is to be shown any more. */
  async #prepare(desired: HostedMaintenance): Promise<boolean> {
    const { id, ended, shows, known } = this.#state;
    if (desired.status === 'completed') return id !== null;
    if (shows?.status === 'completed') {
      this.#state = MaintenanceState.parse({ ended: ended + 1, known });
      await this.#save({});
    }
    await this.#setIndexed(true);
    return true;
  }

  /** Brings the hosted page to the desired state. */
  async #apply(desired: HostedMaintenance, config: Config): Promise<void> {
    const page = new PageComponents(this.#deps, config, this.#session);
    if (!isSame(this.#state.shows, desired)) {
      if (!(await this.#findComponents(page, desired))) return;
      if (await this.#send(page, desired)) await this.#save({ recheckAt: this.#scheduleRecheck() });
    }
    if (this.#state.sending !== null) return;
    const isSet = await this.#setComponents(page, desired);
    const { shows, refused, recheckAt } = this.#state;
    if (recheckAt !== null && this.#session.now() >= recheckAt) await this.#save({ recheckAt: null });
    else if (recheckAt !== null) this.#session.scheduleNext(recheckAt);
    const isOver = isSame(shows, desired) || (refused?.final === true && isSame(refused.shows, desired));
    if (desired.status === 'completed' && isOver && isSet && this.#state.recheckAt === null)
      await this.#removeFromIndex();
  }

  /** Looks up the components again at each change, because people may have added them. False: not now. */
  async #findComponents(page: PageComponents, desired: HostedMaintenance): Promise<boolean> {
    const names = [...new Set([...desired.components, ...(this.#state.shows?.components ?? [])])];
    if (names.every((name) => (this.#state.known[name] ?? '') !== '')) return true;
    if (isSame(this.#state.refused?.shows ?? null, desired) && this.#state.refused?.final === true) return false;
    const response = await page.find(names, this.#state.known);
    if (response?.kind === 'refused') await this.#recordRefusal(desired, response);
    if (response?.kind !== 'done') return false;
    await this.#save({ known: { ...response.value } });
    if (this.#componentIds(desired).length > 0) return true;
    await this.#save({ refused: { shows: desired, code: 'unknown_components', final: true } });
    return false;
  }

  /** Returns the ids of the affected components that are known. */
  #componentIds({ components }: HostedMaintenance): string[] {
    return components.map((name) => this.#state.known[name] ?? '').filter((id) => id !== '');
  }

  /** Sends what has changed. Each creation and each text sends emails, so nothing is sent twice. */
  async #send(page: PageComponents, desired: HostedMaintenance): Promise<boolean> {
    const { id, ended, shows, refused, change } = this.#state;
    if (refused?.final === true && isSame(refused.shows, desired)) return false;
    const { statusPage } = this.#deps;
    const components = desired.status === 'scheduled' ? {} : await page.desired(desired.components, this.#state.known);
    const planned = {
      key: `maintenance:${this.#id}${ended === 0 ? '' : `#${ended}`}`,
      change: String(change + 1),
      name: desired.name,
      status: desired.status,
      from: desired.from,
      until: desired.until,
      affects: this.#componentIds(desired),
      components,
    };
    const body = isNews(shows, desired) ? desired.body : null;
    const response = await page.attempt<{ id: string } | null>(
      components,
      () =>
        id === null
          ? statusPage.createMaintenance({ ...planned, body: desired.body })
          : statusPage.updateMaintenance(id, { ...planned, body }),
      (since) => this.#save({ change: change + 1, sending: { shows: desired, since, creates: id === null } }),
    );
    if (response === undefined || response.kind === 'unclear') return false;
    if (response.kind === 'refused')
      await this.#recordRefusal(desired, response, response.code === 'not_found' && id !== null);
    if (response.kind !== 'done') await this.#save({ sending: null });
    else await this.#save({ id: response.value?.id ?? id, shows: desired, sending: null, refused: null });
    return response.kind === 'done';
  }

  /** Checks whether an unanswered change arrived. False: not known yet. */
  async #resolveUnanswered({ shows, since, creates }: NonNullable<MaintenanceState['sending']>): Promise<boolean> {
    const { ended, change } = this.#state;
    const key = `maintenance:${this.#id}${ended === 0 ? '' : `#${ended}`}`;
    const began = this.#session.now();
    const found = await this.#session.attempt(STATUSPAGE, () => this.#deps.statusPage.findMaintenance(key));
    if (found?.kind === 'refused') await this.#recordRefusal(shows, found);
    if (found?.kind !== 'done') return false;
    if (found.value !== null && (creates || found.value.change === String(change))) {
      await this.#save({ id: found.value.id, shows, sending: null, recheckAt: this.#scheduleRecheck() });
      return true;
    }
    const knownFrom = outcomeKnownFrom(since);
    if (began < knownFrom) {
      this.#session.scheduleNext(knownFrom);
      return false;
    }
    await this.#save({ sending: null });
    return true;
  }

  /**
   * Sets components that are not as they should be. Before a maintenance begins, only those whose status Firebreak has
   * set before.
   */
  async #setComponents(page: PageComponents, desired: HostedMaintenance): Promise<boolean> {
    let isSet = true;
    const names = Object.keys(this.#state.known);
    for (const [component, status] of Object.entries(await page.desired(names, this.#state.known))) {
      const { sent, unsure: unansweredAt } = await page.state(component);
      if (desired.status === 'scheduled' && sent === null && unansweredAt === null) continue;
      const { certain, response } = await page.set(component, status);
      if (response?.kind === 'refused') await this.#recordRefusal(desired, response);
      if (response?.kind === 'done') await this.#save({ recheckAt: this.#scheduleRecheck() });
      isSet = certain && isSet;
    }
    return isSet;
  }

  /** Schedules another check, because lists of the hosted page lag behind changes. */
  #scheduleRecheck() {
    const at = plusSeconds(this.#session.now(), LIST_LAG_MAX_SECONDS);
    this.#session.scheduleNext(at);
    return at;
  }

  /** A maintenance that people deleted on the page is not created again. Other refusals are retried. */
  async #recordRefusal(desired: HostedMaintenance, { code, detail }: Refusal, final = false): Promise<void> {
    if (this.#state.refused?.code !== code)
      this.#session.log.warn('the status page refused a maintenance', { code, detail, maintenance: this.#id });
    await this.#save({ refused: { shows: desired, code, final } });
    if (!final) this.#session.scheduleRetryAfterRefusal(desired.status === 'completed' ? desired.until : null);
  }

  /** Removes a maintenance from the index after its end, or if it was never shown. */
  async #removeFromIndex(): Promise<void> {
    if (this.#state.sending === null) await this.#setIndexed(false);
  }

  /** Records that the maintenance is or is not on the page, so that its removal from the configuration is noticed. */
  async #setIndexed(isOnPage: boolean): Promise<void> {
    const { projections } = this.#deps;
    const { ids } = MaintenanceIndex.parse((await projections.read('statuspage', MAINTENANCE_INDEX)) ?? {});
    if (ids.includes(this.#id) === isOnPage) return;
    const others = ids.filter((id) => id !== this.#id);
    await this.#session.checkLease();
    await projections.write('statuspage', MAINTENANCE_INDEX, { ids: isOnPage ? [...others, this.#id] : others });
  }

  async #save(change: Partial<MaintenanceState>): Promise<void> {
    await this.#session.checkLease();
    this.#state = { ...this.#state, ...change };
    await this.#deps.projections.write('statuspage', this.#subject, this.#state);
  }
}

type Refusal = Pick<Extract<VendorResponse<never>, { kind: 'refused' }>, 'code' | 'detail'>;

/** Returns whether readers must know of the change: another status, or other times or words of what is planned. */
const isNews = (before: HostedMaintenance | null, after: HostedMaintenance): boolean =>
  before === null ||
  before.status !== after.status ||
  (after.status === 'scheduled' &&
    (before.body !== after.body || before.from !== after.from || before.until !== after.until));
