import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { ChannelView, MessageView } from '../../../packages/sandbox/slack/blocks/view.ts';
import type { GithubView } from '../../../packages/sandbox/github/github.ts';
import type { GrafanaView } from '../../../packages/sandbox/grafana/grafana.ts';
import type { StatuspageView } from '../../../packages/sandbox/statuspage/view.ts';
import { eventually } from '../firebreak.ts';
import type { Product } from './product.ts';
import type { Vendors } from './vendors.ts';

/** Catalogue settings of checkout for all vendors that show incidents. */
export const SHOWN_SERVICE = {
  repository: 'acme/checkout',
  team: 'payments',
  slack: { channel: '#payments' },
  statusPage: { components: ['Checkout'], publish: 'auto' },
};

/** Critical alerts page, and open a ticket. Channels are archived as soon as possible. */
export const SHOWN_CONFIG = {
  'routes.yaml': 'routes: [{ match: { severity: critical }, page: true, ticket: true }]\n',
  'slack.yaml': 'archiveAfterHours: 0\n',
  'people.yaml': 'people: { ada: { email: ada@example.com } }\nonCall: { payments: { escalationPolicy: PPAYMENTS } }\n',
};

/** The last entry of the timeline. */
const LAST_TOLD = 'page-resolve.succeeded';

/** Entries that are counted but not shown; see docs/reference/showing.md. */
const UNTOLD = /^(incident\.opened|alerts\.|workflow\.|page-update\.succeeded)/;

type Incident = { id: string; number: number; channel: string | null };
type Entry = { at: string; actor: string; kind: string; text: string };

/** Milliseconds. Entries have the time when their write started, so a later entry may have been read before. */
const LATE_ENTRY_MS = 5000;

/** Milliseconds between two checks, because a check of everything is expensive. */
const LOOK_MS = 250;

/** Waits until the open incident is shown everywhere. Skips states that can be over before they are shown. */
export async function untilOpenEverywhere(vendors: Vendors, withinMs: number): Promise<void> {
  const look = async () => {
    await sleep(LOOK_MS);
    const [channels, { statuspage, github }] = [await incidentChannels(vendors), await viewsOf(vendors)];
    const counts = { channels: channels.length, incidents: statuspage.incidents.length, issues: github.issues.length };
    expect(counts).toEqual({ channels: 1, incidents: 1, issues: 1 });
    return true;
  };
  await eventually(look, 'the incident to be open everywhere', withinMs);
}

/**
 * Expects what must be visible after the story, completely and once, in all cases.
 *
 * @param options.archived whether the channel must be archived
 */
export async function expectShown(
  product: Product,
  vendors: Vendors,
  options: { archived: boolean; withinMs: number },
): Promise<void> {
  // Duplicates never disappear, so the last check finds them.
  const look = async () => {
    await sleep(LOOK_MS);
    const [incident] = (await product.get('/v1/incidents')).body.items as Incident[];
    if (incident === undefined) throw new Error('there is no incident');
    await expectSlack(incident, await toldOf(incident, product), vendors, options.archived);
    await expectOthers(incident, product, vendors);
    return true;
  };
  await eventually(look, 'everything shown', options.withinMs).catch(look);
}

async function toldOf({ id }: Incident, product: Product): Promise<Entry[]> {
  const { items } = (await product.get(`/v1/incidents/${id}/timeline?limit=200`)).body as { items: Entry[] };
  const told = items.toReversed().filter(({ kind }) => !UNTOLD.test(kind));
  expect(told.map(({ kind }) => kind)).toContain(LAST_TOLD);
  return told;
}

const incidentChannels = async (vendors: Vendors): Promise<ChannelView[]> =>
  (await vendors.sandbox<{ items: ChannelView[] }>('/slack/channels')).items.filter(({ name }) =>
    name.startsWith('incident-'),
  );

