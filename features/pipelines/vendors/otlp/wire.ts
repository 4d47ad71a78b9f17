/**
 * A field of a protobuf message. `value`: a number for varints, a view for fixed 32 and 64 bits, bytes for texts and nested
 * messages.
 */
export type Field = { number: number; value: number | DataView | Uint8Array };

/** Thrown for bytes that are no protobuf message. */
export class WireError extends Error {
  override readonly name = 'WireError';
}

/**
 * Yields the fields of a protobuf message, in order. Never reads beyond the message, whatever length a field claims.
 *
 * @throws WireError if the bytes end within a field, or have a group or an unknown wire type
 * @see https://protobuf.dev/programming-guides/encoding/
 */
export function* fields(message: Uint8Array): Generator<Field> {
  let offset = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = message[offset];
      if (byte === undefined) throw new WireError('the message ends within a number');
      offset += 1;
      // Not with <<, which works on 32 bits only.
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new WireError('a number has more than 10 bytes');
  };
  const bytes = (length: number): Uint8Array => {
    if (length > message.length - offset) throw new WireError(`a field of ${length} bytes exceeds its message`);
    offset += length;
    return message.subarray(offset - length, offset);
  };
  const view = (length: number): DataView => {
    const { buffer, byteOffset } = bytes(length);
    return new DataView(buffer, byteOffset, length);
  };
  while (offset < message.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    const type = tag % 8;
    if (type === 0) yield { number, value: varint() };
    else if (type === 1) yield { number, value: view(8) };
    else if (type === 2) yield { number, value: bytes(varint()) };
    else if (type === 5) yield { number, value: view(4) };
    else throw new WireError(`unknown wire type ${type}`);
  }
}

/** Encodes a field with a length: a text, or another message. */
export function lengthField(number: number, content: Uint8Array): Uint8Array {
  return Buffer.concat([encodedVarint(number * 8 + 2), encodedVarint(content.length), content]);
}

/** Encodes a field with a number of at least 0. */
export const numberField = (number: number, value: number): Uint8Array =>
  Buffer.concat([encodedVarint(number * 8), encodedVarint(value)]);

function encodedVarint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Uint8Array.from([...bytes, rest]);
    bytes.push((rest % 128) + 128);
  }
}
