import type { TicketTarget } from '../schemas/routes.ts';
import type { Signal } from '../schemas/signal.ts';
import type { Subject } from '../schemas/projection.ts';
import type { Timestamp } from '../schemas/time.ts';
import type { Arrival } from './admission.ts';
import type { ChatMessage, Text } from './outlets.ts';
import { linksOf } from './story.ts';

/**
 * What is told of alerts without an incident: a notice in a channel, for each service and environment one; or a ticket,
 * for each alert name one. It goes on while its alerts fire, and is edited in place.
 */
export type Bulletin = {
  /** Rises when it begins anew after it had ended. */
  round: number;
  place: { service: string; environment: string };
  firstAt: Timestamp;
  /** When the last thing was heard of it. */
  heardAt: Timestamp;
  /** Those of this round, newest first, at most some. */
  alerts: { signal: Signal; status: 'firing' | 'resolved' }[];
  firing: number;
  total: number;
} & ({ kind: 'notice'; channel: string } | { kind: 'ticket'; target: TicketTarget; title: string });

export type Bulletins = {
  /** Takes alerts up into the bulletins that they belong to. Safe to repeat. Gives those that changed. */
  heard(entries: readonly BulletinEntry[], at: Timestamp): Promise<Subject[]>;
  read(id: string): Promise<Bulletin | undefined>;
};

export type BulletinEntry = { signal: Signal; status: 'firing' | 'resolved' } & (
  | { kind: 'notice'; channel: string }
  | { kind: 'ticket'; target: TicketTarget }
);

/** Which bulletins an arrival belongs to. Notices are for what has no incident; a ticket is opened in any case. */
export function entriesOf(
  { signal, delivery, mute }: Arrival,
  status: 'firing' | 'resolved',
  apart: boolean,
): BulletinEntry[] {
  // Silence means silence; that it is over may be said.
  if (mute !== null && status === 'firing') return [];
  return [
    ...(apart ? delivery.channels.map((channel) => ({ signal, status, kind: 'notice' as const, channel })) : []),
    ...delivery.tickets.map((target) => ({ signal, status, kind: 'ticket' as const, target })),
  ];
}

/** What comes again so soon after the end goes on where it was: a flapping alert is one notice. */
export const SAME_ROUND_SECONDS = 900;

const ALERTS_NAMED = 10;

export function noticeCard(bulletin: Bulletin): ChatMessage {
  const { firing, total, place, alerts, firstAt } = bulletin;
  const over = firing === 0;
  const severe = alerts.some(({ signal, status }) => status === 'firing' && signal.severity !== 'info');
  const mark = over ? '✔️' : severe ? '🟠' : '🔵';
  const title = `${place.service} ${place.environment}: ${over ? 'quiet again' : `${firing} ${firing === 1 ? 'alert' : 'alerts'}`}`;
  const nameOf = ({ unmatched, title: own }: Signal): string => (unmatched ? `${unmatched}: ${own}` : own);
  const names = [...Map.groupBy(alerts, ({ signal }) => nameOf(signal))];
  const rows = names.slice(0, ALERTS_NAMED).map(([name, all]) => {
    const open = all.filter(({ status }) => status === 'firing').length;
    return `\n${open > 0 ? '🔥' : '✔️'} ${name}${all.length > 1 ? ` × ${all.length}` : ''}`;
  });
  const links = linksOf(alerts.map(({ signal }) => signal));
  return {
    summary: `${mark} ${title}`,
    parts: [
      { kind: 'text', text: [`${mark} `, { bold: title }, ...rows] },
      {
        kind: 'note',
        text: [
          'since ',
          { at: firstAt },
          ` · ${total} in all · no incident`,
          ...links.flatMap(({ title: text, url }): Text => [' · ', { link: url, text }]),
        ],
      },
    ],
  };
}
