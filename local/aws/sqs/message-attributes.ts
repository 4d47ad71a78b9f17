import { createHash } from 'node:crypto';
import { invalidParameter } from './errors.ts';

/** A message attribute in the format of the JSON protocol. `BinaryValue` is base64. */
type MessageAttribute = {
  DataType: string;
  StringValue?: string | undefined;
  BinaryValue?: string | undefined;
};
export type MessageAttributes = Readonly<Record<string, MessageAttribute>>;

const ATTRIBUTES_MAX = 10;
const NAME_MAX_CHARS = 256;
/** Any character outside #x9 #xA #xD #x20-#xD7FF #xE000-#xFFFD #x10000-#x10FFFF, including lone surrogates. */
const NOT_ALLOWED = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

export const hasInvalidCharacters = (text: string): boolean => NOT_ALLOWED.test(text);

/** @throws SqsError InvalidParameterValue */
export function checkMessageAttributes(attributes: MessageAttributes): void {
  const entries = Object.entries(attributes);
  if (entries.length > ATTRIBUTES_MAX) {
    throw invalidParameter(
      `Number of message attributes [${entries.length}] exceeds the allowed maximum [${ATTRIBUTES_MAX}].`,
    );
  }
  for (const [name, attribute] of entries) {
    checkName(name);
    checkValue(name, attribute);
  }
}

function checkName(name: string): void {
  const reserved = /^(aws|amazon)\./i.test(name);
  const misplacedDot = name.startsWith('.') || name.endsWith('.') || name.includes('..');
  if (name === '' || name.length > NAME_MAX_CHARS || reserved || misplacedDot || !/^[\p{L}\p{N}_.-]+$/u.test(name)) {
    throw invalidParameter(
      `Message (user) attribute name '${name}' is invalid: 1 to ${NAME_MAX_CHARS} letters, digits, hyphens, ` +
        'underscores and periods; no period first, last or twice in a row; not AWS. or Amazon.',
    );
  }
}

function checkValue(name: string, { DataType, StringValue, BinaryValue }: MessageAttribute): void {
  const [, kind] = /^(String|Number|Binary)(\..+)?$/.exec(DataType) ?? [];
  if (kind === undefined || DataType.length > 256) {
    throw invalidParameter(
      `The type of message (user) attribute '${name}' is invalid. You must use only the following supported type ` +
        'prefixes: Binary, Number, String.',
    );
  }
  const value = kind === 'Binary' ? BinaryValue : StringValue;
  if (value === undefined || value === '') {
    throw invalidParameter(`Message (user) attribute '${name}' must contain a non-empty value of type '${kind}'.`);
  }
  if (kind !== 'Binary' && hasInvalidCharacters(value)) {
    throw invalidParameter(`Message (user) attribute '${name}' contains invalid characters.`);
  }
  if (kind === 'Number' && !Number.isFinite(Number(value))) {
    throw invalidParameter(`Can't cast the value of message (user) attribute '${name}' to a number.`);
  }
}

/** Returns the size in bytes. Names, types, and values count toward the size of a message. */
export function sizeOf(attributes: MessageAttributes): number {
  let bytes = 0;
  for (const [name, attribute] of Object.entries(attributes)) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(attribute.DataType) + valueOf(attribute).length;
  }
  return bytes;
}

/**
 * Returns the digest of the attributes, sorted by name, which SDK clients verify.
 *
 * @returns undefined without attributes, because AWS omits the field
 * @see Amazon SQS Developer Guide, "Calculating the MD5 message digest for message attributes"
 */
export function md5OfAttributes(attributes: MessageAttributes): string | undefined {
  const names = Object.keys(attributes).sort();
  if (names.length === 0) return undefined;
  const hash = createHash('md5');
  const add = (part: Buffer): void => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(part.length);
    hash.update(length).update(part);
  };
  for (const name of names) {
    const attribute = attributes[name];
    if (attribute === undefined) continue;
    add(Buffer.from(name));
    add(Buffer.from(attribute.DataType));
    hash.update(Buffer.from([isBinary(attribute) ? 2 : 1]));
    add(valueOf(attribute));
  }
  return hash.digest('hex');
}

/** Returns the requested attributes: by name, by prefix (`trace.*`), or all (`All`, `.*`, `*`). */
export function selectAttributes(attributes: MessageAttributes, wanted: readonly string[]): MessageAttributes {
  if (wanted.some((name) => name === 'All' || name === '.*' || name === '*')) return attributes;
  const prefixes = wanted.filter((name) => name.endsWith('.*')).map((name) => name.slice(0, -2));
  return Object.fromEntries(
    Object.entries(attributes).filter(
      ([name]) => wanted.includes(name) || prefixes.some((prefix) => name.startsWith(prefix)),
    ),
  );
}

const isBinary = ({ DataType }: MessageAttribute): boolean => DataType.startsWith('Binary');

const valueOf = (attribute: MessageAttribute): Buffer =>
  isBinary(attribute) ? Buffer.from(attribute.BinaryValue ?? '', 'base64') : Buffer.from(attribute.StringValue ?? '');
