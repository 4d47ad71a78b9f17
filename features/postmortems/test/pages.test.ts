import { incidentName } from '../../../core/domain/incidents/incident-number.ts';
import { withPorts } from '../ports.ts';
import { beforeEach, describe, expect, test } from 'vitest';
import { draftDuePostmortems, recallActionItems } from '../actions/jobs.ts';
import type { EnvironmentName, IncidentId, ServiceName } from '../../../schemas/config/names.ts';
import { PostmortemsFile } from '../schemas/policy.ts';
import { StoredProjections } from '../../../test/vendors/projectors/stored-projections.ts';
import { consoleWorld } from '../../../test/support/console-world.ts';
import { MemoryPublicIncidents, publicIncident } from '../../status-page/test/support/public-incidents.ts';
import { expectHarmless, hostile, textOf } from '../../../test/support/hostile.ts';
import { modelStandIn } from '../../../test/support/model-stand-in.ts';
import { chatCompletions } from '../vendors/chat-completions.ts';

let web: ReturnType<typeof consoleWorld>;
let id: IncidentId;
let publicIncidents: MemoryPublicIncidents;
let projections: StoredProjections;
let model: Awaited<ReturnType<typeof modelStandIn>>;
let modelUrl: string | undefined;

/** Opens an incident of checkout as a person does. */
const declared = async (): Promise<IncidentId> => {
  const { id: opened } = await web.world.deps.incidents.declare({
    service: 'checkout' as ServiceName,
    environment: 'production' as EnvironmentName,
    title: hostile('Orders fail'),
    severity: 'critical',
    by: 'ada',
    trace: 'trace',
  });
  return opened;
};

beforeEach(async () => {
  publicIncidents = new MemoryPublicIncidents();
  model = await modelStandIn();
  modelUrl = undefined;
  web = consoleWorld(({ clock, deps }) => {
    const languageModel = chatCompletions({
      url: async () => modelUrl,
      key: async () => 'sk-model-key',
      model: async () => 'tiny',
      clock,
    });
    return {
      features: {
        ...deps.features,
        'status-page': { ...deps.features['status-page'], publicIncidents },
        postmortems: { ...deps.features['postmortems'], languageModel },
      },
      projections: (projections = new StoredProjections(clock)),
    };
  });
  id = await declared();
  await web.world.deps.incidents.resolve(id, 0, 'ada', 'Resolved');
  await draftDuePostmortems(withPorts(web.world.deps));
});

const page = (path = '') => `/console/incidents/${id}/postmortem${path}`;
const shown = async (path: string, token = 'ada') => (await web.get(path, { token })).text();
const send = (action: string, fields: Record<string, string>, token = 'ada') =>
  web.post(page(`/actions/${action}`), fields, { token });
const stored = async () => withPorts(web.world.deps).postmortems.read(id);

