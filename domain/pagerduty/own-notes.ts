/** Start of Firebreak's notes, as `pageNote` writes them: a webhook may truncate the end of a note. */
const FIRST_LINE = /^Firebreak tracks this as incident [0-9A-Z]{26}\b/;

/** Line that identifies a note written by Firebreak. */
const MARKER = /^firebreak:\S+$/m;

/** Returns whether Firebreak wrote the note, so that its webhook is ignored. */
export const isOwnNote = (content: string): boolean => {
  const text = content.replaceAll('\r\n', '\n');
  return FIRST_LINE.test(text) || MARKER.test(text);
};
