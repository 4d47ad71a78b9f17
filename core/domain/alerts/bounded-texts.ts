/** Bytes of one label or annotation, and of all labels, or all annotations, of an alert as JSON. */
const TEXT_MAX_BYTES = 4096;
const ALL_MAX_BYTES = 8192;
const NAME_MAX_BYTES = 256;

/** Bytes of one text while all don't fit: the longest are cut first. */
const TEXT_BYTES = [TEXT_MAX_BYTES, 3072, 2048, 1536, 1024, 768, 512, 256, 128, 64, 32];

/** Names whose texts keep at least `USED_MIN_BYTES`: those that Firebreak itself reads. */
const USED: ReadonlySet<string> = new Set([
  'alertname',
  'service',
  'environment',
  'env',
  'severity',
  'action',
  'runbook',
  'runbook_url',
  'summary',
  'title',
  'description',
  'message',
  'dashboard',
  'dashboard_url',
]);
const USED_MIN_BYTES = 512;

type Texts = readonly (readonly [name: string, text: string])[];

const encoder = new TextEncoder();
const bytesOf = (texts: Texts): number => encoder.encode(JSON.stringify(texts)).length;

/** Bytes of a UTF-16 code unit at most: in UTF-8, and in JSON, where a control character is `\u0000`. */
const UNIT_BYTES = 3;
const UNIT_JSON_BYTES = 6;

/** Bytes of JSON around a name and its text. */
const AROUND_BYTES = 8;

/** Returns whether it is certain that nothing must be cut, without encoding anything. */
function isSmall(texts: Texts): boolean {
  let bytes = 2;
  for (const [name, text] of texts) {
    if (name.length * UNIT_BYTES > NAME_MAX_BYTES || text.length * UNIT_BYTES > TEXT_MAX_BYTES) return false;
    bytes += AROUND_BYTES + (name.length + text.length) * UNIT_JSON_BYTES;
  }
  return bytes <= ALL_MAX_BYTES || JSON.stringify(texts).length * UNIT_BYTES <= ALL_MAX_BYTES;
}

/**
 * Returns labels or annotations with at most 8 KiB, and 4 KiB each, so that an incident with many alerts can be read. Texts
 * that are cut end with an ellipsis. If even short texts don't fit, the last are left out, and one text says so. Returns the
 * same array if it is short.
 */
export function boundedTexts(texts: [name: string, text: string][]): [name: string, text: string][] {
  if (isSmall(texts)) return texts;
  let bounded: [string, string][] = [];
  for (const max of TEXT_BYTES) {
    bounded = texts.map(([name, text]) => [
      cutBytes(name, NAME_MAX_BYTES),
      cutBytes(text, USED.has(name) ? Math.max(max, USED_MIN_BYTES) : max),
    ]);
    if (bytesOf(bounded) <= ALL_MAX_BYTES) return bounded;
  }
  return firstOf(bounded);
}

/** Returns those that fit, first those that Firebreak reads. */
function firstOf(texts: Texts): [name: string, text: string][] {
  const kept: [string, string][] = [];
  let left = ALL_MAX_BYTES - 64;
  for (const [name, text] of texts.toSorted(([a], [b]) => Number(USED.has(b)) - Number(USED.has(a)))) {
    left -= bytesOf([[name, text]]);
    if (left < 0) break;
    kept.push([name, text]);
  }
  return [...kept, ['…', `${texts.length - kept.length} more`]];
}

/** Cuts a text to this number of bytes in UTF-8, ending with an ellipsis, without splitting a character. */
function cutBytes(text: string, max: number): string {
  if (text.length * 3 <= max || encoder.encodeInto(text, new Uint8Array(max)).read === text.length) return text;
  const { read } = encoder.encodeInto(text, new Uint8Array(max - 3));
  return `${text.slice(0, read)}…`;
}
