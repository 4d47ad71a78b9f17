import { type Context, Hono } from 'hono';
import { Refusal } from '../../../../core/domain/refusal.ts';
import {
  chooseComponents,
  confirm,
  type ReceivedLink,
  subscriptionOf,
  unsubscribe,
} from '../../actions/subscriptions/change-subscription.ts';
import { subscribe, type SubscriptionDeps } from '../../actions/subscriptions/subscribe.ts';
import { type PageSettings, pagesOf } from '../../decisions/pages.ts';
import {
  LINK_PURPOSES,
  linkText,
  type LinkPurpose,
  SUBSCRIPTIONS_PATH,
  subscriptionsPath,
} from '../../decisions/subscriptions/links.ts';
import { chosenComponents } from '../../decisions/subscriptions/subscription.ts';
import { MAIN_PAGE } from '../../schemas/status-page-file.ts';
import { type Subscriber, SUBSCRIBER_ADDRESSES } from '../../schemas/subscriber.ts';
import type { Env } from '../../../../entrances/http/context.ts';
import { readForm } from '../../../../entrances/http/middleware/body.ts';
import { addressOf } from '../../../../entrances/http/middleware/credentials.ts';
import { identifyRequest } from '../../../../entrances/http/middleware/request.ts';
import { problem } from '../../../../entrances/http/problem.ts';
import type { Html } from '../../../../entrances/console/parts.ts';
import { liveLinks } from '../links.ts';
import type { Frame } from '../pages.ts';
import { hashSource } from '../policy.ts';
import { styleOf } from '../style.ts';
import { receiveBounces, readAtSns, type ReadSns } from './bounces.ts';
import { CHANNEL_TEXTS, endedPage, formPage, linkPage, managePage, messagePage } from './pages.ts';

const FORM_MAX_BYTES = 32 * 1024;

/**
 * Returns the pages on which readers subscribe to a status page. Opening a page never changes anything: scanners of email
 * open all links.
 */
export function subscriptionsApp(deps: SubscriptionDeps, readSns: ReadSns = readAtSns): Hono<Env> {
  const app = new Hono<Env>();
  app.use(identifyRequest(deps));
  app.post(`${SUBSCRIPTIONS_PATH}/bounces/sns`, (c) => receiveBounces(deps, readSns, c));
  const pagePath = `${SUBSCRIPTIONS_PATH}/:page`;
  app.get(pagePath, async (c) => {
    const frame = await frameOf(deps, c);
    return htmlResponse(c, frame.page, formPage(frame, {}));
  });
  app.post(pagePath, (c) => receiveForm(deps, c));
  for (const purpose of LINK_PURPOSES) {
    app.get(`${pagePath}/${purpose}/:link`, (c) => showLink(deps, c, purpose));
    app.post(`${pagePath}/${purpose}/:link`, (c) => followLink(deps, c, purpose));
  }
  app.notFound((c) => problem(c, 404, 'not-found', `no page ${c.req.path}`));
  app.onError((error, c) => {
    if (error instanceof Refusal) return problem(c, error.status, error.code, error.detail, error.headers);
    (c.get('log') ?? deps.log).error('a page for subscriptions failed', { error: error.stack ?? String(error) });
    return problem(c, 503, 'unavailable', 'subscriptions are not available now; try again', { 'retry-after': '5' });
  });
  return app;
}

/** @throws Refusal 404 if nobody can subscribe to the page, 503 */
async function frameOf(deps: SubscriptionDeps, c: Context<Env>): Promise<Frame> {
  const page = pagesOf(await deps.config.current()).get(pageNameOf(c));
  if (page === undefined || page.subscriptions.length === 0)
    throw new Refusal(404, 'not-found', 'nobody can subscribe to this status page');
  if (deps.publicUrl === undefined)
    throw new Refusal(503, 'unavailable', 'FIREBREAK_PUBLIC_URL is not set, so messages could not contain links');
  return { page, links: liveLinks(page) };
}

/**
 * Returns the page around a link. A link that ends a subscription works as long as the subscription exists, even if its
 * page is gone.
 *
 * @throws Refusal 404, 503
 */
async function frameOfLink(deps: SubscriptionDeps, c: Context<Env>, purpose: LinkPurpose): Promise<Frame> {
  if (purpose !== 'unsubscribe') return frameOf(deps, c);
  const page = pagesOf(await deps.config.current()).get(pageNameOf(c)) ?? REMOVED_PAGE;
  return { page, links: liveLinks(page) };
}

/** Stands in for a status page that the configuration no longer has. */
const REMOVED_PAGE: PageSettings = {
  audience: 'public',
  name: MAIN_PAGE,
  title: 'Status',
  timeZone: 'UTC',
  subscriptions: [],
  components: [],
};

const pageNameOf = (c: Context<Env>): string => c.req.param('page') ?? '';

