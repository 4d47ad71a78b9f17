import { describe, expect, test } from 'vitest';
import { badDeploy } from '../../../packages/demo/stories/bad-deploy.ts';
import { dependencyOutage } from '../../../packages/demo/stories/dependency-outage.ts';
import { manyAtOnce } from '../../../packages/demo/stories/many-at-once.ts';
import { migration } from '../../../packages/demo/stories/migration.ts';
import { channelsIn, pagesIn, played, rollbacksIn, STORY_MAX_MS, untrue } from '../../../packages/demo/test/played.ts';

describe("the demo's stories", { timeout: STORY_MAX_MS }, () => {
  test.concurrent('a bad deploy is paged and rolled back once, verified, shown everywhere, and closed', async () => {
    const story = await played(badDeploy);
    expect(untrue(story)).toEqual([]);
    const [incident] = story.incidents;
    expect(story.incidents).toHaveLength(1);
    expect(incident).toMatchObject({
      status: 'resolved',
      suspects: [{ version: 'v42' }],
      decisions: [{ kind: 'roll_back', from_version: 'v42', to_version: 'v41' }],
    });
    const key = `${incident?.id}.page.1`;
    expect(pagesIn(story)).toEqual([`trigger ${key}`, `resolve ${key}`]);
    expect(rollbacksIn(story)).toMatchObject([{ service: 'checkout', from_version: 'v42', to_version: 'v41' }]);
    expect(channelsIn(story)).toEqual([incident?.channel?.slice(1)]);
    const kinds = incident?.timeline.map(({ kind }) => kind) ?? [];
    const order = ['incident.opened', 'rollback.started', 'mitigation.succeeded', 'verification.passed'];
    expect(kinds.filter((kind) => order.includes(kind)).slice(-order.length)).toEqual(order);
    // The speed of the rollback determines the first public status.
    expect(publicStatuses(story.calls)).toEqual(expect.arrayContaining(['monitoring', 'resolved']));
    expect(graphMarks(story.calls)).toEqual(expect.arrayContaining(['deploy', 'incident', 'rollback']));
    expectToBeReadable(story.lines);
    expectInOrder(story.lines, [/CI +deploys checkout v42/, /v42: requests fail/, /HighErrorRatio is firing/]);
    expectInOrder(story.lines, [
      /Rolling checkout in production back/,
      /CD system +rolls back checkout/,
      /Rolled back to v41/,
    ]);
    expectInOrder(story.lines, [/requests succeed again/, /HighErrorRatio is resolved/, /Firebreak +Resolved/]);
  });

  test.concurrent('a deploy with a migration waits for an approval, and is rolled back afterwards', async () => {
    const story = await played(migration);
    expect(untrue(story)).toEqual([]);
    const [incident] = story.incidents;
    // A decision to wait for one more sample can precede it.
    expect(incident?.decisions.at(-1)).toMatchObject({
      kind: 'approve',
      because: 'migration_in_deploy',
      state: 'approved',
      answered_by: 'ada',
    });
    expect(rollbacksIn(story)).toHaveLength(1);
    const kinds = incident?.timeline.map(({ kind }) => kind) ?? [];
    const order = ['decision', 'decision.approved', 'rollback.started', 'mitigation.succeeded', 'incident.resolved'];
    expect(kinds.filter((kind) => order.includes(kind)).slice(-order.length)).toEqual(order);
    expectToBeReadable(story.lines);
    expectInOrder(story.lines, [/Approve or reject by/, /ada +decision approved/, /CD system +rolls back checkout/]);
  });

  test.concurrent('an outage without a causing change is one incident, one page, and no rollback', async () => {
    const story = await played(dependencyOutage);
    expect(untrue(story)).toEqual([]);
    const [parent, ...others] = story.incidents.filter(({ parent_id }) => parent_id === null);
    expect(others).toEqual([]);
    const paged = pagesIn(story);
    const of = (action: string): string[] =>
      paged.flatMap((page) => (page.startsWith(`${action} `) ? [page.slice(action.length + 1)] : []));
    // The page of a child that was sent before the group was known stands for the group.
    const keys = [...new Set(of('trigger'))];
    expect([1, 2]).toContain(keys.length);
    expect(of('resolve').toSorted()).toEqual(keys.toSorted());
    expect(rollbacksIn(story)).toEqual([]);
    const parts = story.incidents.filter(({ parent_id }) => parent_id === parent?.id);
    expect(parts.map(({ service }) => service).toSorted()).toEqual(['checkout', 'orders', 'payments-api']);
    for (const { decisions } of parts)
      expect(decisions).toMatchObject([{ kind: 'none', because: 'no_confident_suspect' }]);
    expectToBeReadable(story.lines);
    expect(story.lines.join(' ').replaceAll(/\s+/g, ' ')).toMatch(/no change of this service or its dependencies/);
  });

  test('eight services at once are one parent incident with eight children, few pages, and no question', async () => {
    const story = await played(manyAtOnce);
    const decision = story.incidents.find(({ service }) => service === 'search')?.decisions.at(-1);
    // On a machine that is too slow to read the health of the others within Firebreak's limit, it asks. It never acts.
    const isSlow = decision?.because === 'neighbours_unreadable';
    expect(untrue(story)).toEqual(isSlow ? [expect.stringMatching(/^for search, .* could not be read$/)] : []);
    const [parent, ...others] = story.incidents.filter(({ parent_id }) => parent_id === null);
    expect(others).toEqual([]);
    expect(story.incidents.filter(({ parent_id }) => parent_id === parent?.id)).toHaveLength(8);
    const paged = pagesIn(story).filter((page) => page.startsWith('trigger'));
    expect(paged).toContain(`trigger ${parent?.id}.page.1`);
    expect(paged.length).toBeLessThanOrEqual(3);
    expect(channelsIn(story)).toContain(parent?.channel?.slice(1));
    expect(decision).toMatchObject(
      isSlow ? { kind: 'approve' } : { kind: 'none', because: 'no_confident_suspect', from_version: 'v78' },
    );
    expect(rollbacksIn(story)).toEqual([]);
    expectToBeReadable(story.lines);
  });
});

type Calls = Awaited<ReturnType<typeof played>>['calls'];

const publicStatuses = (calls: Calls): string[] =>
  calls.flatMap(({ vendor, body }) => {
    const incident = (body as { incident?: { status: string } } | null)?.incident;
    return vendor === 'statuspage' && incident ? [incident.status] : [];
  });

const graphMarks = (calls: Calls): string[] =>
  calls.flatMap(({ vendor, method, body }) =>
    vendor === 'grafana' && method === 'POST' ? ((body as { tags: string[] }).tags[0] ?? []) : [],
  );

/** Expects lines of at most 100 characters, in chronological order. */
function expectToBeReadable(lines: readonly string[]): void {
  expect(lines.filter((line) => line.length > 100)).toEqual([]);
  const stamps = lines.flatMap((line) => /^\+\d\d:\d\d\.\d(?= )/.exec(line) ?? []);
  expect(stamps.length).toBeGreaterThan(10);
  expect(stamps).toEqual(stamps.toSorted());
}

function expectInOrder(lines: readonly string[], patterns: readonly RegExp[]): void {
  const places = patterns.map((pattern) => lines.findIndex((line) => pattern.test(line)));
  expect(places).not.toContain(-1);
  expect(places).toEqual(places.toSorted((a, b) => a - b));
}
