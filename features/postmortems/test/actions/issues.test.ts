import { beforeEach, describe, expect, test } from 'vitest';
import { markIssueChanged } from '../../actions/issues/receive.ts';
import { requestIssue } from '../../actions/issues/request.ts';
import { changeActionItem } from '../../actions/postmortem.ts';
import type { Refusal } from '../../../../core/domain/refusal.ts';
import { GITHUB, JIRA, trackerWorld, type World } from './tracker-world.ts';

const caller = { name: 'ada', allow: () => undefined };
const HOUR = 3600;

describe.each([
  ['GitHub', GITHUB],
  ['Jira', JIRA],
])('issues of action items at %s', (_, kind) => {
  let t: World;
  const titles = async () => (await t.items()).map(({ title, status }) => `${status} ${title}`);
  const problems = async () => (await t.items()).map(({ issue }) => issue?.problem);
  const [A, B] = ['- [ ] Alert sooner (owner: nora, due: 2026-12-04, P1)', '- [ ] Test the restore'] as const;

  beforeEach(async () => {
    t = await trackerWorld(kind);
  });

  test('are created once for the open items of a published post-mortem, with owner and date', async () => {
    await t.save([A, B, '- [x] Done before']);
    await t.compare();
    expect(await t.issues()).toEqual([]);
    await t.save([A, B, '- [x] Done before'], 'published');
    await t.compare();
    await t.after(2 * HOUR);
    const issues = await t.issues();
    expect(issues.map(({ title, isDone, assignees }) => [title, isDone, assignees])).toEqual([
      ['Alert sooner', false, ['nora-q']],
      ['Test the restore', false, []],
    ]);
    expect(issues[0]?.body).toMatch(/Owner: .*nora[^]*Due: .*2026-12-04[^]*Priority: .*P1/);
    const [first, second, done] = await t.items();
    expect(first?.issue).toMatchObject({ key: kind.key(1), url: expect.stringContaining('http'), problem: null });
    expect([second?.issue?.key, done?.issue]).toEqual([kind.key(2), null]);
    expect((await t.timeline()).map(({ text }) => text)).toEqual([
      `Created ${kind.key(1)} for the action item “Alert sooner” (at a stand-in of the sandbox: no real system was changed)`,
      `Created ${kind.key(2)} for the action item “Test the restore” (at a stand-in of the sandbox: no real system was changed)`,
    ]);
  });

  test('are created for one item on request, also before the publication, and refused without a tracker', async () => {
    await t.save([A, B]);
    const [, item] = await t.items();
    if (item === undefined) throw new Error('no item');
    expect((await requestIssue(t.deps, caller, item.id)).issue).toMatchObject({ key: null, problem: null });
    await requestIssue(t.deps, caller, item.id);
    await t.compare();
    expect((await t.issues()).map(({ title }) => title)).toEqual(['Test the restore']);
    expect((await requestIssue(t.deps, caller, item.id)).issue?.key).toBe(kind.key(1));
    await t.after(HOUR);
    expect(await t.issues()).toHaveLength(1);

    const code = (refused: Promise<unknown>) => refused.catch((error: Refusal) => error.code);
    const [other] = await t.items();
    await changeActionItem(t.deps, caller, other?.id ?? '', { status: 'done' });
    expect(await code(requestIssue(t.deps, caller, other?.id ?? ''))).toBe('item-done');
    t.world.config = { ...t.world.config, postmortems: { ...t.world.config.postmortems, trackers: [] } };
    expect(await code(requestIssue(t.deps, caller, other?.id ?? ''))).toBe('no-tracker');
    expect(await code(requestIssue(t.deps, caller, `${t.id}-00000000`))).toBe('unknown-action-item');
  });

  test('are created once although a response was lost', async () => {
    await t.save([A], 'published');
    await t.fault({ kind: 'lost' }, { method: 'POST', path: kind.paths.create });
    await t.compare();
    await t.after(10);
    expect((await t.items())[0]?.issue).toMatchObject({ key: null, problem: expect.any(String) });
    await t.after(80);
    expect((await t.items())[0]?.issue).toMatchObject({ key: kind.key(1), problem: null });
    expect(await t.issues()).toHaveLength(1);
  });

  test('are created later although a request did not arrive', async () => {
    await t.save([A], 'published');
    await t.fault({ kind: 'reset' }, { method: 'POST', path: kind.paths.create });
    await t.compare();
    await t.after(80);
    expect(await t.issues()).toHaveLength(1);
  });

  test('wait for a rate limit, and show what is refused until it succeeds', async () => {
    await t.save([A, B], 'published');
    await t.fault({ kind: 'rate_limit' }, { method: 'POST', path: kind.paths.create });
    await t.compare();
    expect(await t.issues()).toEqual([]);
    await t.fault(
      { kind: 'status', status: 403, body: { message: 'no' } },
      { method: 'POST', path: kind.paths.create },
    );
    await t.after(60);
    const [problem] = await problems();
    expect(problem).toMatch(/403/);
    expect(await t.issues()).toHaveLength(1);
    await t.after(HOUR);
    expect(await t.issues()).toHaveLength(2);
    expect(await problems()).toEqual([null, null]);
  });

  test('have no assignee if the tracker refuses the person, and say why', async () => {
    await t.save(['- [ ] Alert sooner (owner: otto)'], 'published');
    await t.compare();
    expect((await t.issues())[0]).toMatchObject({ title: 'Alert sooner', assignees: [] });
    expect((await problems())[0]).toMatch(/not assigned to otto-stranger/);
  });

  test('follow their item: done, open again, another title, another owner, and a text that nobody has edited', async () => {
    await t.save(['- [ ] Alert sooner', B], 'published');
    await t.compare();
    await t.edit(2, 'Our own words');
    await t.after(5);
    await t.save(['- [x] Alert much sooner (owner: nora, due: 2026-12-24)', `${B} (due: 2026-12-24)`]);
    await t.after(5);
    const [first, second] = await t.issues();
    expect(first).toMatchObject({ title: 'Alert much sooner', isDone: true, assignees: ['nora-q'] });
    expect(first?.body).toContain('2026-12-24');
    expect(second?.body).toContain('Our own words');
    const item = (await t.items())[0];
    expect(item?.issue?.key).toBe(kind.key(1));
    await changeActionItem(t.deps, caller, item?.id ?? '', { status: 'open' });
    await t.after(5);
    expect((await t.issues())[0]?.isDone).toBe(false);
    expect((await t.timeline('action_item.issue_changed')).map(({ text }) => text)).toEqual([
      `Closed and renamed ${kind.key(1)}, as the action item “Alert much sooner”`,
      `Reopened ${kind.key(1)}, as the action item “Alert much sooner”`,
    ]);
    await t.after(2 * HOUR);
    expect(await t.issues()).toHaveLength(2);
  });

  test('are followed by their item after a webhook, whatever its order and however often it comes', async () => {
    await t.save([A, B], 'published');
    await t.compare();
    await t.after(5);
    await t.setDone(1, true);
    await t.rename(1, 'Alert (much) sooner, please');
    await t.after(5);
    expect(await titles()).toEqual(['open Alert sooner', 'open Test the restore']);
    for (let times = 0; times < 3; times += 1) expect(await markIssueChanged(t.deps, t.tracker, t.idOf(1))).toBe(true);
    await t.after(5);
    expect(await titles()).toEqual(['done Alert (much) sooner, please', 'open Test the restore']);
    const [item] = await t.items();
    expect(item).toMatchObject({ owner: 'nora', due: '2026-12-04', issue: { key: kind.key(1) } });
    await t.setDone(1, false);
    await markIssueChanged(t.deps, t.tracker, t.idOf(1));
    await t.after(5);
    expect((await titles())[0]).toBe('open Alert (much) sooner, please');
    expect(await markIssueChanged(t.deps, t.tracker, t.idOf(77))).toBe(false);
    expect((await t.timeline('action_item.changed_by_issue')).map(({ text, actor }) => [actor, text])).toEqual([
      [
        t.tracker,
        `${kind.key(1)} was closed and has the title “Alert (much) sooner, please” now; the action item “Alert sooner” was changed accordingly`,
      ],
      [t.tracker, `${kind.key(1)} was reopened; the action item “Alert (much) sooner, please” was changed accordingly`],
    ]);
  });

  test('are compared each hour, so that a lost webhook costs nothing but time', async () => {
    await t.save([A], 'published');
    await t.compare();
    await t.after(60);
    await t.setDone(1, true);
    await t.after(HOUR - 120);
    expect((await titles())[0]).toBe('open Alert sooner');
    await t.after(120);
    expect((await titles())[0]).toBe('done Alert sooner');
  });

  test.each([
    ['issue', 'done Alert sooner', true],
    ['item', 'open Ring the bell', false],
  ])('if both sides changed, the later change wins: %s', async (winner, title, isDone) => {
    await t.save(['- [x] Alert sooner'], 'draft');
    await t.save(['- [ ] Alert sooner'], 'published');
    await t.compare();
    await t.after(10);
    const issueSide = () => t.rename(1, 'Ring a bell');
    const itemSide = () => t.save(['- [ ] Ring the bell']);
    const inOrder = winner === 'issue' ? [itemSide, issueSide] : [issueSide, itemSide];
    for (const change of inOrder) {
      t.world.clock.set(t.world.clock.millis + 5000);
      await change();
    }
    if (isDone) await t.setDone(1, true);
    await markIssueChanged(t.deps, t.tracker, t.idOf(1));
    await t.after(5);
    const expected = winner === 'issue' ? 'done Ring a bell' : title;
    expect(await titles()).toEqual([expected]);
    expect((await t.issues())[0]).toMatchObject({ title: expected.slice(5), isDone });
    expect((await t.timeline()).at(-1)?.text).toContain('Both sides had changed');
  });

  test('keep a change whose response was lost, and do not repeat it over a later one', async () => {
    await t.save(['- [ ] Alert sooner'], 'published');
    await t.compare();
    await t.after(5);
    await t.save(['- [ ] Alert at once']);
    await t.fault({ kind: 'lost' }, { method: kind.paths.changeMethod, path: kind.paths.one });
    await t.after(5);
    expect((await t.issues())[0]?.title).toBe('Alert at once');
    t.world.clock.set(t.world.clock.millis + 5000);
    await t.rename(1, 'Alert at twelve');
    await t.after(80);
    await t.after(80);
    expect(await titles()).toEqual(['open Alert at twelve']);
    expect((await t.issues())[0]?.title).toBe('Alert at twelve');
  });

  test('are created for an item with the former title of another one', async () => {
    await t.save([A, B], 'published');
    await t.compare();
    await t.rename(1, 'Alert earlier');
    await t.after(2 * HOUR);
    await t.save(['- [ ] Alert earlier', B, '- [ ] Alert sooner']);
    await t.compare();
    await t.after(2 * HOUR);
    expect((await t.issues()).map(({ title }) => title)).toEqual(['Alert earlier', 'Test the restore', 'Alert sooner']);
    expect((await t.items()).map(({ issue }) => issue?.key)).toEqual([kind.key(1), kind.key(2), kind.key(3)]);
  });

  test('stay with their items if an issue gets the title of another one', async () => {
    await t.save([A, B], 'published');
    await t.compare();
    await t.rename(1, 'Test the restore');
    await t.after(2 * HOUR);
    await t.after(2 * HOUR);
    await t.setDone(2, true);
    await t.after(2 * HOUR);
    expect(await t.issues()).toHaveLength(2);
    const items = await t.items();
    expect(new Set(items.map(({ issue, status }) => `${issue?.key} ${status}`))).toEqual(
      new Set([`${kind.key(1)} open`, `${kind.key(2)} done`]),
    );
  });

  test('of removed items are left alone, and those of a hostile title are readable', async () => {
    await t.save([A, '- [ ] Ask @everyone <b>"now"</b> & close #1 `x`'], 'published');
    await t.compare();
    expect((await t.issues())[1]?.title).toBe('Ask @everyone <b>"now"</b> & close #1 `x`');
    await t.save(['- [ ] Ask @everyone <b>"now"</b> & close #1 `x`']);
    await t.after(5);
    await t.setDone(1, true);
    await markIssueChanged(t.deps, t.tracker, t.idOf(1));
    await t.after(HOUR);
    expect((await t.items()).map(({ issue, status }) => [issue?.key, status])).toEqual([[kind.key(2), 'open']]);
  });
});