/** Processes the form to subscribe. The answer is the same for every valid address, so that it reveals no subscriber. */
async function receiveForm(deps: SubscriptionDeps, c: Context<Env>): Promise<Response> {
  const frame = await frameOf(deps, c);
  const form = await readForm(c, FORM_MAX_BYTES);
  const given = { to: (form.get('address') ?? '').trim(), components: form.getAll('component') };
  const { subscriptions } = frame.page;
  const channel = subscriptions.find((offered) => offered === form.get('channel')) ?? subscriptions[0] ?? 'email';
  const address = SUBSCRIBER_ADDRESSES[channel].safeParse(given.to);
  const components = chosenComponents(given.components, frame.page);
  if (!address.success || components === undefined) {
    const error = address.success ? 'Select at least one component.' : CHANNEL_TEXTS[channel].wrong;
    return htmlResponse(c, frame.page, formPage(frame, { ...given, channel, error }), 422);
  }
  const to = address.data;
  try {
    await subscribe(deps, { page: frame.page.name, channel, to, components }, addressOf(c));
  } catch (error) {
    if (!(error instanceof Refusal) || (error.status !== 429 && error.status !== 503)) throw error;
    const { status, headers, detail } = error;
    for (const [name, value] of Object.entries(headers)) c.header(name, value);
    const text = `${detail.charAt(0).toUpperCase()}${detail.slice(1)}.`;
    return htmlResponse(c, frame.page, formPage(frame, { ...given, channel, error: text }), status);
  }
  return htmlResponse(
    c,
    frame.page,
    messagePage(
      frame,
      'Check your messages',
      `If ${to} can get updates, it gets a message with a link now. Open the link within 48 hours to confirm the subscription.`,
    ),
  );
}

/** Shows what a link is for, with a button that does it. */
async function showLink(deps: SubscriptionDeps, c: Context<Env>, purpose: LinkPurpose): Promise<Response> {
  const frame = await frameOfLink(deps, c, purpose);
  const found = await subscriptionOf(deps, linkOf(c, purpose));
  if (found === undefined) return htmlResponse(c, frame.page, endedPage(frame), 404);
  return htmlResponse(
    c,
    frame.page,
    purpose === 'manage' ? managePageFor(deps, frame, found) : linkPage(frame, purpose, found),
  );
}

/** Does what a link is for. */
async function followLink(deps: SubscriptionDeps, c: Context<Env>, purpose: LinkPurpose): Promise<Response> {
  const frame = await frameOfLink(deps, c, purpose);
  const link = linkOf(c, purpose);
  switch (purpose) {
    case 'unsubscribe':
      await unsubscribe(deps, link);
      // The same answer for every link: mail providers repeat requests.
      return htmlResponse(
        c,
        frame.page,
        messagePage(frame, 'You are unsubscribed', 'This address gets no more updates, and is deleted.'),
      );
    case 'confirm': {
      const found = await confirm(deps, link);
      return found === undefined
        ? htmlResponse(c, frame.page, endedPage(frame), 404)
        : htmlResponse(c, frame.page, managePageFor(deps, frame, found, { done: 'Your subscription is confirmed.' }));
    }
    case 'manage': {
      const found = await subscriptionOf(deps, link);
      if (found === undefined) return htmlResponse(c, frame.page, endedPage(frame), 404);
      const components = chosenComponents((await readForm(c, FORM_MAX_BYTES)).getAll('component'), frame.page);
      if (components === undefined) {
        const error = 'Select at least one component, or unsubscribe.';
        return htmlResponse(c, frame.page, managePageFor(deps, frame, found, { error }), 422);
      }
      const after = await chooseComponents(deps, link, components);
      return htmlResponse(
        c,
        frame.page,
        managePageFor(deps, frame, after ?? found, { done: 'Your selection is saved.' }),
      );
    }
  }
}

const linkOf = (c: Context<Env>, purpose: LinkPurpose): ReceivedLink => ({
  page: pageNameOf(c),
  purpose,
  text: c.req.param('link') ?? '',
});

/** Returns the page of a subscription with its links and, for a webhook, its secret. */
const managePageFor = (
  { subscribers }: SubscriptionDeps,
  frame: Frame,
  subscriber: Subscriber,
  notice: { done?: string; error?: string } = {},
): Html => {
  const path = (purpose: LinkPurpose): string =>
    `${subscriptionsPath(frame.page)}/${purpose}/${linkText(subscriber.id, subscribers.codeOf(subscriber, purpose))}`;
  const secret = subscriber.channel === 'webhook' ? subscribers.secretOf(subscriber) : undefined;
  return managePage(
    frame,
    subscriber,
    { save: path('manage'), unsubscribe: path('unsubscribe') },
    { ...notice, ...(secret !== undefined && { secret }) },
  );
};

async function htmlResponse(
  c: Context<Env>,
  page: PageSettings,
  body: Html,
  status: 200 | 404 | 422 | 429 | 503 = 200,
): Promise<Response> {
  return c.body(String(await body), status, {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-robots-tag': 'noindex',
    // Addresses of these pages are secrets of their subscribers.
    'referrer-policy': 'no-referrer',
    'content-security-policy': `default-src 'none'; style-src ${hashSource(styleOf(page))}; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
  });
}
