import type { CheckedScope, FreezeState, ScopeState } from '../../domain/ports/freeze.ts';
import { byBeginning, freezeIn, freezeTextsIn, scopesOf } from './freeze-scope.ts';
import { type Key, keys } from '../core/keys.ts';
import { ParsedTexts } from '../core/parsed-texts.ts';
import { pinsIn } from '../changes/pins.ts';
import { evaluatedIn, statusesOf, statusesTextIn } from '../slo/slo-statuses.ts';
import type { Table } from '../core/table.ts';
import type { Item } from '../../platforms/store.ts';

/** Number of freezes, and of statuses of objectives, that are cached parsed; each has about 1 KB. */
const TEXTS_CACHED = 4000;

/** Keys that a check reads for one service and environment, in this order. */
type ScopeKeys = { scopes: Key[]; status: Key };

/** Reads everything that a check needs in one DynamoDB call, which concurrent checks share. */
export class FreezeStateTable implements FreezeState {
  readonly #table: Table;
  readonly #freezes = new ParsedTexts(freezeIn, TEXTS_CACHED);
  readonly #statuses = new ParsedTexts(statusesOf, TEXTS_CACHED);

  constructor(table: Table) {
    this.#table = table;
  }

  async read(scope: CheckedScope, dependencies: readonly CheckedScope[]): ReturnType<FreezeState['read']> {
    const [evaluation, live, pinned] = [keys.sloEvaluation(), keys.live(scope), keys.pinned(scope)];
    const own = keysOf(scope);
    const others = dependencies.map(keysOf);
    const wanted = [evaluation, live, pinned, ...[own, ...others].flatMap(({ scopes, status }) => [...scopes, status])];
    const items = await this.#table.shared.read(wanted);
    const found = new Map(wanted.map((key, n) => [nameOf(key), items[n]]));
    const itemAt = (key: Key) => found.get(nameOf(key));
    return {
      own: this.#stateOf(own, itemAt),
      dependencies: others.map((other) => this.#stateOf(other, itemAt)),
      pins: pinsIn(itemAt(pinned), itemAt(live)),
      evaluatedAt: evaluatedIn(itemAt(evaluation)),
    };
  }

  #stateOf({ scopes, status }: ScopeKeys, itemAt: (key: Key) => Item | undefined): ScopeState {
    return {
      freezes: scopes
        .flatMap((scope) => freezeTextsIn(itemAt(scope)))
        .map((text) => this.#freezes.of(text))
        .toSorted(byBeginning),
      slos: this.#statuses.of(statusesTextIn(itemAt(status))),
    };
  }
}

const keysOf = (scope: CheckedScope): ScopeKeys => ({
  scopes: scopesOf(scope).map((one) => keys.freezeScope(one)),
  status: keys.sloStatus(scope),
});

const nameOf = ({ pk, sk }: Key): string => `${pk} ${sk}`;
