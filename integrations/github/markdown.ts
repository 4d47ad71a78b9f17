/**
 * A line of its own that is not shown, to find a text again. No foreign text can be one: as code it stands within a line.
 *
 * @param key any text
 */
export const marker = (key: string): string => `<!-- firebreak:${encodeURIComponent(key)} -->`;

export const holdsMarker = (body: string, key: string): boolean => body.split(/\r?\n/).includes(marker(key));
