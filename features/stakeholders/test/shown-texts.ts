import { keepsOpen } from '../../../core/incidents/decisions/keeps-open.ts';
import type { ChatMessage } from '../../../core/messages/decisions/channels.ts';
import { summaryCard } from '../../../core/messages/decisions/incident-card.ts';
import { emailTextOf } from '../../../core/messages/decisions/notifications.ts';
import { incidentText } from '../../../entrances/cli/commands/incidents/incident.ts';
import { statusUpdate } from '../decisions/status-update.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import { consoleWorld } from '../../../test/support/console-world.ts';
import type { FakeWorld } from '../../../test/support/fake-deps.ts';

/** When stakeholders hear more at the latest. */
const NEXT_UPDATE = '2026-11-20T13:30:00.000Z' as Timestamp;

const LINK = 'https://firebreak.example.com/approve/1';

export const CHANNELS = ['console', 'slack', 'cli', 'mail'] as const;
export type Channel = (typeof CHANNELS)[number];

/** Returns what each channel says about an incident now, as text. */
export async function shownTexts(world: FakeWorld, id: IncidentId): Promise<Record<Channel, string>> {
  const [story, view] = await Promise.all([world.deps.incidents.story(id, null), world.deps.incidents.view(id)]);
  if (story === undefined || view === undefined) throw new Error(`no incident ${id}`);
  const { get } = consoleWorld(() => ({}), world);
  const page = await get(`/console/incidents/${id}`, { token: 'ada' });
  if (page.status !== 200) throw new Error(`the console answered ${page.status}: ${await page.text()}`);
  return {
    console: visibleText(await page.text()),
    slack: slackText(summaryCard(story)),
    cli: incidentText({ ...view, open_because: keepsOpen(story, world.deps.timeScale) }).join('\n'),
    // Of a reader who may answer questions.
    mail: emailTextOf(
      statusUpdate(story, { approvals: new Map(story.decisions.map(({ id: of }) => [of, LINK])) }, NEXT_UPDATE),
    ),
  };
}

/** Returns the text of a card, with the labels of its buttons. */
const slackText = (card: ChatMessage): string =>
  [
    emailTextOf(card),
    ...card.parts.flatMap((part) => (part.kind === 'buttons' ? part.buttons.map(({ text }) => `[${text}]`) : [])),
  ].join('\n');

/** Returns the text of a page, without its timeline, which tells the past, and without its codes. */
const visibleText = (page: string): string =>
  page
    .replace(/^.*<main[^>]*>/s, '')
    .replace(/<details class="more-details".*$/s, '')
    .replaceAll(/<(script|style|svg)\b.*?<\/\1>/gs, '')
    .replaceAll(/<[^>]+>/g, ' ')
    .replaceAll('&#39;', "'")
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')
    .replaceAll(/\s+/g, ' ')
    .replace(/ Timeline Everything Decisions .*$/, '')
    .trim();
