/**
 * Returns a hidden line that identifies a text. Text from other sources can't imitate it: such text is formatted as
 * code within a line.
 *
 * @param key any text
 */
export const marker = (key: string): string => `<!-- firebreak:${encodeURIComponent(key)} -->`;

export const hasMarker = (body: string, key: string): boolean => body.split(/\r?\n/).includes(marker(key));
