import type { PipelineFigures } from '../types.ts';
import type { Log } from '../../../core/domain/ports/system.ts';
import {
  BRANCHES_MAX,
  countsOf,
  FIGURES,
  type FigureCount,
  type FigureName,
  type Observation,
  OTHER,
  withinLimits,
} from '../decisions/pipeline-figures.ts';
import type { ServiceName } from '../../../schemas/config/names.ts';
import { keys } from '../keys.ts';
import { collect, type Table } from '../../../core/stores/table.ts';
import type { Item } from '../../../platforms/store.ts';

/** Stores the sums of a service and branch as attributes of one item, which DynamoDB increments. */
export class PipelineFigureTable implements PipelineFigures {
  readonly #table: Table;
  readonly #log: Log;

  constructor(table: Table, log: Log) {
    this.#table = table;
    this.#log = log;
  }

  async add(service: ServiceName, branch: string, observations: readonly Observation[]): Promise<void> {
    try {
      const at = await this.#itemOf(service, branch);
      await this.#write(service, at.branch, withinLimits(observations, countsIn(at.item)));
    } catch (error) {
      this.#log.warn('cannot write figures of a pipeline', { service, error: String(error) });
    }
  }

  /** Returns the item of the branch, or that of `other` if the service has too many branches. */
  async #itemOf(service: ServiceName, branch: string): Promise<{ branch: string; item: Item }> {
    const item = await this.#table.get(keys.pipelineFigures(service, branch));
    if (item !== undefined || branch === OTHER) return { branch, item: item ?? {} };
    const { pk } = keys.pipelineFiguresOf();
    const { sk } = keys.pipelineFigures(service, '');
    const known = await collect(this.#table.each(pk, { prefix: sk }), (one) => one);
    if (known.filter((one) => one['branch'] !== OTHER).length < BRANCHES_MAX) return { branch, item: {} };
    return { branch: OTHER, item: known.find((one) => one['branch'] === OTHER) ?? {} };
  }

  async #write(service: ServiceName, branch: string, observations: readonly Observation[]): Promise<void> {
    const added = new Map<string, number>();
    const set = new Map<string, number>();
    for (const count of observations.flatMap(countsOf)) {
      const name = attributeOf(count);
      if (FIGURES[count.name].type === 'gauge') set.set(name, count.value);
      else added.set(name, (added.get(name) ?? 0) + count.value);
    }
    await this.#table.update(keys.pipelineFigures(service, branch), {
      set: { service, branch, ...Object.fromEntries(set) },
      add: Object.fromEntries(added),
    });
  }

  async read(): Promise<{ service: ServiceName; branch: string; counts: FigureCount[] }[]> {
    return collect(this.#table.each(keys.pipelineFiguresOf().pk), (item) => ({
      service: item['service'] as ServiceName,
      branch: String(item['branch']),
      counts: countsIn(item),
    }));
  }
}

/** Encoded values contain no space, so a space can separate them. */
const attributeOf = ({ name, labels, le }: FigureCount): string =>
  [name, ...labels.map(encodeURIComponent), ...(le === null ? [] : [le])].join(' ');

const countsIn = (item: Item): FigureCount[] =>
  Object.entries(item).flatMap(([attribute, value]) => {
    const [name = '', ...values] = attribute.split(' ');
    if (!Object.hasOwn(FIGURES, name) || typeof value !== 'number') return [];
    const figure = FIGURES[name as FigureName];
    const le = figure.type === 'histogram' ? (values.at(-1) ?? null) : null;
    const labels = values.slice(0, figure.labels.length).map(decodeURIComponent);
    return [{ name: name as FigureName, labels, le, value }];
  });
