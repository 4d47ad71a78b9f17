import { millisOf, plusSeconds, type Timestamp } from '../../../schemas/time/time.ts';
import { CLOCKS_APART_SECONDS, wasSetBack } from '../time/set-back.ts';
import { type ChatMessage, type ChatPart, type Span, type Text, utcWords } from './chat-message.ts';

/** The last notification of a receiver about an incident, or the last report, possibly still being sent. */
export type LastNotification = {
  /** State whose changes are sent immediately. */
  about: string;
  at: Timestamp;
  /** The stakeholder has received a notification about this incident. */
  notified: boolean;
  /** The recipient was rejected: this notification is not repeated, but later changes are sent. */
  refused?: true | undefined;
  /** Number of consecutive failed attempts, and the earliest time of the next one. */
  again?: { at: Timestamp; tries: number } | undefined;
};

/** Notification channels; each can fail independently. */
export const NOTIFICATION_CHANNELS = ['mail', 'slack'] as const;
export type NotificationChannel = (typeof NOTIFICATION_CHANNELS)[number];

/** Pause of a channel from `at`, when it last failed, until `until`. */
export type ChannelPause = { tries: number; at: Timestamp; until: Timestamp; detail: string };

/** Returns whether a channel pauses. Not if the clock was set back since: the pause would last that much longer. */
export const isPaused = (pause: Pick<ChannelPause, 'at' | 'until'> | undefined, now: Timestamp): boolean =>
  pause !== undefined && now < pause.until && !wasSetBack(millisOf(pause.at), millisOf(now));

/** `timeScale`: factor by which Firebreak's own pauses are shortened. */
type Times = { now: Timestamp; timeScale: number };

/** Restores the previous state after a notification that was certainly not sent. */
export const notSent = (before: LastNotification | undefined, now: Timestamp): LastNotification =>
  before ?? { about: '', at: now, notified: false };

/** Pauses in minutes before the second attempt and the maximum; each pause doubles the previous one. */
const RETRY_MINUTES = { first: 1, longest: 30 };

/** Returns whether the next attempt is later. Not if it is later than the longest pause: the clock was set back since. */
export const isRetriedLater = ({ again }: Pick<LastNotification, 'again'>, now: Timestamp): boolean =>
  again !== undefined &&
  now < again.at &&
  again.at <= plusSeconds(now, RETRY_MINUTES.longest * 60 + CLOCKS_APART_SECONDS);

/** Schedules another attempt after a failure that may be temporary. */
export const sentLater = (before: LastNotification | undefined, { now, timeScale }: Times): LastNotification => {
  const tries = (before?.again?.tries ?? 0) + 1;
  const minutes = Math.min(RETRY_MINUTES.first * 2 ** (tries - 1), RETRY_MINUTES.longest);
  return { ...notSent(before, now), again: { at: plusSeconds(now, (minutes * 60) / timeScale), tries } };
};

/** Pauses of a channel in minutes after the first failure and the maximum; each pause doubles the previous one. */
const PAUSE_MINUTES = { first: 1, longest: 5 };

/** @param afterSeconds delay requested by the other side; null: none */
export function pauseAfter(
  before: ChannelPause | undefined,
  { detail, afterSeconds }: { detail: string; afterSeconds: number | null },
  { now, timeScale }: Times,
): ChannelPause {
  const tries = (before?.tries ?? 0) + 1;
  const minutes = Math.min(PAUSE_MINUTES.first * 2 ** (tries - 1), PAUSE_MINUTES.longest);
  return { tries, at: now, until: plusSeconds(now, Math.max((minutes * 60) / timeScale, afterSeconds ?? 0)), detail };
}

/** Formats a message as plain text for email. */
export const emailTextOf = ({ parts }: ChatMessage): string => `${parts.map(paragraph).filter(Boolean).join('\n\n')}\n`;

function paragraph(part: ChatPart): string {
  switch (part.kind) {
    case 'header':
      return `${part.text}\n${'='.repeat(Math.min([...part.text].length, 72))}`;
    case 'fields':
      return part.fields.map(({ name, value }) => `${name}: ${emailSpans(value)}`).join('\n');
    case 'text':
    case 'note':
      return emailSpans(part.text);
    case 'line':
      return '-'.repeat(8);
    case 'buttons':
      return '';
  }
}

const emailSpans = (text: Text): string => text.map(emailSpan).join('').trim();

function emailSpan(span: Span): string {
  if (typeof span === 'string') return span;
  if ('bold' in span) return span.bold;
  if ('code' in span) return span.code;
  if ('at' in span) return utcWords(span);
  if ('link' in span) return `${span.text} <${span.link}>`;
  if ('channel' in span) return `#${span.channel}`;
  return `@${'user' in span ? span.user : span.group}`;
}
