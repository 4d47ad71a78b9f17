import { mergedPullRequest } from '../../domain/changes/code.ts';
import { type CodeHistory, PUSHES_READ } from '../../domain/ports/changes.ts';
import {
  MergedPullRequest,
  PullRequest,
  type PullRequestReport,
  Push,
  Release,
} from '../../../schemas/changes/code.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { keys } from '../../stores/keys.ts';
import { expiresAfter, RETENTION_DAYS } from '../../stores/retention.ts';
import { collect, type Table } from '../../stores/table.ts';
import { absent, put, remove, revisionIs, type Write } from '../../../platforms/store.ts';

const TRIES = 20;

/** Stores pushes, pull requests, and releases. */
export class CodeTable implements CodeHistory {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  async push(push: Push): Promise<void> {
    const expires = expiresAfter(push.received_at, RETENTION_DAYS.push);
    const once = put({ ...keys.pushOnce(push), ...expires }, absent);
    const { repository, received_at, branch, after } = push;
    const key = keys.push(repository, received_at, `${branch}#${after}`);
    await this.#table.transact([once, put({ ...key, push, ...expires })]);
  }

  async pushes(repository: string): Promise<Push[]> {
    const { pk } = keys.pushes(repository);
    return collect(this.#table.each(pk, { newestFirst: true, limit: PUSHES_READ }), ({ push }) => Push.parse(push));
  }

  async pushesSince(repository: string, from: Timestamp): Promise<Push[]> {
    const { pk } = keys.pushes(repository);
    return collect(this.#table.each(pk, { from }), ({ push }) => Push.parse(push));
  }

  async pullRequest(report: PullRequestReport): Promise<PullRequest> {
    const key = keys.pullRequest(report.repository, report.opened_at, report.number);
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      const item = await this.#table.get(key);
      const rev = Number(item?.['rev'] ?? 0);
      const known = item && PullRequest.parse(item['pull_request']);
      const pullRequest = mergedPullRequest(known, report);
      const expires = expiresAfter(pullRequest.updated_at, RETENTION_DAYS.code);
      const condition = rev === 0 ? absent : revisionIs(rev);
      const write = put({ ...key, pull_request: pullRequest, rev: rev + 1, ...expires }, condition);
      const merge = this.#merge(known, pullRequest, expires);
      if ((await this.#table.transact([write, ...merge])).ok) return pullRequest;
    }
    throw new Error(`the pull request ${report.number} of ${report.repository} changed during all ${TRIES} attempts`);
  }

  async pullRequests(repository: string, openedFrom: Timestamp): Promise<PullRequest[]> {
    const { pk } = keys.pullRequests(repository);
    const items = this.#table.each(pk, { from: openedFrom });
    return collect(items, ({ pull_request }) => PullRequest.parse(pull_request));
  }

  /** Returns the writes that keep what is read by the time of the merge. */
  #merge(known: PullRequest | undefined, now: PullRequest, expires: { expires_at: number }): Write[] {
    const { repository, number, merged_at, merge_commit } = now;
    const stale = known?.merged_at ?? null;
    return [
      ...(stale === null || stale === merged_at ? [] : [remove(keys.merged(repository, stale, number))]),
      ...(merged_at === null || merge_commit === null
        ? []
        : [
            put({
              ...keys.merged(repository, merged_at, number),
              merged: MergedPullRequest.parse(now),
              ...expires,
            }),
          ]),
    ];
  }

  async merged(repository: string, from: Timestamp): Promise<MergedPullRequest[]> {
    const { pk } = keys.mergedOf(repository);
    return collect(this.#table.each(pk, { from }), ({ merged }) => MergedPullRequest.parse(merged));
  }

  async release(release: Release): Promise<void> {
    const key = keys.release(release.repository, release.published_at, release.tag);
    await this.#table.transact([put({ ...key, release, ...expiresAfter(release.published_at, RETENTION_DAYS.code) })]);
  }

  async releases(repository: string, from: Timestamp): Promise<Release[]> {
    const { pk } = keys.releases(repository);
    return collect(this.#table.each(pk, { from }), ({ release }) => Release.parse(release));
  }
}
