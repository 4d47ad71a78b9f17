import { pinView } from '../../../domain/changes/versions.ts';
import type { Pins } from '../../../domain/ports/changes.ts';
import type { ServiceEnvironment } from '../../../domain/ports/common.ts';
import type { Pin, PinView } from '../../../schemas/changes/pin.ts';
import { type FakeStore, copy, targetKey } from './store.ts';

export class FakePins implements Pins {
  readonly #store: FakeStore;

  constructor(store: FakeStore) {
    this.#store = store;
  }

  async of(serviceEnvironment: ServiceEnvironment): Promise<PinView[]> {
    const ofTarget = this.#store.pins.filter((pin) => targetKey(pin) === targetKey(serviceEnvironment));
    return this.#newestFirst(ofTarget).filter(({ state }) => state === 'pinned');
  }

  async list({ limit, cursor, all }: { limit: number; cursor?: string; all: boolean }): ReturnType<Pins['list']> {
    const views = this.#newestFirst(this.#store.pins).filter(({ state }) => all || state === 'pinned');
    const from = cursor === undefined ? 0 : Number(cursor);
    return {
      items: views.slice(from, from + limit),
      next_cursor: views.length > from + limit ? String(from + limit) : null,
    };
  }

  async get(id: string): Promise<PinView | undefined> {
    const pin = this.#store.pins.find((one) => one.id === id);
    return pin && this.#view(pin);
  }

  async lift(id: string, by: string): Promise<PinView | undefined> {
    const pin = this.#store.pins.find((one) => one.id === id);
    if (pin?.lifted_at === null) Object.assign(pin, { lifted_at: this.#store.clock.now(), lifted_by: by });
    return this.get(id);
  }

  #newestFirst(pins: readonly Pin[]): PinView[] {
    const sortKey = ({ pinned_at, id }: Pin) => `${pinned_at}#${id}`;
    return pins.toSorted((a, b) => (sortKey(a) < sortKey(b) ? 1 : -1)).map((pin) => this.#view(pin));
  }

  #view(pin: Pin): PinView {
    return copy(pinView(pin, this.#store.liveAt(pin)));
  }
}
