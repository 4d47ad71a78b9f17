import { randomBytes } from 'node:crypto';
import { Hono, type Context } from 'hono';
import { check, readJson } from '../../core/problem.ts';
import { Command, typeCommand } from './command.ts';
import { close, Closing, Submission, submit } from './modal.ts';
import { Press, press, Query, suggest } from './press.ts';
import { Shortcut, useShortcut } from './shortcut.ts';
import {
  type ChannelAction,
  NewMember,
  join,
  memberJoinedEvent,
  NewReaction,
  react,
  postMessage,
  NewMessage,
} from './talk.ts';
import type { Channel } from '../channels.ts';

import { BOT, type Person } from '../directory.ts';
import { channelNamed, modalShown } from '../lookups.ts';
import { verificationRequest } from '../delivery/payloads.ts';
import type { Fields } from '../delivery/refusal.ts';
import { openProductRequests } from '../delivery/product-requests.ts';
import { openWorkspace, onInvited } from '../workspace.ts';
import { channelNotFound } from '../sandbox.ts';
import type { UserActionDeps, UserActions } from '../../core/stand-in.ts';

/** Maximum number of deliveries in the list. */
const LISTED = 200;

/**
 * Returns the endpoints for actions of people in the workspace that the app is notified about: commands, buttons,
 * modals, shortcuts, messages, reactions. Each one responds after the product has responded, with the delivery.
 */
export function slackUserActions(deps: UserActionDeps): UserActions {
  const { transaction, now } = deps;
  const workspace = openWorkspace(deps.db);
  const productRequests = openProductRequests(deps);
  const context = () => ({ workspace, base: deps.url, at: now() });
  onInvited(deps.db, ({ person, channel, at }) =>
    productRequests.sendLater(
      productRequests.recordEvent(memberJoinedEvent(person, channel, at, BOT.id), person, channel, workspace),
    ),
  );

  /** Responds with the delivery and the modal that the person sees afterwards. */
  const withModal = async (c: Context, person: Person, delivery: unknown, more: Fields = {}): Promise<Response> =>
    c.json({ delivery, modal: await transaction(() => modalShown(workspace, person)), ...more });

  /**
   * Adds a person to a channel before an action in it, since only members can act in a channel, and notifies the app.
   */
  const ensureMember = async (person: Person, name: string | undefined): Promise<void> => {
    const result = await transaction(() => {
      const channel = name === undefined ? undefined : channelNamed(workspace, name);
      return channel && !channel.archived && join({ user: person }, { workspace, productRequests, channel, at: now() });
    });
    for (const event of result ? result.recordedEvents : []) await productRequests.sendNow(event);
  };

  /** Runs an action in a channel, then notifies the app. */
  const inChannel = async <I>(
    c: Context,
    input: I,
    act: (input: I, context: { channel: Channel; at: number }) => ChannelAction,
  ): Promise<Response> => {
    const name = c.req.param('name') ?? '';
    const result = await transaction(() => {
      const channel = workspace.channels.byName(name);
      return channel && act(input, { channel, at: now() });
    });
    if (!result) return channelNotFound(c);
    const deliveries = [];
    for (const event of result.recordedEvents) deliveries.push(await productRequests.sendNow(event)); // in order
    return c.json({ ts: result.ts, delivery: deliveries.at(-1) ?? null }, 201);
  };

  const app = new Hono()
    .get('/deliveries', async (c) =>
      c.json({ items: await transaction(() => productRequests.newest(LISTED)), next_cursor: null }),
    )
    .post('/commands', async (c) => {
      const input = check(Command, await readJson(c));
      await ensureMember(input.user, input.channel);
      return withModal(c, input.user, await productRequests.request(() => typeCommand(input, context())));
    })
    .post('/actions', async (c) => {
      const input = check(Press, await readJson(c));
      await ensureMember(input.user, input.channel);
      return withModal(c, input.user, await productRequests.request(() => press(input, context())));
    })
    .post('/options', async (c) => {
      const input = check(Query, await readJson(c));
      let options: Fields[] = [];
      const delivery = await productRequests.request(() =>
        suggest(input, context(), (found) => void (options = found)),
      );
      return withModal(c, input.user, delivery, { options });
    })
    .post('/views/:id/submit', async (c) => {
      const input = check(Submission, await readJson(c));
      return withModal(c, input.user, await productRequests.request(() => submit(c.req.param('id'), input, context())));
    })
    .post('/views/:id/close', async (c) => {
      const input = check(Closing, await readJson(c));
      return withModal(c, input.user, await productRequests.request(() => close(c.req.param('id'), input, context())));
    })
    .post('/shortcuts', async (c) => {
      const input = check(Shortcut, await readJson(c));
      await ensureMember(input.user, input.channel);
      return withModal(c, input.user, await productRequests.request(() => useShortcut(input, context())));
    })
    .post('/verification', async (c) => {
      const challenge = randomBytes(16).toString('hex');
      let verified = false;
      const delivery = await productRequests.request(() => ({
        outgoing: verificationRequest(challenge),
        handleResponse: ({ status, body }) => void (verified = status === 200 && body.includes(challenge)),
      }));
      return c.json({ verified, delivery });
    })
    .post('/channels/:name/messages', async (c) =>
      inChannel(c, check(NewMessage, await readJson(c)), (input, at) =>
        postMessage(input, { workspace, productRequests, ...at }),
      ),
    )
    .post('/channels/:name/members', async (c) =>
      inChannel(c, check(NewMember, await readJson(c)), (input, at) =>
        join(input, { workspace, productRequests, ...at }),
      ),
    )
    .post('/channels/:name/reactions', async (c) =>
      inChannel(c, check(NewReaction, await readJson(c)), (input, at) =>
        react(input, { workspace, productRequests, ...at }),
      ),
    );

  return { app, resume: productRequests.resume };
}
