import { BUDGET_ACTIONS, changedSettings, demotionOf, promotedBy } from '../../domain/automation/automation.ts';
import type { AutomationSwitch } from '../../domain/ports/automation.ts';
import type { Clock } from '../../domain/ports/system.ts';
import { type Automation, type AutomationInput, untouchedAutomation } from '../../../schemas/access/access.ts';
import { StoredAutomation } from '../../../schemas/incidents/stored-records.ts';
import { type IncidentId, ServiceName } from '../../../schemas/config/names.ts';
import { Timestamp } from '../../../schemas/time/time.ts';
import { auditWrite } from '../audit/audit-writes.ts';
import { keys } from '../../stores/keys.ts';
import { collect, type Table } from '../../stores/table.ts';
import {
  absent,
  allOf,
  type Condition,
  type Item,
  missing,
  present,
  put,
  remove,
  revisionIs,
  update,
  type Write,
} from '../../../platforms/store.ts';

const TRIES = 20;

/**
 * Stores the kill switch, the modes, and the error budget of the automation of each service. Reads are strongly
 * consistent.
 */
export class AutomationTable implements AutomationSwitch {
  readonly #table: Table;
  readonly #clock: Clock;

  constructor(table: Table, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
  }

  async read(): Promise<Automation> {
    const [item, demotions] = await Promise.all([
      this.#table.get(keys.automation()),
      collect(
        this.#table.each(keys.demotions().pk),
        ({ service, at, reason }) => [String(service), { at, reason }] as const,
      ),
    ]);
    return StoredAutomation.parse({ ...(item ?? untouchedAutomation), demoted: Object.fromEntries(demotions) });
  }

  /** Concurrent changes by two people both take effect. */
  async write(input: AutomationInput, by: string): Promise<Automation> {
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const before = await this.#table.get(keys.automation());
      const { demoted, ...known } = await this.read();
      // Keep settings that are not part of the input, including those that only a newer version knows.
      const current = { ...known, ...before };
      const at = this.#clock.now();
      const promoted = promotedBy(input.services).filter((service) => Object.hasOwn(demoted, service));
      const rev = Number(before?.['rev'] ?? 0) + 1;
      const settings = changedSettings(current, input);
      // Who paused automation, and when, stays on record while others set limits.
      const staysPaused = known.paused && settings.paused && input.reason === undefined;
      const set = staysPaused ? { by: known.by, at: known.at } : { by, at };
      const result = await this.#table.transact([
        put(
          { ...before, ...keys.automation(), ...settings, ...set, rev },
          before === undefined ? absent : unchangedSince(before),
        ),
        ...promoted.flatMap((service) => this.#promotion(service, at)),
        auditWrite({
          id: `automation:${rev}`,
          at,
          actor: by,
          kind: 'automation.changed',
          subject: 'automation',
          text: changedText(input),
          detail: { ...input, promoted },
        }),
      ]);
      if (result.ok) return this.read();
    }
    throw new Error(`the automation settings changed during all ${TRIES} attempts; try again`);
  }

  /** Starts a new error budget for the service. */
  #promotion(service: string, at: Timestamp): Write[] {
    return [remove(keys.demotion(service)), put({ ...keys.promotion(service), service, at })];
  }

  async markWrong(
    id: IncidentId,
    key: string | null,
    why: string,
  ): Promise<{ acts: string[]; demoted: ServiceName[] }> {
    const acts = await this.#actsOf(id, key);
    const services = new Set<ServiceName>();
    for (const { service, at, key: act } of acts) {
      await this.#table.transact([
        update(keys.automaticAction(service, at, act), { set: { wrong: why } }, allOf(present, missing('wrong'))),
      ]);
      services.add(service);
    }
    const demoted: ServiceName[] = [];
    for (const service of services) if (await this.#judge(service)) demoted.push(service);
    return { acts: acts.map(({ key: act }) => act), demoted };
  }

  /**
   * Reads what automation has changed for an incident. A rollback that a person requested is not in the error budget.
   */
  async #actsOf(id: IncidentId, key: string | null): Promise<{ service: ServiceName; at: Timestamp; key: string }[]> {
    const effects = await collect(
      this.#table.each(keys.incident(id).pk, { prefix: `EFF#${key ?? ''}` }),
      (item) => item,
    );
    const acts = effects.flatMap((item) => {
      const serviceEnvironment = item['service_environment'] as { service: ServiceName } | undefined;
      const act = { service: serviceEnvironment?.service, at: item['at'], key: item['key'] };
      return serviceEnvironment === undefined || (key !== null && act.key !== key)
        ? []
        : [{ service: ServiceName.parse(act.service), at: Timestamp.parse(act.at), key: String(act.key) }];
    });
    const actions = await this.#table.getAll(acts.map((act) => keys.automaticAction(act.service, act.at, act.key)));
    return acts.filter((_, n) => actions[n] !== undefined);
  }

  /** Demotes a service whose error budget is spent. Returns true if it is demoted now or was before. */
  async #judge(service: ServiceName): Promise<boolean> {
    const promotion = await this.#table.get(keys.promotion(service));
    const from = promotion === undefined ? '' : String(promotion['at']);
    const newest = this.#table.each(keys.automaticActions(service).pk, {
      newestFirst: true,
      limit: BUDGET_ACTIONS,
      from,
    });
    const actions = await collect(newest, (item: Item) => ({ wrong: item['wrong'] !== undefined }));
    const reason = demotionOf(actions);
    if (reason === null) return false;
    const at = this.#clock.now();
    await this.#table.transact([
      put({ ...keys.demotion(service), service, at, reason }, absent),
      auditWrite({
        id: `demotion:${service}:${at}`,
        at,
        actor: 'firebreak',
        kind: 'automation.demoted',
        subject: service,
        text: `Demoted to asking for approval: ${reason}`,
        detail: {},
      }),
    ]);
    return true;
  }
}

/** Names the changed settings; their values are in the detail. */
function changedText({ paused, mode, services }: AutomationInput): string {
  const limited = Object.keys(services ?? {});
  const parts = [
    ...(paused === undefined ? [] : [paused ? 'Kill switch on' : 'Kill switch off']),
    ...(mode === undefined ? [] : [`mode limit of all services: ${mode ?? 'none'}`]),
    ...(limited.length === 0 ? [] : [`mode limits changed for: ${limited.join(', ')}`]),
  ];
  return parts.length === 0 ? 'No setting was changed' : parts.join('; ');
}

/** Fails if another process has written in the meantime. Older versions stored no revision. */
const unchangedSince = ({ rev }: Item): Condition => (rev === undefined ? missing('rev') : revisionIs(rev));
