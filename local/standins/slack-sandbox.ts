import { Hono, type Context } from 'hono';
import { z } from 'zod';
import { check, problem, readJson } from './problem.ts';
import type { Channel } from './slack-channels.ts';
import { nameFault } from './slack-conversations.ts';
import { ADMIN, BOT, PEOPLE } from './slack-directory.ts';
import { POST_TEXT_MAX_CHARS } from './slack-limits.ts';
import { tsText } from './slack-ts.ts';
import { channelView } from './slack-view.ts';
import { enter, openWorkspace, say } from './slack-workspace.ts';
import type { StandInDeps } from './stand-in.ts';

const NewChannel = z.strictObject({
  name: z.string().refine((name) => nameFault(name) === undefined, { error: 'not a name that a channel can have' }),
  /** The app is let in as well. */
  join: z.boolean().default(false),
});

const NAMES = PEOPLE.map(({ name }) => name);

const Words = z.strictObject({
  /** The name of one of the workspace's people. */
  user: z.enum(NAMES),
  text: z.string().min(1).max(POST_TEXT_MAX_CHARS),
});

/** What people do in the workspace, and a look at all that is in it. */
export function slackSandbox(deps: StandInDeps): Hono {
  const workspace = openWorkspace(deps.db);
  const { channels } = workspace;
  const shown = (channel: Channel) => channelView(channel, workspace, Number.MAX_SAFE_INTEGER);

  return new Hono()
    .get('/channels', (c) => c.json({ items: channels.all().map(shown), next_cursor: null }))
    .put('/channels', async (c) => {
      const { name, join } = check(NewChannel, await readJson(c));
      const at = deps.now();
      const channel = channels.byName(name) ?? channels.create({ name, creator: ADMIN.id, private: false, at });
      if (join) enter(workspace, channel, BOT.id, at);
      return c.json(shown(channel));
    })
    .get('/channels/:name', (c) => {
      const channel = channels.byName(c.req.param('name'));
      return channel ? c.json(shown(channel)) : notFound(c);
    })
    .post('/channels/:name/messages', async (c) => {
      const { user: name, text } = check(Words, await readJson(c));
      const channel = channels.byName(c.req.param('name'));
      if (!channel) return notFound(c);
      if (channel.archived) throw problem(422, `#${channel.name} is archived: nobody can write there`);
      const user = PEOPLE.find((person) => person.name === name)?.id ?? ADMIN.id;
      enter(workspace, channel, user, deps.now());
      const message = say(workspace, channel, { user, subtype: null, thread_ts: null, content: { text } }, deps.now());
      return c.json({ ts: tsText(message.ts) }, 201);
    });
}

function notFound(c: Context): Response {
  const detail = `no channel has the name ${c.req.param('name')?.slice(0, 80)}; PUT /sandbox/slack/channels makes one`;
  const body = { type: 'about:blank', title: 'Not found', status: 404, detail };
  return c.body(JSON.stringify(body), 404, { 'content-type': 'application/problem+json' });
}
