/** A paragraph of text, or a link with words before it and a short title. */
export type MessagePart = string | { words: string; title: string; url: string };

/** A message to a subscriber: text without markup, and the same as data for programs. */
export type Message = {
  subject: string;
  parts: readonly MessagePart[];
  data: { type: string; timestamp: string; data: object };
};

/** Returns a message as plain text. */
export const textOf = ({ parts }: Pick<Message, 'parts'>): string =>
  `${parts.map((part) => (typeof part === 'string' ? part : [part.words, part.url].filter(Boolean).join('\n'))).join('\n\n')}\n`;
