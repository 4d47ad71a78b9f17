import { UNMATCHED } from '../../../schemas/config/names.ts';
import type { TicketTarget } from '../../../schemas/alerts/routes.ts';
import type { Signal } from '../../../schemas/alerts/signal.ts';
import type { Subject } from '../../../schemas/incidents/projection.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';
import type { Arrival } from '../alerts/admission.ts';
import type { ChatMessage, Text } from './chat-message.ts';
import { type Link, linksOf } from './story.ts';

/**
 * Notice for alerts without an incident: a message in a channel, one for each service and environment; or a ticket, one
 * for each alert name. It stays open while its alerts fire, and is edited in place.
 */
export type AlertNotice = {
  /** Incremented when the notice starts again after it ended. */
  round: number;
  serviceEnvironment: { service: string; environment: string };
  firstAt: Timestamp;
  /** Time of the last update. */
  updatedAt: Timestamp;
  /** Alerts of this round, newest first, up to a limit. */
  alerts: { signal: Signal; status: 'firing' | 'resolved' }[];
  firing: number;
  total: number;
} & ({ kind: 'notice'; channel: string } | { kind: 'ticket'; target: TicketTarget; title: string });

export type AlertNotices = {
  /** Adds alerts to their notices. Idempotent. Returns the notices that changed. */
  record(entries: readonly AlertNoticeEntry[], at: Timestamp): Promise<Subject[]>;
  read(id: string): Promise<AlertNotice | undefined>;
};

export type AlertNoticeEntry = { signal: Signal; status: 'firing' | 'resolved' } & (
  | { kind: 'notice'; channel: string }
  | { kind: 'ticket'; target: TicketTarget }
);

/**
 * Returns the notices that an arrival belongs to. Channel notices are for alerts without an incident; tickets are
 * created in any case.
 */
export function entriesOf(
  { signal, destinations, mute }: Arrival,
  status: 'firing' | 'resolved',
  isWithoutIncident: boolean,
): AlertNoticeEntry[] {
  // A muted alert starts nothing, but its end may be reported.
  if (mute !== null && status === 'firing') return [];
  return [
    ...(isWithoutIncident
      ? destinations.channels.map((channel) => ({ signal, status, kind: 'notice' as const, channel }))
      : []),
    ...destinations.tickets.map((target) => ({ signal, status, kind: 'ticket' as const, target })),
  ];
}

/** Seconds after the end within which a returning alert continues the same notice: a flapping alert has only one. */
export const SAME_ROUND_SECONDS = 900;

const ALERTS_SHOWN_MAX = 10;

/** @param links for further investigation; absent: those of the alerts */
export function noticeCard(
  notice: AlertNotice,
  links: readonly Link[] = linksOf(notice.alerts.map(({ signal }) => signal)),
): ChatMessage {
  const { firing, total, serviceEnvironment, alerts, firstAt } = notice;
  const isOver = firing === 0;
  const isSevere = alerts.some(({ signal, status }) => status === 'firing' && signal.severity !== 'info');
  const mark = isOver ? '✔️' : isSevere ? '🟠' : '🔵';
  // Those of services outside the catalogue share one notice.
  const place =
    serviceEnvironment.service === UNMATCHED
      ? 'services outside the catalogue'
      : `${serviceEnvironment.service} ${serviceEnvironment.environment}`;
  const title = `${place}: ${isOver ? 'all alerts resolved' : `${firing} ${firing === 1 ? 'alert' : 'alerts'}`}`;
  const nameOf = ({ unmatched, title: alertTitle }: Signal): string =>
    unmatched ? `${unmatched}: ${alertTitle}` : alertTitle;
  const names = [...Map.groupBy(alerts, ({ signal }) => nameOf(signal))];
  const rows = names.slice(0, ALERTS_SHOWN_MAX).map(([name, all]) => {
    const open = all.filter(({ status }) => status === 'firing').length;
    return `\n${open > 0 ? '🔥' : '✔️'} ${name}${all.length > 1 ? ` × ${all.length}` : ''}`;
  });
  return {
    summary: `${mark} ${title}`,
    parts: [
      { kind: 'text', text: [`${mark} `, { bold: title }, ...rows] },
      {
        kind: 'note',
        text: [
          'since ',
          { at: firstAt },
          ` · ${total} in total · no incident`,
          ...links.flatMap(({ title: text, url }): Text => [' · ', { link: url, text }]),
        ],
      },
    ],
  };
}
