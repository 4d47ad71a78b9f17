import { randomBytes } from 'node:crypto';
import { Hono, type Context } from 'hono';
import { check, readJson } from '../../core/problem.ts';
import { Command, typeCommand } from './command.ts';
import { close, Closing, Submission, submit } from './modal.ts';
import { Press, press, Query, suggest } from './press.ts';
import { Shortcut, takeShortcut } from './shortcut.ts';
import { Entry, join, joined, Mark, react, talk, Words } from './talk.ts';
import type { Channel } from '../channels.ts';
import type { Delivery } from '../delivery/deliveries.ts';
import { BOT, type Person } from '../directory.ts';
import { channelNamed, modalShown } from '../lookups.ts';
import { verificationSent } from '../delivery/payloads.ts';
import type { Fields } from '../delivery/refusal.ts';
import { openProductRequests } from '../delivery/product-requests.ts';
import { openWorkspace, whenInvited } from '../workspace.ts';
import { channelNotFound } from '../sandbox.ts';
import type { PeopleDeps, People } from '../../core/stand-in.ts';

/** Maximum number of deliveries in the list. */
const LISTED = 200;

/**
 * Returns the endpoints for actions of people in the workspace that the app is notified about: commands, buttons,
 * modals, shortcuts, messages, reactions. Each one responds after the product has responded, with the delivery.
 */
export function slackPeople(deps: PeopleDeps): People {
  const { transaction, now } = deps;
  const workspace = openWorkspace(deps.db);
  const productRequests = openProductRequests(deps);
  const ground = () => ({ workspace, base: deps.url, at: now() });
  whenInvited(deps.db, ({ person, channel, at }) =>
    productRequests.postLater(productRequests.note(joined(person, channel, at, BOT.id), person, channel, workspace)),
  );

  /** Responds with the delivery and the modal that the person sees afterwards. */
  const withModal = async (c: Context, person: Person, delivery: unknown, more: Fields = {}): Promise<Response> =>
    c.json({ delivery, modal: await transaction(() => modalShown(workspace, person)), ...more });

  /**
   * Adds a person to a channel before an action in it, since only members can act in a channel, and notifies the app.
   */
  const entering = async (person: Person, name: string | undefined): Promise<void> => {
    const happened = await transaction(() => {
      const channel = name === undefined ? undefined : channelNamed(workspace, name);
      return channel && !channel.archived && join({ user: person }, { workspace, productRequests, channel, at: now() });
    });
    for (const noted of happened ? happened.noted : []) await productRequests.post(noted);
  };

  /** Runs an action in a channel, then notifies the app. */
  const inChannel = async <I>(
    c: Context,
    input: I,
    act: (input: I, ground: { channel: Channel; at: number }) => { ts: string; noted: (Delivery | undefined)[] },
  ): Promise<Response> => {
    const name = c.req.param('name') ?? '';
    const happened = await transaction(() => {
      const channel = workspace.channels.byName(name);
      return channel && act(input, { channel, at: now() });
    });
    if (!happened) return channelNotFound(c);
    const deliveries = [];
    for (const noted of happened.noted) deliveries.push(await productRequests.post(noted)); // in order
    return c.json({ ts: happened.ts, delivery: deliveries.at(-1) ?? null }, 201);
  };

  const app = new Hono()
    .get('/deliveries', async (c) =>
      c.json({ items: await transaction(() => productRequests.newest(LISTED)), next_cursor: null }),
    )
    .post('/commands', async (c) => {
      const input = check(Command, await readJson(c));
      await entering(input.user, input.channel);
      return withModal(c, input.user, await productRequests.ask(() => typeCommand(input, ground())));
    })
    .post('/actions', async (c) => {
      const input = check(Press, await readJson(c));
      await entering(input.user, input.channel);
      return withModal(c, input.user, await productRequests.ask(() => press(input, ground())));
    })
    .post('/options', async (c) => {
      const input = check(Query, await readJson(c));
      let options: Fields[] = [];
      const delivery = await productRequests.ask(() => suggest(input, ground(), (found) => void (options = found)));
      return withModal(c, input.user, delivery, { options });
    })
    .post('/views/:id/submit', async (c) => {
      const input = check(Submission, await readJson(c));
      return withModal(c, input.user, await productRequests.ask(() => submit(c.req.param('id'), input, ground())));
    })
    .post('/views/:id/close', async (c) => {
      const input = check(Closing, await readJson(c));
      return withModal(c, input.user, await productRequests.ask(() => close(c.req.param('id'), input, ground())));
    })
    .post('/shortcuts', async (c) => {
      const input = check(Shortcut, await readJson(c));
      await entering(input.user, input.channel);
      return withModal(c, input.user, await productRequests.ask(() => takeShortcut(input, ground())));
    })
    .post('/verification', async (c) => {
      const challenge = randomBytes(16).toString('hex');
      let verified = false;
      const delivery = await productRequests.ask(() => ({
        outgoing: verificationSent(challenge),
        take: ({ status, body }) => void (verified = status === 200 && body.includes(challenge)),
      }));
      return c.json({ verified, delivery });
    })
    .post('/channels/:name/messages', async (c) =>
      inChannel(c, check(Words, await readJson(c)), (input, at) => talk(input, { workspace, productRequests, ...at })),
    )
    .post('/channels/:name/members', async (c) =>
      inChannel(c, check(Entry, await readJson(c)), (input, at) => join(input, { workspace, productRequests, ...at })),
    )
    .post('/channels/:name/reactions', async (c) =>
      inChannel(c, check(Mark, await readJson(c)), (input, at) => react(input, { workspace, productRequests, ...at })),
    );

  return { app, resume: productRequests.resume };
}