async function expectSlack(incident: Incident, told: Entry[], vendors: Vendors, archived: boolean): Promise<void> {
  const own = await incidentChannels(vendors);
  expect(own.map(({ name }) => `#${name}`)).toEqual([incident.channel]);
  const [channel] = own;
  if (channel === undefined) return;
  expect(channel.purpose).toBe(`INC-${incident.number} · Firebreak incident ${incident.id}`);
  if (archived) expect(channel.archived).toBe(true);
  // On-call people are not invited if the incident ended before the product came back.
  expect(channel.members, 'the on-call responder').toBeOneOf([['ada', 'firebreak'], ['firebreak']]);
  expect(channel.topic).toMatch(/^✅ INC-\d+ critical · resolved/);

  const messages = channel.messages.filter(({ bot }) => bot);
  const isSummary = (message: MessageView) => keyOf(message) === `incident:${incident.id} summary`;
  const summaries = messages.filter(isSummary);
  expect(summaries.map(({ text }) => text)).toEqual([expect.stringContaining('✅ critical, resolved')]);
  expect(channel.pinned).toEqual(summaries.map(({ ts }) => ts));
  const entries = messages.filter((message) => !isSummary(message));
  expectTold(
    entries.map(({ text }) => text.replace(/^\S+ /u, '')),
    told,
  );

  const team = await vendors.sandbox<ChannelView>('/slack/channels/payments');
  const lines = team.messages.filter(({ bot }) => bot);
  expect(lines.map(({ text }) => text)).toEqual([expect.stringMatching(/^✅ checkout production.*\(resolved\)$/)]);
  expect(JSON.stringify(lines[0]?.blocks), 'the line leads to the channel').toContain(channel.id);
}

/** Formats an entry. Actions of people include their name. */
const linesOf = ({ actor, text }: Entry): string => (actor === 'admin' ? `admin: ${text}` : text);

/** Expects each entry once, in the order of the timeline as it was known when the entry was shown. */
function expectTold(said: string[], told: Entry[]): void {
  const times = new Map(told.map((entry) => [escaped(linesOf(entry)), Date.parse(entry.at)]));
  expect(said.toSorted()).toEqual([...times.keys()].toSorted());
  const inOrder = said.every((text, n) =>
    said.slice(n + 1).every((later) => Number(times.get(text)) <= Number(times.get(later)) + LATE_ENTRY_MS),
  );
  expect(inOrder, `in order: ${said.join('; ')}`).toBe(true);
}

const keyOf = ({ metadata }: MessageView): unknown =>
  (metadata as { event_payload?: { key?: unknown } } | null)?.event_payload?.key;

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const viewsOf = async (vendors: Vendors): Promise<Views> => (await vendors.sandbox<{ views: Views }>('/state')).views;

type Views = { statuspage: StatuspageView; grafana: GrafanaView; github: GithubView };

async function expectOthers(incident: Incident, product: Product, vendors: Vendors): Promise<void> {
  const views = await viewsOf(vendors);
  expectStatuspage(views.statuspage);
  expectGitHub(views.github);
  const changes = (await product.get('/v1/deployments')).body.items as { id: string }[];
  expectGrafana(views.grafana, [incident.id, ...changes.map(({ id }) => id)]);
}

/**
 * Public statuses in order. Each one is published at most once. A status that was over before it could be published is
 * skipped.
 */
const PUBLIC = ['investigating', 'identified', 'monitoring', 'resolved'];

function expectStatuspage({ incidents, components }: StatuspageView): void {
  expect(components).toEqual([{ name: 'Checkout', status: 'operational' }]);
  expect(incidents.map(({ name, status }) => ({ name, status }))).toEqual([
    { name: 'Problems with Checkout', status: 'resolved' },
  ]);
  const said = incidents.flatMap(({ updates }) => updates.map(({ status }): string => status)).toReversed();
  expect(said).toEqual(PUBLIC.filter((status) => said.includes(status)));
}

function expectGrafana({ annotations }: GrafanaView, subjects: string[]): void {
  const marks = annotations.flatMap(({ tags }) => tags.filter((tag) => tag.startsWith('firebreak:')));
  expect(marks.toSorted()).toEqual(subjects.map((id) => `firebreak:${id}`).toSorted());
  const region = annotations.find(({ tags }) => tags.includes('incident'));
  expect(region?.until, 'the incident has an end').not.toBeNull();
}

function expectGitHub({ issues }: GithubView): void {
  expect(issues).toMatchObject([{ repository: 'acme/checkout', state: 'open' }]);
  const said = issues.flatMap(({ comments }) => comments.map(({ body }) => body));
  expect(said).toEqual([expect.stringContaining('are resolved')]);
}