test('the page shows the draft, what to look at, and its form, with hostile text as text', async () => {
  const [, markup = ''] = (await shown(page())).split(/<\/?main[^>]*>/);
  expectHarmless(markup, 1);
  const text = textOf(markup);
  expect(text).toContain('A responder: Opened: Orders fail');
  expect(text).toContain('a question of the draft is not answered');
  expect(markup).toContain('name="markdown"');
  // A browser leaves out one line break at the beginning of the field: another would be saved with the text.
  expect(markup).toMatch(/spellcheck="true"\s*>\n# /);
  expect(await shown(`/console/incidents/${id}`)).toContain('href="/console/incidents/INC-1/postmortem"');
});

test('the list shows post-mortems with their states, and those that are not published', async () => {
  const list = async (query = '', token = 'ada'): Promise<string> => {
    const [, markup = ''] = (await shown(`/console/postmortems${query}`, token)).split(/<\/?main[^>]*>/);
    return markup;
  };
  expectHarmless(await list(), 1);
  for (const query of ['', '?state=due']) {
    expect(await list(query)).toContain('href="/console/incidents/INC-1/postmortem"');
    expect(textOf(await list(query))).toContain('draft');
    expect(await list(query, 'cora')).not.toContain('INC-1');
  }
  await send('published', { revision: '1' });
  expect(textOf(await list())).toContain('published');
  expect(await list('?state=due')).toContain('All post-mortems are published.');
});

test('a person without permission sees no form, and is refused', async () => {
  expect(await shown(page(), 'vera')).not.toContain('name="markdown"');
  const refused = await send('save', { markdown: 'x', revision: '1' }, 'vera');
  expect(refused.status).toBe(403);
  expect((await web.get(page(), { token: 'cora' })).status).toBe(403);
  expect((await stored())?.record.revision).toBe(1);
});

test('a text is previewed without being saved, and then saved', async () => {
  const fields = { markdown: '# Ours\r\n\r\nIt was **her mistake** <script>\r\n', revision: '1' };
  const preview = await (await send('preview', fields)).text();
  expect(preview).toContain('Preview, not saved');
  expect(preview).toContain('<strong>her mistake</strong> &lt;script&gt;');
  expect(textOf(preview)).toContain('can be read as blame');
  expect((await stored())?.record.revision).toBe(1);
  expect((await send('save', fields)).status).toBe(303);
  expect((await stored())?.markdown).toBe('# Ours\n\nIt was **her mistake** <script>\n');
});

test('a text that is too long is neither previewed nor saved', async () => {
  const fields = { markdown: `# ${'a'.repeat(80_000)}`, revision: '1' };
  for (const action of ['preview', 'save']) {
    const answer = await (await send(action, fields)).text();
    expect(textOf(answer)).toMatch(/the text has 80002 characters; the limit is 80000/i);
    expect(answer).not.toContain('Preview, not saved');
    expect(answer).toContain(fields.markdown);
  }
  expect((await stored())?.record.revision).toBe(1);
});

test('a text that is built to be slow is shown to people who may write, and to no one else', async () => {
  const slow = [`# a${' '.repeat(60_000)}b`, `# T\n\na|b\n-|${'-'.repeat(60_000)} x\n`];
  for (const text of slow) {
    const fields = { markdown: text, revision: '1' };
    expect((await send('preview', fields, 'vera')).status).toBe(403);
    expect(await (await send('preview', fields, 'grace')).text()).toContain('Preview, not saved');
  }
});

test('a text that is based on an older version is not saved, and not lost', async () => {
  await send('save', { markdown: '# First', revision: '1' });
  const answer = await (await send('save', { markdown: '# Second, long work', revision: '1' })).text();
  expect(textOf(answer)).toContain('Not saved:');
  expect(answer).toContain('# Second, long work</textarea');
  expect((await stored())?.markdown).toBe('# First');
});

test('a review and a publication are buttons', async () => {
  for (const [n, state] of (['in_review', 'published', 'draft', 'skipped'] as const).entries()) {
    expect((await send(state, { revision: String(n + 1) })).status).toBe(303);
    expect((await stored())?.record.state).toBe(state);
  }
});

/** Presses the button `Undo` of the page to which a response leads. */
const undo = async (response: Response): Promise<Response> =>
  web.undo(await shown(response.headers.get('location') ?? ''), { token: 'ada' });

test('a state is undone, but a text that was published is not published again', async () => {
  for (const state of ['in_review', 'skipped', 'published'] as const) {
    const revision = String((await stored())?.record.revision);
    expect((await undo(await send(state, { revision }))).status).toBe(303);
    expect((await stored())?.record.state).toBe('draft');
  }
  await send('published', { revision: String((await stored())?.record.revision) });
  const back = await send('draft', { revision: String((await stored())?.record.revision) });
  expect(back.headers.get('location')).toBe(page('?done=draft'));
});

test('action items are listed, closed, and opened again', async () => {
  const items =
    '# T\n\n## Action items\n- [ ] Alert sooner <b> (owner: payments, due: 2020-01-01)\n- [ ] Test the restore\n';
  await send('save', { markdown: items, revision: '1' });
  const list = await shown('/console/action-items');
  expect(textOf(list)).toContain('Post-mortem · INC-1');
  expect(textOf(list)).toMatch(/Alert sooner <b> .*overdue.*payments.*2020-01-01/);
  expect(textOf(list)).toContain('no owner');
  expect(textOf(await shown('/console/action-items?status=overdue'))).not.toContain('Test the restore');
  expect(textOf(await shown('/console/action-items?text=RESTORE'))).not.toContain('Alert sooner');
  const [, item = ''] = /name="id" value="([^"]+)"/.exec(list) ?? [];
  const changed = await web.post('/console/action-items/actions/done', { id: item }, { token: 'ada' });
  expect(changed.status).toBe(303);
  expect((await stored())?.markdown).toContain('- [x] Alert sooner');
  const reopened = await undo(changed);
  expect((await stored())?.markdown).toBe(items);
  await undo(reopened);
  expect((await stored())?.markdown).toContain('- [x] Alert sooner');
  expect((await web.post('/console/action-items/actions/done', { id: item }, { token: 'vera' })).status).toBe(403);
  await web.post('/console/action-items/actions/reopen', { id: item }, { token: 'ada' });
  expect((await stored())?.markdown).toBe(items);
});

