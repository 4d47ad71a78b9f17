import type { NewPin, Pins } from '../../domain/ports/changes.ts';
import { type Projections, pinsSubject } from '../../domain/incidents/projections.ts';
import type { Page, ServiceEnvironment } from '../../domain/ports/common.ts';
import type { Clock } from '../../domain/ports/system.ts';
import { withPinnedCommit } from '../../domain/changes/identified-versions.ts';
import { commitOf, isSameReference } from '../../domain/changes/version-identity.ts';
import { pinView } from '../../domain/changes/versions.ts';
import { Pin, type PinView } from '../../../schemas/changes/pin.ts';
import type { Change } from '../../../schemas/changes/change.ts';
import type { ChangeId } from '../../../schemas/config/names.ts';
import { StoredChange } from '../../../schemas/incidents/stored-records.ts';
import { canonicalJson, sha256 } from '../../stores/hash.ts';
import { auditWrite } from '../audit/audit-writes.ts';
import { keys, lists } from '../../stores/keys.ts';
import { pageOfFew } from '../../stores/small-list.ts';
import { collect, type Table } from '../../stores/table.ts';
import { absent, equals, type Item, put, update, type Write } from '../../../platforms/store.ts';

/** Newest pins of a service and environment that are in force. The combined item holds 400 KB; the records of older ones stay. */
const PINNED_MAX = 150;
const TRIMMED_MAX = 200;

/** Number of changes read, to find the commits that pins of earlier releases lack. */
const CHANGES_READ = 50;

const PinScope = Pin.pick({ service: true, environment: true });

/** Each pin is an attribute of the combined item, so that it is added without reading the others. */
const PREFIX = 'pin:';
const attributeName = (id: string): string => `${PREFIX}${id}`;

/**
 * Stores versions known to be bad. Whether a newer version runs is determined on read. Beside the records, one item for
 * each service and environment holds the pins in force, since each freeze check needs them.
 */
export class PinTable implements Pins {
  readonly #table: Table;
  readonly #clock: Clock;
  readonly #changed: Projections['changed'];

  /** @param changed wakes the projectors that show the pins of a service; so does the end of Firebreak's own rollback */
  constructor(table: Table, clock: Clock, changed: Projections['changed'] = async () => undefined) {
    this.#table = table;
    this.#clock = clock;
    this.#changed = changed;
  }

  async list({ all, ...paging }: { limit: number; cursor?: string; all: boolean }): Promise<Page<PinView>> {
    if (!all) return pageOfFew(await this.#inForce(), ({ pinned_at, id }) => `${pinned_at} ${id}`, paging);
    const live = new Map<string, Item>();
    for await (const item of this.#table.each('LIVE')) live.set(String(item['sk']), item);
    const page = await this.#table.page({ list: lists.pins }, paging);
    return {
      ...page,
      items: page.items.map((item) => viewOf(Pin.parse(item), live.get(keys.live(Pin.parse(item)).sk))),
    };
  }

  /** Reads the combined items, so that the cost does not grow with the number of old pins. */
  async #inForce(): Promise<PinView[]> {
    const serviceEnvironments = await collect(this.#table.each(keys.pinnedEnvironments().pk), (item) =>
      PinScope.parse(item),
    );
    const items = await this.#table.getAll(
      serviceEnvironments.flatMap((serviceEnvironment) => [
        keys.pinned(serviceEnvironment),
        keys.live(serviceEnvironment),
      ]),
    );
    return serviceEnvironments.flatMap((_, n) => pinsIn(items[2 * n], items[2 * n + 1]));
  }

  async of(serviceEnvironment: ServiceEnvironment): Promise<PinView[]> {
    const [pinned, live] = await this.#table.getAll([keys.pinned(serviceEnvironment), keys.live(serviceEnvironment)]);
    await this.#trim(serviceEnvironment, pinned);
    return pinsIn(pinned, live);
  }

