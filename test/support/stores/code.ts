import { mergedPullRequest } from '../../../domain/delivery/code.ts';
import { type CodeHistory, PUSHES_READ } from '../../../domain/ports/delivery.ts';
import {
  MergedPullRequest,
  type PullRequest,
  type PullRequestReport,
  type Push,
  type Release,
} from '../../../schemas/delivery/code.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { copy, type FakeStore } from './store.ts';

export class FakeCode implements CodeHistory {
  readonly #store: FakeStore;

  constructor(store: FakeStore) {
    this.#store = store;
  }

  async push(push: Push): Promise<void> {
    const name = ({ repository, branch, after }: Push) => JSON.stringify([repository, branch, after]);
    if (!this.#store.pushes.some((known) => name(known) === name(push))) this.#store.pushes.push(copy(push));
  }

  async pushes(repository: string): Promise<Push[]> {
    const own = this.#store.pushes.filter((push) => push.repository === repository);
    return copy(own.toSorted((a, b) => (a.received_at < b.received_at ? 1 : -1)).slice(0, PUSHES_READ));
  }

  async pushesSince(repository: string, from: Timestamp): Promise<Push[]> {
    const own = this.#store.pushes.filter((push) => push.repository === repository && push.received_at >= from);
    return copy(own.toSorted((a, b) => (a.received_at < b.received_at ? -1 : 1)));
  }

  async pullRequest(report: PullRequestReport): Promise<PullRequest> {
    const name = JSON.stringify([report.repository, report.number]);
    const merged = mergedPullRequest(this.#store.pullRequests.get(name), report);
    this.#store.pullRequests.set(name, merged);
    return copy(merged);
  }

  async pullRequests(repository: string, openedFrom: Timestamp): Promise<PullRequest[]> {
    const all = [...this.#store.pullRequests.values()];
    const own = all.filter((one) => one.repository === repository && one.opened_at >= openedFrom);
    return copy(own.toSorted((a, b) => (a.opened_at < b.opened_at ? -1 : 1)));
  }

  async merged(repository: string, from: Timestamp): Promise<MergedPullRequest[]> {
    const own = [...this.#store.pullRequests.values()].filter((one) => one.repository === repository);
    return own
      .flatMap((one) => MergedPullRequest.safeParse(one).data ?? [])
      .filter(({ merged_at: at }) => at >= from)
      .toSorted((a, b) => (a.merged_at < b.merged_at ? -1 : 1));
  }

  async release(release: Release): Promise<void> {
    this.#store.releases.set(JSON.stringify([release.repository, release.published_at, release.tag]), copy(release));
  }

  async releases(repository: string, from: Timestamp): Promise<Release[]> {
    const own = [...this.#store.releases.values()].filter(
      (one) => one.repository === repository && one.published_at >= from,
    );
    return copy(own.toSorted((a, b) => (a.published_at < b.published_at ? -1 : 1)));
  }
}
