import type { IncidentTold } from '../../domain/webhooks.ts';
import { truncate } from '../text.ts';
import type { WebhookEvent } from '../../schemas/response.ts';

/** Teams takes 28 KB with the card's own words; a card is for a glance. */
const TEXT_MAX_CHARS = 500;

const WORDS: Record<WebhookEvent, string> = {
  'incident.opened': 'Incident',
  'incident.changed': 'Incident',
  'incident.resolved': 'Resolved',
};

const COLOURS: Readonly<Record<string, string>> = { critical: 'attention', warning: 'warning', info: 'accent' };

/**
 * A card as the workflow "Send webhook alerts to a channel" of Teams takes it. Texts of alerts stand in runs of text,
 * which show what they hold as it is; everywhere else in a card it would be Markdown.
 *
 * @see https://learn.microsoft.com/en-us/connectors/teams/ (When a Teams webhook request is received; read 2026-11)
 * @see https://adaptivecards.io/explorer/RichTextBlock.html (read 2026-11)
 */
export function teamsMessage(event: WebhookEvent, incident: IncidentTold): object {
  const { title, service, environment, severity, status, opened_at, resolved_at } = incident;
  const isOver = event === 'incident.resolved';
  const facts: [string, string | null][] = [
    ['Severity', severity],
    ['Status', status],
    ['Opened', minute(opened_at)],
    ['Resolved', resolved_at === null ? null : minute(resolved_at)],
    ['Acknowledged by', incident.acknowledged_by],
    ['Commander', incident.roles['commander'] ?? null],
    ['Suspect', incident.suspects[0]?.version ?? null],
    ['Automation', incident.automation],
    ['Channel', incident.channel],
    ['Incident', incident.id],
  ];
  return {
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        contentUrl: null,
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
          body: [
            line(
              {
                text: `${WORDS[event]}: `,
                weight: 'bolder',
                color: isOver ? 'good' : (COLOURS[severity] ?? 'default'),
              },
              { text: cut(`${service} ${environment}: ${title}`), weight: 'bolder' },
            ),
            ...facts.flatMap(([name, value]) =>
              value === null ? [] : [line({ text: `${name}: `, isSubtle: true }, { text: cut(value) })],
            ),
          ],
        },
      },
    ],
  };
}

type Run = { text: string; weight?: string; color?: string; isSubtle?: boolean };

const line = (...runs: Run[]) => ({
  type: 'RichTextBlock',
  spacing: 'small',
  inlines: runs.map((run) => ({ type: 'TextRun', ...run })),
});

const cut = (text: string): string => truncate(text, TEXT_MAX_CHARS);
const minute = (at: string): string => `${at.slice(0, 10)} ${at.slice(11, 16)} UTC`;
