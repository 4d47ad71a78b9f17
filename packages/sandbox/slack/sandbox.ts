import { Hono, type Context } from 'hono';
import * as z from 'zod';
import { check, readJson } from '../core/problem.ts';
import type { Channel } from './channels.ts';
import { nameError } from './conversations.ts';
import { ADMIN, BOT, SCOPES, SUBSCRIPTIONS } from './directory.ts';
import { channelView } from './blocks/view.ts';
import { addMember, openWorkspace } from './workspace.ts';
import type { StandInDeps } from '../core/stand-in.ts';

const NewChannel = z.strictObject({
  name: z.string().refine((name) => nameError(name) === undefined, { error: 'not a valid channel name' }),
  /** Whether the app joins the channel. */
  join: z.boolean().default(false),
});

/** The settings of the app's installation. Absent settings stay unchanged. */
const Settings = z.strictObject({
  /** Scopes to remove from the app. */
  without_scopes: z.array(z.enum(SCOPES)).optional(),
  /** Events that the app subscribes to. */
  events: z.array(z.enum(SUBSCRIPTIONS)).optional(),
});

/** Returns the endpoints for actions of an administrator, and for the complete state of the workspace. */
export function slackSandbox(deps: StandInDeps): Hono {
  const workspace = openWorkspace(deps.db);
  const { channels, installation } = workspace;
  const settings = () => ({ scopes: installation.scopes(), events: installation.events() });
  const viewOf = (channel: Channel) => channelView(channel, workspace, Number.MAX_SAFE_INTEGER);

  return new Hono()
    .get('/channels', (c) => c.json({ items: channels.all().map(viewOf), next_cursor: null }))
    .put('/channels', async (c) => {
      const { name, join } = check(NewChannel, await readJson(c));
      const at = deps.now();
      const channel = channels.byName(name) ?? channels.create({ name, creator: ADMIN.id, private: false, at });
      if (join) addMember(workspace, channel, BOT.id, at);
      return c.json(viewOf(channel));
    })
    .get('/channels/:name', (c) => {
      const channel = channels.byName(c.req.param('name'));
      return channel ? c.json(viewOf(channel)) : channelNotFound(c);
    })
    .get('/settings', (c) => c.json(settings()))
    .put('/settings', async (c) => {
      const { without_scopes: scopes, events } = check(Settings, await readJson(c));
      if (scopes) installation.withoutScopes(scopes);
      if (events) installation.subscribe(events);
      return c.json(settings());
    });
}

export function channelNotFound(c: Context): Response {
  const detail = `there is no channel ${c.req.param('name')?.slice(0, 80)}; create it with PUT /sandbox/slack/channels`;
  const body = { type: 'about:blank', title: 'Not found', status: 404, detail };
  return c.body(JSON.stringify(body), 404, { 'content-type': 'application/problem+json' });
}
