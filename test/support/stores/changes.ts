import { newChange } from '../../../aws/table/changes/changes.ts';
import type { Changes } from '../../../domain/ports/changes.ts';
import type { ServiceEnvironment } from '../../../domain/ports/common.ts';
import { endOf, startsTooFarAhead, patchedChange } from '../../../domain/changes/versions.ts';
import type { Change, ChangePatch, NewChange } from '../../../schemas/changes/change.ts';
import type { ChangeId } from '../../../schemas/config/names.ts';
import { type Timestamp } from '../../../schemas/time/time.ts';
import { type FakeStore, copy, targetKey } from './store.ts';

export class FakeChanges implements Changes {
  readonly #store: FakeStore;

  constructor(store: FakeStore) {
    this.#store = store;
  }

  async record(
    input: NewChange,
    { made_for, ...own }: Parameters<Changes['record']>[1] = {},
  ): ReturnType<Changes['record']> {
    const change = { ...newChange(input, this.#store.clock.now(), made_for ?? null), ...own };
    const known = this.#store.changes.get(change.id);
    if (known) return { change: copy(known), created: false };
    this.#keep(change);
    return { change: copy(change), created: true };
  }

  async patch(id: ChangeId, patch: ChangePatch): Promise<Change | 'ended' | undefined> {
    const known = this.#store.changes.get(id);
    if (known === undefined) return undefined;
    const next = patchedChange(known, patch, this.#store.clock.now());
    if (next === 'ended') return 'ended';
    this.#keep(next);
    if (next.status !== 'started') this.#store.overdue.delete(id);
    return copy(next);
  }

  async revise(id: ChangeId, revise: (change: Change) => Change): Promise<Change | undefined> {
    const known = this.#store.changes.get(id);
    if (known === undefined) return undefined;
    const next = revise(copy(known));
    this.#keep(next);
    if (next.status !== 'started') this.#store.overdue.delete(id);
    return copy(next);
  }

  async get(id: ChangeId): Promise<Change | undefined> {
    return copy(this.#store.changes.get(id));
  }

  async list(): ReturnType<Changes['list']> {
    return { items: copy(this.#sorted().toReversed()), next_cursor: null };
  }

  async recent(serviceEnvironment: ServiceEnvironment, limit: number): Promise<Change[]> {
    return copy(
      this.#sorted()
        .filter(
          (change) =>
            targetKey(change) === targetKey(serviceEnvironment) && !startsTooFarAhead(change, this.#store.clock.now()),
        )
        .slice(-limit),
    );
  }

  async live(): Promise<Change[]> {
    const serviceEnvironments = new Map(this.#sorted().map((change) => [targetKey(change), change]));
    return [...serviceEnvironments.values()].flatMap((place) => copy(this.#store.liveAt(place) ?? []));
  }

  async inProgress(): ReturnType<Changes['inProgress']> {
    const begun = this.#sorted().filter(({ status, id }) => status === 'started' && !this.#store.forgotten.has(id));
    return begun.map((change) => ({ change: copy(change), overdueAt: this.#store.overdue.get(change.id) ?? null }));
  }

  #keep(change: Change): void {
    const { changes, failures } = this.#store;
    changes.set(change.id, change);
    if (change.status === 'failed' && !failures.has(change.id)) failures.set(change.id, endOf(change));
  }

  async failures(): ReturnType<Changes['failures']> {
    const failed = this.#sorted().flatMap((change) => {
      const failedAt = this.#store.failures.get(change.id);
      return failedAt === undefined ? [] : [{ change, failedAt }];
    });
    return copy(failed);
  }

  async endFailure(id: ChangeId): Promise<void> {
    this.#store.failures.delete(id);
  }

  async setOverdue(id: ChangeId, at: Timestamp): Promise<void> {
    if (this.#store.changes.get(id)?.status === 'started') this.#store.overdue.set(id, at);
  }

  async forgetInProgress(id: ChangeId): Promise<void> {
    this.#store.overdue.delete(id);
    this.#store.forgotten.add(id);
  }

  async overdueAt(id: ChangeId): Promise<Timestamp | null> {
    return this.#store.overdue.get(id) ?? null;
  }

  #sorted(): Change[] {
    const key = (change: Change) => `${change.started_at}#${change.id}`;
    return [...this.#store.changes.values()].toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
  }
}
