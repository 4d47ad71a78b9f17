/** With what our notes begin, as `pageNote` writes them: a webhook may have cut off what stands at the end. */
const BEGINS = /^Firebreak follows this as incident [0-9A-Z]{26}\b/;

/** The line by which a note of ours is found again. */
const MARKER = /^firebreak:\S+$/m;

/** Whether we have written it: then its coming back is no news. */
export const isOwnNote = (content: string): boolean => {
  const text = content.replaceAll('\r\n', '\n');
  return BEGINS.test(text) || MARKER.test(text);
};
