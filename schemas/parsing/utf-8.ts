/** Returns the text, or undefined if the bytes are not valid UTF-8: such a body must not be repaired silently. */
export function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Returns the fields of a form, or undefined if its bytes, or those that it escapes as `%FF`, are not valid UTF-8. */
export function utf8Form(bytes: Uint8Array): URLSearchParams | undefined {
  const text = utf8Text(bytes);
  const isUtf8 = text
    ?.match(/(?:%[0-9a-f]{2})+/gi)
    ?.every((escaped) => utf8Text(Buffer.from(escaped.replaceAll('%', ''), 'hex')) !== undefined);
  return text === undefined || isUtf8 === false ? undefined : new URLSearchParams(text);
}

/**
 * Returns the charset of a `Content-Type` in which no character is a byte of UTF-8. Undefined: there is none. Of other charsets,
 * such as ISO-8859-1, which some programs always declare, the bytes decide.
 */
export const wideCharset = (contentType: string): string | undefined =>
  /;\s*charset\s*=\s*"?(utf-?(?:16|32)[a-z]*)/i.exec(contentType)?.[1];
