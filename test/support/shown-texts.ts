import { keepsOpen } from '../../core/domain/incidents/keeps-open.ts';
import type { ChatMessage } from '../../core/domain/messages/chat-message.ts';
import { summaryCard } from '../../core/domain/messages/incident-card.ts';
import { emailTextOf } from '../../core/domain/messages/notifications.ts';
import { incidentDetails } from '../../core/domain/messages/incident-details.ts';
import { incidentText } from '../../entrances/cli/commands/incidents/incident.ts';
import type { IncidentId } from '../../schemas/config/names.ts';
import { consoleWorld } from './console-world.ts';
import type { FakeWorld } from './fake-deps.ts';

/** Returns what the channels of responders say about an incident now, as text. */
export async function shownToResponders(
  world: FakeWorld,
  id: IncidentId,
): Promise<Record<'console' | 'slack' | 'cli', string>> {
  const [story, view, config] = await Promise.all([
    world.deps.incidents.story(id, null),
    world.deps.incidents.view(id),
    world.deps.config.current(),
  ]);
  if (story === undefined || view === undefined) throw new Error(`no incident ${id}`);
  const { get } = consoleWorld(() => ({}), world);
  const page = await get(`/console/incidents/${id}`, { token: 'ada' });
  if (page.status !== 200) throw new Error(`the console answered ${page.status}: ${await page.text()}`);
  return {
    console: visibleText(await page.text()),
    slack: slackText(summaryCard(story)),
    cli: incidentText({
      ...view,
      open_because: keepsOpen(story, config, world.deps.timeScale),
      ...incidentDetails(story),
    }).join('\n'),
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
