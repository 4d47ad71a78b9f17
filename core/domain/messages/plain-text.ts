import { type Text, utcWords } from './chat-message.ts';

/** Formats text as one plain line, for channels without mentions and links. */
export const plainOf = (text: Text): string =>
  text
    .map((span) => {
      if (typeof span === 'string') return span;
      if ('bold' in span) return span.bold;
      if ('code' in span) return span.code;
      if ('at' in span) return utcWords(span);
      return 'link' in span ? span.text : '';
    })
    .join('')
    .replaceAll(/\s+/g, ' ')
    .trim();
