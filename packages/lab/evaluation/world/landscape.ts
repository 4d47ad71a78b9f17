import type { Relation } from '../../../../core/domain/correlation/evidence.ts';
import type { ServiceName } from '../../../../schemas/config/names.ts';
import type { Random } from '../random.ts';

/** A service or a piece of infrastructure in relation to the failing service. */
export type Neighbour = {
  name: ServiceName;
  relation: Relation | 'dependent' | 'unrelated';
  /** Steps along the dependencies; 0 for the service itself and for services that it does not depend on. */
  distance: number;
};

export type Landscape = {
  service: Neighbour;
  /** Dependencies of the service, including shared ones. At least two. */
  dependencies: readonly [Neighbour, ...Neighbour[]];
  dependents: readonly Neighbour[];
  unrelated: readonly [Neighbour, ...Neighbour[]];
};

const SERVICES =
  'checkout cart catalogue search pricing payments-api orders inventory shipping profile ' +
  'login sessions recommendations reviews mailer invoices ledger fraud media feed';
const SHARED = 'postgres-main redis-sessions kafka edge-gateway dns object-store cluster-network';

/** Probability that another service uses the same dependency, which makes it shared infrastructure. */
const ALSO_USED = 0.3;

export function landscape(rng: Random): Landscape {
  const names = shuffled(rng, SERVICES.split(' '));
  const shared = shuffled(rng, SHARED.split(' '));
  const take = (from: string[]): ServiceName => (from.pop() ?? rng.hex(6)) as ServiceName;
  const node = (from: string[], relation: Neighbour['relation'], distance: number): Neighbour => ({
    name: take(from),
    relation,
    distance,
  });
  const direct = () => node(names, rng.chance(ALSO_USED) ? 'shared' : 'dependency', 1);
  return {
    service: node(names, 'same', 0),
    dependencies: [
      direct(),
      ...Array.from({ length: rng.whole(0, 2) }, direct),
      ...Array.from({ length: rng.whole(0, 2) }, () => node(names, 'dependency', 2)),
      ...Array.from({ length: rng.whole(1, 3) }, () => node(shared, 'shared', rng.whole(1, 2))),
    ],
    dependents: Array.from({ length: rng.whole(0, 3) }, () => node(names, 'dependent', 0)),
    unrelated: [node(names, 'unrelated', 0), ...Array.from({ length: 5 }, () => node(names, 'unrelated', 0))],
  };
}

function shuffled<T>(rng: Random, values: readonly T[]): T[] {
  return values
    .map((value) => ({ value, at: rng.next() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ value }) => value);
}