test('the issue of an action item is requested with a button, and then linked', async () => {
  await send('save', { markdown: '# T\n\n## Action items\n- [ ] Alert sooner\n', revision: '1' });
  expect(await shown('/console/action-items')).not.toContain('Create issue');
  const { config } = web.world;
  const trackers = [{ create: 'requested' as const, github: { repository: 'acme/checkout', labels: [] } }];
  web.world.config = { ...config, postmortems: { ...config.postmortems, trackers } };
  const list = await shown('/console/action-items');
  expect(list).toContain('Create issue');
  expect(await shown('/console/action-items', 'vera')).not.toContain('Create issue');
  const [, item = ''] = /name="id" value="([^"]+)"/.exec(list) ?? [];
  const press = (token: string) => web.post('/console/action-items/actions/issue', { id: item }, { token });
  expect((await press('vera')).status).toBe(403);
  expect((await press('grace')).status).toBe(303);
  const { actionItemIssues } = withPorts(web.world.deps);
  expect(await actionItemIssues.requested(id)).toEqual([{ item, by: 'grace' }]);
  const url = 'https://github.com/acme/checkout/issues/7';
  const record = await actionItemIssues.write({
    incident_id: id,
    rev: 1,
    busy_until: null,
    links: [
      {
        item_id: item,
        key: item,
        tracker: 'github',
        place: 'acme/checkout',
        position: 0,
        issue: { id: 'acme/checkout#7', key: 'acme/checkout#7', url },
        creating_since: null,
        base: { title: 'Alert sooner', done: false },
        pending: null,
        details: '{}',
        compared_at: null,
        problem: '<b>GitHub</b> answered 403',
        retry_at: null,
      },
    ],
  });
  expect(record).toBe(true);
  const after = await shown('/console/action-items');
  expect(after).toContain(`href="${url}"`);
  expect(after).toContain('&lt;b&gt;GitHub&lt;/b&gt; answered 403');
  expect(after).not.toContain('Create issue');
});

test('a new incident of the same alert says that an action item is still open, once', async () => {
  await send('save', { markdown: '# T\n\n## Action items\n- [ ] Alert sooner (owner: payments)\n', revision: '1' });
  const again = await declared();
  const { incidents } = web.world.deps;
  const entries = async () =>
    (await incidents.timeline(again, { limit: 50 })).items.filter(({ kind }) => kind === 'action_item.still_open');
  await recallActionItems(withPorts(web.world.deps), await incidents.open());
  await recallActionItems(withPorts(web.world.deps), await incidents.open());
  const incident = (await incidents.read(id)) ?? expect.unreachable();
  expect(incident.number).toBeGreaterThan(0);
  expect((await entries()).map(({ text }) => text)).toEqual([
    `Again, and its action item is still open: "Alert sooner" (payments), of ${incidentName(incident)}`,
  ]);
});