  /** Each rollback first asks for the pins, so this keeps the item small before the next pin is added. */
  async #trim(serviceEnvironment: ServiceEnvironment, item: Item | undefined): Promise<void> {
    const names = Object.keys(item ?? {}).filter((name) => name.startsWith(PREFIX));
    if (names.length <= PINNED_MAX) return;
    const old = newestFirst(item)
      .slice(PINNED_MAX, PINNED_MAX + TRIMMED_MAX)
      .map(({ id }) => attributeName(id));
    await this.#table.update(keys.pinned(serviceEnvironment), { remove: old });
  }

  async get(id: string): Promise<PinView | undefined> {
    const pointer = await this.#table.get(keys.pinById(id));
    const item = pointer && (await this.#table.get({ pk: String(pointer['at_pk']), sk: String(pointer['at_sk']) }));
    if (item === undefined) return undefined;
    const pin = Pin.parse(item);
    return viewOf(pin, await this.#table.get(keys.live(pin)));
  }

  async add(pin: NewPin, rollback: ChangeId): Promise<PinView | undefined> {
    const { id } = newPin(pin, rollback);
    const known = await this.#inForceOf(pin);
    if (known.length > 0) return known.find((one) => one.id === id);
    const { ok } = await this.#table.transact([
      ...pinWrites(pin, [pin], rollback),
      auditWrite({
        id: `${id}:pinned`,
        at: this.#clock.now(),
        actor: 'firebreak',
        kind: 'pin.added',
        subject: pin.service,
        text: `Pinned ${pin.version} in ${pin.environment}: ${pin.reason}`,
        detail: { pin: id, version: pin.version, environment: pin.environment, change: rollback },
      }),
    ]);
    if (!ok) return undefined;
    await this.#changed(pinsSubject(pin));
    return this.get(id);
  }

  /** Returns the pins of this version that are in force. */
  async #inForceOf(pin: NewPin): Promise<PinView[]> {
    const pins = await this.of(pin);
    if (pins.length === 0) return [];
    const newest = this.#table.each(keys.changes(pin).pk, { newestFirst: true, limit: CHANGES_READ });
    const changes = await collect(newest, (item) => StoredChange.parse(item));
    const reference = withPinnedCommit(pin, changes);
    return pins.filter((known) => isSameReference(withPinnedCommit(known, changes), reference));
  }

  async lift(id: string, by: string): Promise<PinView | undefined> {
    const pin = await this.get(id);
    if (pin === undefined) return undefined;
    const at = this.#clock.now();
    await this.#table.transact([
      update(keys.pin(pin, pin.pinned_at, id), { set: { lifted_at: at, lifted_by: by } }, equals('lifted_at', null)),
      update(keys.pinned(pin), { remove: [attributeName(id)] }),
      auditWrite({
        id: `${id}:lifted`,
        at,
        actor: by,
        kind: 'pin.lifted',
        subject: pin.service,
        text: `Lifted the pin of ${pin.version} in ${pin.environment}`,
        detail: { pin: id, version: pin.version, environment: pin.environment },
      }),
    ]);
    await this.#changed(pinsSubject(pin));
    return this.get(id);
  }
}

/**
 * Writes the commits that pins of earlier releases lack, while the changes still tell them: later, such a pin would be of every
 * commit of its name.
 *
 * @param changes the newest of the service and environment
 */
export async function addPinnedCommits(
  table: Table,
  serviceEnvironment: ServiceEnvironment,
  changes: readonly Change[],
): Promise<void> {
  const pins = newestFirst(await table.get(keys.pinned(serviceEnvironment)));
  for (const pin of pins.filter((one) => commitOf(one) === null)) {
    const { commit } = withPinnedCommit(pin, changes);
    const name = attributeName(pin.id);
    // A pin that was lifted meanwhile stays lifted.
    if (commit != null)
      await table.transact([
        update(keys.pin(pin, pin.pinned_at, pin.id), { set: { commit } }, equals('lifted_at', null)),
        update(keys.pinned(pin), { set: { [name]: { ...pin, commit } } }, equals([name, 'id'], pin.id)),
      ]);
  }
}

/** Returns the active pins, newest first, from the combined item and the live version. */
export const pinsIn = (pinned: Item | undefined, live: Item | undefined): PinView[] =>
  newestFirst(pinned)
    .slice(0, PINNED_MAX)
    .map((pin) => viewOf(pin, live));

const newestFirst = (pinned: Item | undefined): Pin[] =>
  Object.entries(pinned ?? {})
    .flatMap(([name, pin]) => (name.startsWith(PREFIX) ? [Pin.parse(pin)] : []))
    .toSorted((a, b) => (`${a.pinned_at}#${a.id}` < `${b.pinned_at}#${b.id}` ? 1 : -1));

const viewOf = (pin: Pin, live: Item | undefined): PinView =>
  pinView(pin, live === undefined ? undefined : StoredChange.parse(live['change']));

/** Creates a pin. The same version for the same incident, or the same recorded rollback, has the same ID. */
export function newPin(pin: NewPin, rollback?: ChangeId): Pin {
  const { service, environment, version } = pin;
  const incident_id = rollback ?? pin.incident_id;
  const id = `pin_${sha256(canonicalJson({ service, environment, version, incident_id })).slice(0, 26)}`;
  return { ...pin, id, lifted_at: null, lifted_by: null };
}

/**
 * Pins versions of a service and environment; the same pin for the same incident is written once.
 *
 * @param rollback its pin is written only if it is new
 */
export function pinWrites(
  { service, environment }: ServiceEnvironment,
  pins: readonly NewPin[],
  rollback?: ChangeId,
): Write[] {
  const created = pins.map((pin) => newPin(pin, rollback));
  if (created.length === 0) return [];
  const at = { service, environment };
  return [
    ...created.flatMap((pin) => {
      const { id, pinned_at } = pin;
      const key = keys.pin(at, pinned_at, id);
      return [
        put({ ...key, ...pin, list: lists.pins, list_key: `${pinned_at}#${id}` }),
        put({ ...keys.pinById(id), at_pk: key.pk, at_sk: key.sk }, rollback === undefined ? undefined : absent),
      ];
    }),
    put({ ...keys.pinnedEnvironment(at), ...at }),
    update(keys.pinned(at), { set: Object.fromEntries(created.map((pin) => [attributeName(pin.id), pin])) }),
  ];
}
