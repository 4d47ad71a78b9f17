import * as z from 'zod';
import type { Curve } from '../../domain/correlation/evidence.ts';
import { BoundedMap } from '../../domain/bounded-map.ts';
import type { HealthSamples } from '../../domain/ports/health-samples.ts';
import { IncidentId } from '../../../schemas/config/names.ts';
import { millisOf, Timestamp, timestamp } from '../../../schemas/time/time.ts';
import { keys } from '../../stores/keys.ts';
import { collect, type Table } from '../../stores/table.ts';
import { absent, put, remove } from '../../../platforms/store.ts';

const PREFIX = 'SAMPLES#';

/** Number of incidents whose newest sample is cached. */
const CACHED_MAX = 1000;

/** Samples as text: pairs of seconds since `from`, and a value. */
const Samples = z.object({ from: Timestamp, until: Timestamp, curve: z.string(), traffic: z.string() });
const Pairs = z.array(z.tuple([z.number(), z.number()]));

/** Stores samples beside their incident, an item for each time that they were read. */
export class HealthSampleTable implements HealthSamples {
  readonly #table: Table;
  /** Another process may have kept newer ones. */
  readonly #newest = new BoundedMap<Timestamp>(CACHED_MAX);

  constructor(table: Table) {
    this.#table = table;
  }

  due(): ReturnType<HealthSamples['due']> {
    return collect(this.#table.each(keys.allSamplesDue().pk), ({ sk }) => IncidentId.parse(sk));
  }

  async newest(id: IncidentId, enough?: Timestamp): ReturnType<HealthSamples['newest']> {
    const known = this.#newest.get(id);
    if (known !== undefined && enough !== undefined && known > enough) return known;
    const newest = this.#table.each(keys.incident(id).pk, { prefix: PREFIX, newestFirst: true, limit: 1 });
    for await (const item of newest) {
      const { until } = Samples.parse(item);
      this.#newest.set(id, until);
      return until;
    }
    return null;
  }

  async keep(id: IncidentId, { curve, traffic }: Parameters<HealthSamples['keep']>[1]): Promise<void> {
    const [from, until] = [curve[0]?.[0], curve.at(-1)?.[0]];
    if (from === undefined || until === undefined) return;
    const textOf = (one: Curve): string =>
      JSON.stringify(one.map(([at, value]) => [(millisOf(at) - millisOf(from)) / 1000, Number(value.toPrecision(6))]));
    const item = { from, until, curve: textOf(curve), traffic: textOf(traffic) };
    const { ok } = await this.#table.transact([put({ ...keys.samples(id, from), ...item }, absent)]);
    if (ok) this.#newest.set(id, until);
  }

  async settle(id: IncidentId): Promise<void> {
    await this.#table.transact([remove(keys.samplesDue(id))]);
  }

  async read(id: IncidentId): ReturnType<HealthSamples['read']> {
    const parts = await collect(this.#table.each(keys.incident(id).pk, { prefix: PREFIX }), (item) =>
      Samples.parse(item),
    );
    const curveOf = (name: 'curve' | 'traffic'): Curve =>
      parts.flatMap(({ from, [name]: text }) =>
        Pairs.parse(JSON.parse(text)).map(
          ([second, value]) => [timestamp(millisOf(from) + second * 1000), value] as const,
        ),
      );
    return { curve: curveOf('curve'), traffic: curveOf('traffic') };
  }
}
