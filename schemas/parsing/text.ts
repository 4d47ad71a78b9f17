import * as z from 'zod';

/**
 * Truncates a text to at most `max` UTF-16 code units, without splitting a character. A truncated text ends with an ellipsis. Unpaired
 * surrogates are replaced, because the stores cannot contain them.
 */
export const truncated = (text: string, max: number): string =>
  (text.length <= max ? text : `${text.slice(0, max - 1).replace(/[\uD800-\uDBFF]$/, '')}…`).toWellFormed();

/**
 * Text from a system that must not be refused because a text is long: an alert would be lost. Longer texts end with an
 * ellipsis, and unpaired surrogates are replaced, too.
 *
 * @param max in characters (code points)
 */
export const cutText = (max: number) =>
  z.string().transform((text) => {
    const characters = text.length <= max ? [] : [...text];
    return (characters.length <= max ? text : `${characters.slice(0, max - 1).join('')}…`).toWellFormed();
  });
