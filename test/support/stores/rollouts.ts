import {
  type CommitKey,
  type HistoryKey,
  type RolloutKey,
  type Rollouts,
  UNMAPPED_MAX,
} from '../../../domain/ports/changes.ts';
import type { ObjectHistory, RolloutRecord } from '../../../schemas/changes/change-report.ts';
import { copy, type FakeStore } from './store.ts';

export class FakeRollouts implements Rollouts {
  readonly #store: FakeStore;
  readonly #awaiting = new Map<string, CommitKey & { rollout: RolloutKey }>();

  constructor(store: FakeStore) {
    this.#store = store;
  }

  async get(of: RolloutKey): Promise<RolloutRecord | undefined> {
    return copy(this.#store.rollouts.get(nameOf(of)));
  }

  async put(record: RolloutRecord): Promise<boolean> {
    const name = nameOf(record.rollout);
    if ((this.#store.rollouts.get(name)?.rev ?? 0) !== record.rev - 1) return false;
    this.#store.rollouts.set(name, copy(record));
    return true;
  }

  async unmapped(): Promise<RolloutRecord[]> {
    const all = [...this.#store.rollouts.values()].filter(({ unmapped_in }) => unmapped_in !== null);
    return copy(all.toSorted((a, b) => (a.received_at < b.received_at ? -1 : 1)).slice(-UNMAPPED_MAX));
  }

  async await({ source, key }: RolloutKey, { repository, commit }: CommitKey): Promise<void> {
    this.#awaiting.set(JSON.stringify([repository, commit, source, key]), {
      repository,
      commit,
      rollout: { source, key },
    });
  }

  async awaiting(repository: string, commits: ReadonlySet<string>): Promise<RolloutKey[]> {
    return [...this.#awaiting.values()]
      .filter((one) => one.repository === repository && commits.has(one.commit))
      .map(({ rollout }) => rollout);
  }

  async history({ source, object }: HistoryKey): Promise<ObjectHistory | undefined> {
    return copy(this.#store.objectHistories.get(nameOf({ source, key: object })));
  }

  async putHistory(history: ObjectHistory): Promise<boolean> {
    const name = nameOf({ source: history.source, key: history.object });
    if ((this.#store.objectHistories.get(name)?.rev ?? 0) !== history.rev - 1) return false;
    this.#store.objectHistories.set(name, copy(history));
    return true;
  }
}

const nameOf = ({ source, key }: RolloutKey): string => JSON.stringify([source, key]);
