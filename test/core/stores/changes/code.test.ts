import { expect, test } from 'vitest';
import type { PullRequestReport, Push, Release } from '../../../../schemas/changes/code.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { inTheTable, later, serviceEnvironment, stores } from '../../stores/promises.ts';

const repository = () => `acme/${serviceEnvironment.service}`;
const now = () => stores.clock.now();

inTheTable(() => {
  test('a push is stored once, and read newest first', async () => {
    const push = (after: string, before: string | null): Push => ({
      forge: 'github',
      repository: repository(),
      branch: 'main',
      before,
      after,
      received_at: now(),
      commits: [{ sha: after, committed_at: now(), paths: ['a.ts'] }],
      truncated: false,
    });
    const first = push('a', null);
    await stores.code.push(first);
    later(60);
    await stores.code.push(push('b', 'a'));
    await stores.code.push({ ...first, received_at: now() });
    expect((await stores.code.pushes(repository())).map(({ after }) => after)).toEqual(['b', 'a']);
    expect((await stores.code.pushes(repository())).at(-1)).toEqual(first);
    expect(await stores.code.pushes('acme/other')).toEqual([]);
  });

  test('a pull request is merged, and read by its opening', async () => {
    const opened: PullRequestReport = {
      forge: 'github',
      repository: repository(),
      number: 7,
      title: 'Faster',
      url: null,
      author: 'ada',
      base: 'main',
      head: 'faster',
      labels: ['bug'],
      draft: false,
      opened_at: now(),
      merged_at: null,
      closed_at: null,
      merge_commit: null,
      reverts: null,
      updated_at: now(),
      review: null,
    };
    await stores.code.pullRequest(opened);
    later(60);
    const review = { at: now(), approves: true };
    const reviewed = await stores.code.pullRequest({ ...opened, updated_at: now(), review });
    expect(reviewed).toMatchObject({ first_review_at: review.at, approved_at: review.at, merged_at: null });
    await stores.code.pullRequest({ ...opened, number: 8, opened_at: now() });
    const numbers = async (seconds: number) =>
      (await stores.code.pullRequests(repository(), plusSeconds(now(), seconds))).map(({ number }) => number);
    expect([await numbers(-3600), await numbers(-1)]).toEqual([[7, 8], [8]]);
    expect(await stores.code.merged(repository(), plusSeconds(now(), -3600))).toEqual([]);
    const merged_at = now();
    const merge = { ...opened, merged_at, merge_commit: 'm', closed_at: merged_at, updated_at: merged_at };
    await stores.code.pullRequest(merge);
    later(60);
    await stores.code.pullRequest({ ...merge, labels: ['bug', 'hotfix'], updated_at: now() });
    const expected = { number: 7, merged_at, merge_commit: 'm', head: 'faster', labels: ['bug', 'hotfix'] };
    expect(await stores.code.merged(repository(), merged_at)).toMatchObject([expected]);
    expect(await stores.code.merged(repository(), now())).toEqual([]);
    // An event that says an earlier time moves it.
    const first = plusSeconds(merged_at, -30);
    await stores.code.pullRequest({ ...merge, merged_at: first });
    const all = await stores.code.merged(repository(), plusSeconds(now(), -3600));
    expect(all.map(({ merged_at: at }) => at)).toEqual([first]);
  });

  test('a release is stored once', async () => {
    const release: Release = {
      forge: 'github',
      repository: repository(),
      tag: 'v1.0.0',
      name: null,
      prerelease: false,
      target: 'main',
      published_at: now(),
    };
    for (let n = 0; n < 2; n += 1) await stores.code.release(release);
    expect(await stores.code.releases(repository(), now())).toEqual([release]);
    expect(await stores.code.releases(repository(), plusSeconds(now(), 1))).toEqual([]);
  });
});
