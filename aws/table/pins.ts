import type { Clock, Page, Pins, Place } from '../../domain/ports.ts';
import { Change } from '../../schemas/change.ts';
import { Pin, type PinView } from '../../schemas/pin.ts';
import { canonicalJson, sha256 } from '../hash.ts';
import { keys, lists } from './keys.ts';
import { collect, type Item, listed, type Table, type Write } from './table.ts';

/** How many of a place's newest pins are looked at. */
const PINS_READ = 50;

/** Versions known bad. Whether one is superseded is seen at read, from what runs then. */
export class PinTable implements Pins {
  readonly #table: Table;
  readonly #clock: Clock;

  constructor(table: Table, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
  }

  async list({ limit, cursor, all }: { limit: number; cursor?: string; all: boolean }): Promise<Page<PinView>> {
    const live = new Map<string, Item>();
    for await (const item of this.#table.each('LIVE')) live.set(String(item['sk']), item);
    const viewOf = (item: Item) => view(Pin.parse(item), live.get(keys.live(Pin.parse(item)).sk));
    const page = await this.#table.page(
      listed(lists.pins),
      { limit, ...(cursor !== undefined && { cursor }) },
      (item) => all || viewOf(item).state === 'pinned',
    );
    return { ...page, items: page.items.map(viewOf) };
  }

  async of(place: Place): Promise<PinView[]> {
    const rows = this.#table.each(keys.pins(place).pk, '', { newestFirst: true, limit: PINS_READ });
    const pins = await collect(rows, (item) => Pin.parse(item));
    if (pins.length === 0) return [];
    const live = await this.#table.get(keys.live(place));
    return pins.map((pin) => view(pin, live)).filter(({ state }) => state === 'pinned');
  }

  async get(id: string): Promise<PinView | undefined> {
    const pointer = await this.#table.get(keys.pinById(id));
    const item = pointer && (await this.#table.get({ pk: String(pointer['at_pk']), sk: String(pointer['at_sk']) }));
    if (item === undefined) return undefined;
    const pin = Pin.parse(item);
    return view(pin, await this.#table.get(keys.live(pin)));
  }

  async lift(id: string, by: string): Promise<PinView | undefined> {
    const pin = await this.get(id);
    if (pin === undefined) return undefined;
    await this.#table.transact([
      this.#table.update(keys.pin(pin, pin.pinned_at, id), {
        UpdateExpression: 'SET lifted_at = :at, lifted_by = :by',
        ConditionExpression: 'lifted_at = :none',
        ExpressionAttributeValues: { ':at': this.#clock.now(), ':by': by, ':none': null },
      }),
    ]);
    return this.get(id);
  }
}

/** Superseded while something else runs that was deployed after it; when that is taken back, the pin is in force again. */
function view(pin: Pin, live: Item | undefined): PinView {
  const change = live === undefined ? undefined : Change.parse(live['change']);
  const newer =
    change !== undefined &&
    change.kind !== 'rollback' &&
    change.version !== pin.version &&
    change.started_at > pin.pinned_at;
  const state = pin.lifted_at !== null ? 'lifted' : newer ? 'superseded' : 'pinned';
  return { ...pin, state, superseded_by: newer ? change.version : null };
}

/** Pins a version; the same for the same incident again is the same pin. */
export function pinWrites(table: Table, pin: Omit<Pin, 'id' | 'lifted_at' | 'lifted_by'>): Write[] {
  const { service, environment, version, incident_id } = pin;
  const id = `pin_${sha256(canonicalJson({ service, environment, version, incident_id })).slice(0, 26)}`;
  const key = keys.pin(pin, pin.pinned_at, id);
  const item = { ...key, ...pin, id, lifted_at: null, lifted_by: null };
  return [
    table.put({ ...item, list: lists.pins, list_key: `${pin.pinned_at}#${id}` }),
    table.put({ ...keys.pinById(id), at_pk: key.pk, at_sk: key.sk }),
  ];
}
