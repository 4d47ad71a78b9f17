import type { AutomationSwitch, Clock } from '../../domain/ports.ts';
import { Automation, untouchedAutomation } from '../../schemas/access.ts';
import { keys } from './keys.ts';
import type { Table } from './table.ts';

/** The kill switch and the modes: one item, always read strongly consistent. */
export class AutomationTable implements AutomationSwitch {
  readonly #table: Table;
  readonly #clock: Clock;

  constructor(table: Table, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
  }

  async read(): Promise<Automation> {
    const item = await this.#table.get(keys.automation());
    return item === undefined ? untouchedAutomation : Automation.parse(item);
  }

  async write(input: Parameters<AutomationSwitch['write']>[0], by: string): Promise<Automation> {
    const automation: Automation = { ...input, by, at: this.#clock.now() };
    await this.#table.transact([this.#table.put({ ...keys.automation(), ...automation })]);
    return automation;
  }
}
