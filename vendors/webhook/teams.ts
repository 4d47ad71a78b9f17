import { suspectName } from '../../core/domain/changes/change-words.ts';
import type { WebhookIncident, WebhookPostmortem } from '../../core/domain/messages/webhooks.ts';
import { truncate } from '../shared/text.ts';
import type { IncidentEvent } from '../../schemas/incidents/response.ts';
import { minuteText } from '../../schemas/time/time.ts';

/** Maximum characters of a text. Teams accepts 28 KB including the card's markup, but a card should be short. */
const TEXT_MAX_CHARS = 500;

const EVENT_TITLES: Record<IncidentEvent, string> = {
  'incident.opened': 'Incident',
  'incident.changed': 'Incident',
  'incident.resolved': 'Resolved',
};

const COLOURS: Readonly<Record<string, string>> = { critical: 'attention', warning: 'warning', info: 'accent' };

/**
 * Returns a card for the Teams workflow "Send webhook alerts to a channel". Texts from alerts are in text runs, which
 * show them literally; all other card elements interpret Markdown.
 *
 * @see https://learn.microsoft.com/en-us/connectors/teams/ (When a Teams webhook request is received; read 2026-11)
 * @see https://adaptivecards.io/explorer/RichTextBlock.html (read 2026-11)
 */
export function teamsMessage(event: IncidentEvent, incident: WebhookIncident): object {
  const { title, service, environment, severity, status, opened_at, resolved_at } = incident;
  const isOver = event === 'incident.resolved';
  const facts: [string, string | null][] = [
    ['Severity', severity],
    ['Status', status],
    ['Opened', minuteText(opened_at)],
    ['Resolved', resolved_at === null ? null : minuteText(resolved_at)],
    ['Acknowledged by', incident.acknowledged_by],
    ['Commander', incident.roles['commander'] ?? null],
    ['Suspect', incident.suspects[0] === undefined ? null : suspectName(incident.suspects[0])],
    ['Automation', incident.automation],
    ['Waits for an approval', incident.question?.text ?? null],
    ['Channel', incident.channel],
    ['Incident', incident.id],
  ];
  const links = [
    ...(incident.question?.url == null ? [] : [{ title: 'Approve or reject', url: incident.question.url }]),
    ...(incident.url === null ? [] : [{ title: 'Open in the console', url: incident.url }]),
  ];
  const body = [
    textLine(
      {
        text: `${EVENT_TITLES[event]}: `,
        weight: 'bolder',
        color: isOver ? 'good' : (COLOURS[severity] ?? 'default'),
      },
      { text: shortened(`${service} ${environment}: ${title}`), weight: 'bolder' },
    ),
    ...facts.flatMap(([name, value]) =>
      value === null ? [] : [textLine({ text: `${name}: `, isSubtle: true }, { text: shortened(value) })],
    ),
  ];
  return teamsCard(body, links);
}

/** Returns a card for a published post-mortem, without its text: a card is limited to 28 KB. */
export function teamsPostmortem(postmortem: WebhookPostmortem): object {
  const { title, service, environment, severity, revision, published_at, incident_id, url } = postmortem;
  const facts: [string, string][] = [
    ['Service', `${service} ${environment}`],
    ['Severity', severity],
    ['Published', minuteText(published_at ?? postmortem.updated_at)],
    ['Revision', String(revision)],
    ['Incident', incident_id],
  ];
  return teamsCard(
    [
      textLine(
        { text: 'Post-mortem: ', weight: 'bolder', color: 'accent' },
        { text: shortened(title), weight: 'bolder' },
      ),
      ...facts.map(([name, value]) => textLine({ text: `${name}: `, isSubtle: true }, { text: shortened(value) })),
    ],
    url === null ? [] : [{ title: 'Open in the console', url }],
  );
}

/** Returns a message with a card of text lines, and a button for each link. */
export const teamsCard = (body: readonly object[], links: readonly { title: string; url: string }[] = []): object => ({
  type: 'message',
  attachments: [
    {
      contentType: 'application/vnd.microsoft.card.adaptive',
      contentUrl: null,
      content: {
        $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
        type: 'AdaptiveCard',
        version: '1.4',
        body,
        ...(links.length > 0 && { actions: links.map((link) => ({ type: 'Action.OpenUrl', ...link })) }),
      },
    },
  ],
});

type TextRun = { text: string; weight?: string; color?: string; isSubtle?: boolean };

/** Returns a line of text runs, which are shown literally. */
export const textLine = (...runs: TextRun[]) => ({
  type: 'RichTextBlock',
  spacing: 'small',
  inlines: runs.map((run) => ({ type: 'TextRun', ...run })),
});

const shortened = (text: string): string => truncate(text, TEXT_MAX_CHARS);
