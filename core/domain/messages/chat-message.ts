import type { Button } from '../../../schemas/slack/button.ts';
import type { Timestamp } from '../../../schemas/time/time.ts';

/**
 * Text in spans. The content of a span is displayed literally: only a `link` is a link, and only a `channel`, `user`,
 * or `group` is a mention. So text from an alert can neither mention anyone nor forge a link.
 */
export type Span =
  | string
  | { bold: string }
  | { code: string }
  /** A time, shown in each reader's time zone where the channel supports it. */
  | { at: Timestamp; seconds?: true }
  /** http and https only. */
  | { link: string; text: string }
  /** A channel ID. */
  | { channel: string }
  /** ID of a user or user group, who are notified. */
  | { user: string }
  | { group: string };

export type Text = readonly Span[];

/** Formats a time for readers with unknown time zones: `2026-11-20 17:05 UTC`. */
export const utcWords = ({ at, seconds }: { at: Timestamp; seconds?: true }): string =>
  `${at.slice(0, 10)} ${at.slice(11, seconds ? 19 : 16)} UTC`;

/** A vendor-neutral message; the vendor's client truncates it to its limits. */
export type ChatMessage = {
  /** One line for notifications and for clients without rich text. In spans if it mentions someone. */
  summary: string | Text;
  parts: readonly ChatPart[];
};

export type ChatPart =
  | { kind: 'header'; text: string }
  | { kind: 'text'; text: Text }
  | { kind: 'fields'; fields: readonly { name: string; value: Text }[] }
  /** Text in small print. */
  | { kind: 'note'; text: Text }
  | { kind: 'line' }
  | { kind: 'buttons'; buttons: readonly ChatButton[] };

/** A button: its action and its label. */
export type ChatButton = {
  button: Button;
  text: string;
  /** At most one `primary` button per message; `danger` marks irreversible actions. */
  style?: 'primary' | 'danger';
  /** Confirmation dialog before the action. */
  confirm?: { title: string; text: string; yes: string; no: string };
};