test('a text is published on the status page by a person, without internal names, and removed', async () => {
  const publicId = publicIncidents.idOf(id);
  const publish = (text: string, more: Record<string, string> = {}, token = 'ada') =>
    send('publish', { text, ...more }, token);
  expect(await shown(page())).not.toContain('id="status-page"');
  await publicIncidents.write(publicIncident({ id: publicId }));
  expect(textOf(await shown(page()))).toContain('Readers of the status page see no post-mortem');
  expect((await publish('Sorry.')).status).toBe(409);
  await send('published', { revision: '1' });
  expect(await shown(page())).toMatch(/spellcheck="true"\s*>\nCheckout did not work as usual/);
  expect(await shown(page(), 'vera')).not.toContain('name="text"');
  expect((await publish('Sorry.', {}, 'vera')).status).toBe(403);

  const hostileText =
    'The **disk** was full. <script>alert(1)</script>\r\n\r\nada saw Orders fail. The service search failed.';
  const refused = await (await publish(hostileText)).text();
  expect(textOf(refused)).toContain('Not published:');
  expect(textOf(refused)).toContain('“ada” may be public here');
  expect(refused).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
  expect((await publicIncidents.read(publicId))?.postmortem).toBeUndefined();

  const text = 'The **disk** was full. <script>alert(1)</script>';
  expect((await publish(text)).status).toBeLessThan(400);
  expect((await publicIncidents.read(publicId))?.postmortem?.text).toBe(text);
  expect(await shown(page())).toContain('The <strong>disk</strong> was full. &lt;script&gt;');
  expect((await send('withdraw', {})).status).toBeLessThan(400);
  expect((await publicIncidents.read(publicId))?.postmortem).toBeUndefined();
  const kinds = web.world.store.dossiers.get(id)?.timeline.map(({ kind }) => kind);
  expect(kinds).toEqual(expect.arrayContaining(['statuspage.postmortem_published', 'statuspage.postmortem_withdrawn']));
});

test('the page shows the file of a published version, and what keeps the next one from it', async () => {
  const file = {
    repository: 'acme/post-mortems',
    branch: 'main',
    path: `postmortems/${id}.md`,
    mode: 'pull-request',
    head: 'firebreak/postmortem',
    revision: 2,
    published_at: web.world.clock.now(),
    url: 'https://github.example/blob/x.md',
    pull_request: 'https://github.example/pull/7',
    problem: hostile('GitHub answered 403'),
  };
  web.world.config = {
    ...web.world.config,
    postmortems: PostmortemsFile.parse({ publish: [{ github: { repository: 'acme/post-mortems' } }] }),
  };
  const before = textOf(await shown(page()));
  expect(before).toMatch(new RegExp(`File postmortems/[\\d-]+-checkout-${id}\\.md`));
  expect(before).toContain('acme/post-mortems, it follows when it is published');
  await projections.write('tickets', `postmortem:${id}`, file);
  await send('published', { revision: '1' });
  await send('save', { markdown: '# Ours', revision: '2' });
  const markup = await shown(page());
  expectHarmless(markup.split(/<\/?main[^>]*>/)[1] ?? '', 1);
  expect(markup).toContain('<a href="https://github.example/pull/7">');
  expect(textOf(markup)).toContain('acme/post-mortems, revision 2; revision 3 follows');
  expect(textOf(markup)).toContain('GitHub answered 403');
});

