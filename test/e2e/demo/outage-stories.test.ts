import { describe, expect, test } from 'vitest';
import { kill9 } from '../../../packages/demo/stories/kill-9.ts';
import { slackDown } from '../../../packages/demo/stories/slack-down.ts';
import { channelsIn, pagesIn, played, rollbacksIn, STORY_MAX_MS, untrue } from '../../../packages/demo/test/played.ts';

/** The stories mostly wait, so they run in parallel. */
describe("demo stories with more failures than the service's", { timeout: STORY_MAX_MS }, () => {
  test.concurrent('Slack is down: immediate page and rollback, and everything in Slack afterwards', async () => {
    const story = await played(slackDown);
    expect(untrue(story)).toEqual([]);
    const [incident] = story.incidents;
    expect(incident?.status).toBe('resolved');
    expect(rollbacksIn(story)).toHaveLength(1);
    const refused = story.calls.filter(({ vendor, outcome }) => vendor === 'slack' && outcome === 503);
    expect(refused.length).toBeGreaterThan(0);
    expect(channelsIn(story)).toEqual([incident?.channel?.slice(1)]);
    const posts = story.calls
      .filter(({ path, outcome }) => path.endsWith('/chat.postMessage') && outcome === 200)
      .map(({ body }) => new URLSearchParams(String(body)))
      .map((form) => `${form.get('channel')} ${form.get('text')}`);
    expect(posts).toEqual([...new Set(posts)]);
    const told = story.lines.join('\n');
    expect(told).toMatch(/Slack +answers 503[^]*Slack +is back[^]*Slack +creates #incident-/);
    expect(told).toMatch(/Rolled back to v41[^]*Slack +is back/);
  });

  test.concurrent('killed twice: one page, one rollback, one channel, and the incident ends', async () => {
    const story = await played(kill9);
    expect(untrue(story)).toEqual([]);
    const [incident] = story.incidents;
    expect(story.incidents).toHaveLength(1);
    expect(incident?.status).toBe('resolved');
    const key = `${incident?.id}.page.1`;
    expect(pagesIn(story)).toEqual([`trigger ${key}`, `resolve ${key}`]);
    expect(rollbacksIn(story)).toMatchObject([{ from_version: 'v42', to_version: 'v41' }]);
    expect(channelsIn(story)).toHaveLength(1);
    const kinds = incident?.timeline.map(({ kind }) => kind) ?? [];
    // A rollback that is withheld, because what is measured has changed, is decided once more.
    const decided = kinds.filter((kind) => kind === 'decision').length;
    expect(decided).toBeLessThanOrEqual(kinds.includes('mitigation.withheld') ? 2 : 1);
    const others = kinds.filter((kind) => kind !== 'decision' && kind !== 'page-update.succeeded');
    expect(others).toEqual([...new Set(others)]);
    expect(kinds).toEqual(expect.arrayContaining(['mitigation.succeeded', 'verification.passed', 'incident.resolved']));
    expect(story.lines.filter((line) => /kill -9 +kills Firebreak/.test(line))).toHaveLength(2);
  });
});
