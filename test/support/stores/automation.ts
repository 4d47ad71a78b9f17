import type { AutomationSwitch } from '../../../domain/ports/automation.ts';
import { changedSettings, demotionOf, promotedBy } from '../../../domain/automation/automation.ts';
import { type Automation, type AutomationInput } from '../../../schemas/access/access.ts';
import type { IncidentId, ServiceName } from '../../../schemas/config/names.ts';
import { type Timestamp } from '../../../schemas/time/time.ts';
import { type FakeStore, copy } from './store.ts';

export class FakeAutomation implements AutomationSwitch {
  readonly #store: FakeStore;
  readonly #promotedAt = new Map<string, Timestamp>();

  constructor(store: FakeStore) {
    this.#store = store;
  }

  async read(): Promise<Automation> {
    return copy(this.#store.automation);
  }

  async write(told: AutomationInput, by: string): Promise<Automation> {
    const before = this.#store.automation;
    const at = this.#store.clock.now();
    const promoted = new Set(promotedBy(told.services));
    this.#store.automation = {
      ...changedSettings(before, told),
      demoted: Object.fromEntries(Object.entries(before.demoted).filter(([name]) => !promoted.has(name))),
      by,
      at,
    };
    for (const name of Object.keys(before.demoted)) if (promoted.has(name)) this.#promotedAt.set(name, at);
    return this.read();
  }

  async markWrong(id: IncidentId, key: string | null): Promise<{ acts: number; demoted: ServiceName[] }> {
    const { deeds, automation, clock } = this.#store;
    const acts = deeds.filter((deed) => deed.incident === id && (key === null || deed.key === key));
    for (const deed of acts) deed.wrong = true;
    const demoted = [...new Set(acts.map(({ service }) => service))].filter((service) => {
      const since = this.#promotedAt.get(service) ?? '';
      const reason = demotionOf(deeds.filter((deed) => deed.service === service && deed.at >= since).toReversed());
      if (reason !== null) automation.demoted[service] ??= { at: clock.now(), reason };
      return reason !== null;
    });
    return { acts: acts.length, demoted };
  }
}
