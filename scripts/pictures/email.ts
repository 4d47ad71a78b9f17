/**
 * Returns the HTML of an email, as a mail client shows it.
 *
 * @param raw message with a plain-text and an HTML part
 */
export function emailPage(raw: string): string {
  const boundary = /boundary="?([^";\r\n]+)/i.exec(raw)?.[1];
  const parts = boundary === undefined ? [] : raw.split(`--${boundary}`);
  const html = parts.find((part) => /^content-type: text\/html/im.test(part.slice(0, part.indexOf('\r\n\r\n'))));
  if (html === undefined) throw new Error('the email has no HTML');
  const at = html.indexOf('\r\n\r\n');
  const encoding = /^content-transfer-encoding: (.*)$/im.exec(html.slice(0, at))?.[1] ?? '7bit';
  return decoded(html.slice(at + 4), encoding.trim().toLowerCase());
}

function decoded(body: string, encoding: string): string {
  switch (encoding) {
    case '7bit':
    case '8bit':
      return body;
    case 'base64':
      return Buffer.from(body, 'base64').toString();
    case 'quoted-printable': {
      const bytes = body
        .replaceAll(/=\r?\n/g, '')
        .replaceAll(/=([0-9A-F]{2})/g, (_, code: string) => String.fromCodePoint(Number.parseInt(code, 16)));
      return Buffer.from(bytes, 'latin1').toString();
    }
    default:
      throw new Error(`unsupported encoding "${encoding}" of an email`);
  }
}
