/**
 * Returns an email as a mail client shows it.
 *
 * @param raw message with one plain-text part
 */
export function emailPage(raw: string): string {
  const at = raw.indexOf('\r\n\r\n');
  const head = raw.slice(0, at).replaceAll(/\r\n[ \t]+/g, ' ');
  const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'im').exec(head)?.[1] ?? '';
  const body = decoded(raw.slice(at + 4), field('content-transfer-encoding').toLowerCase());
  return `<!doctype html><html lang="en"><meta charset="utf-8"><style>
    body { margin: 0; background: #fff; color: #1d1c1d; font: 14px/1.5 system-ui, 'DejaVu Sans', sans-serif }
    header { padding: 14px 20px; border-bottom: 1px solid #ddd }
    h1 { margin: 0 0 4px; font-size: 17px; line-height: 1.35 }
    p { margin: 0; color: #616061; font-size: 13px }
    pre { margin: 0; padding: 16px 20px 20px; font: 13px/1.5 'DejaVu Sans Mono', monospace; white-space: pre-wrap }
  </style><main><header><h1>${escaped(field('subject'))}</h1><p>from ${escaped(field('from'))}</p></header>
  <pre>${escaped(body.trimEnd())}</pre></main></html>`;
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

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