describe('wording by a model', () => {
  const entriesSent = (): { ref: string; text: string }[] =>
    JSON.parse(model.asked.at(-1)?.body.messages[1].content ?? '{}').entries;
  const answerWith = (...sentences: object[]) =>
    model.answers.push({ content: JSON.stringify({ sections: [{ heading: 'Root cause', sentences }] }) });

  test('is off, without a button, and nothing is sent', async () => {
    expect(await shown(page())).not.toContain('do-propose');
    expect((await send('propose', {})).status).toBe(409);
    expect(model.asked).toEqual([]);
  });

  test('is asked for by a person, shown as a proposal, and saved section by section', async () => {
    modelUrl = model.url;
    expect(textOf(await shown(page()))).toContain('This sends the redacted timeline to tiny at 127.0.0.1');
    expect(model.asked).toEqual([]);
    answerWith(
      { text: hostile('The pool was too small'), entries: ['E1'] },
      { text: 'The pool was exhausted', entries: ['E1'] },
      { text: 'It was a human error', entries: ['E1'] },
      { text: 'It was the moon', entries: [] },
    );
    const answer = await send('propose', {});
    const markup = await answer.text();
    expect(answer.status).toBe(200);
    expectHarmless(
      (/<main[^>]*>([^]*)<\/main>/.exec(markup)?.[1] ?? '') +
        (/<form[^>]*actions\/accept[^]*?<\/form>/.exec(markup)?.[0] ?? ''),
      1,
    );
    const text = textOf(markup).replaceAll(/\s+/g, ' ');
    expect(text).toContain('Dropped sentences: 1: cites no entry; 1: can be read as blame, or names a person.');
    expect(text).toContain('Replaces the text of the draft:');
    expect((await stored())?.record.revision).toBe(1);
    expect(entriesSent().map(({ ref }) => ref)).toContain('E1');
    expect(JSON.stringify(model.asked)).not.toContain('ada');

    const proposed = /name="text-1"[^>]*>\n([^<]*)<\/textarea>/.exec(markup)?.[1] ?? '';
    expect(proposed).toContain('The pool was exhausted [E1].');
    const nothing = await send('accept', { revision: '1', 'text-1': proposed });
    expect([nothing.status, textOf(await nothing.text())]).toEqual([
      422,
      expect.stringContaining('No section is chosen'),
    ]);
    const chosen = { revision: '1', 'take-1': 'yes', 'text-1': 'The pool was exhausted [E1].', 'text-0': 'Not chosen' };
    expect((await send('accept', chosen)).status).toBe(303);
    const { markdown, record } = (await stored()) ?? expect.unreachable();
    expect([record.revision, markdown.includes('Not chosen')]).toEqual([2, false]);
    expect(markdown).toContain('## Root cause\n\nThe pool was exhausted [E1].\n\n## Contributing factors');
    // Another person has saved since: nothing is overwritten.
    const late = await (await send('accept', chosen)).text();
    expect(textOf(late)).toContain('Not saved:');
    expect(late).toContain('The pool was exhausted [E1].</textarea');
    expect((await stored())?.record.revision).toBe(2);

    const { items } = await web.world.deps.incidents.timeline(id, { limit: 100 });
    expect(items.filter(({ kind }) => kind === 'postmortem.wording_requested')).toMatchObject([
      { actor: 'ada', text: expect.stringMatching(/^Sent \d+ redacted entries to tiny at 127\.0\.0\.1:\d+ for/) },
    ]);
  });

  test('does not keep anyone from writing when the model fails or answers otherwise', async () => {
    modelUrl = model.url;
    for (const [answer, says] of [
      [{ status: 500, text: '{"error":{"message":"overloaded"}}' }, 'overloaded'],
      [{ content: 'Sure, here it is' }, 'not in the form that was asked for'],
    ] as const) {
      model.answers.push(answer);
      const failed = await send('propose', {});
      expect([failed.status, textOf(await failed.text())]).toEqual([503, expect.stringContaining(says)]);
    }
    expect((await send('save', { markdown: '# Ours', revision: '1' })).status).toBe(303);
    expect((await send('propose', {}, 'vera')).status).toBe(403);
    expect(model.asked).toHaveLength(2);
  });
});
