import type { MiddlewareHandler } from 'hono';
import { printable } from '../../domain/messages/printable.ts';

/**
 * Returns middleware that replaces control characters in pages and their updates with U+FFFD: texts of alerts, labels, and
 * names come from untrusted sources, and could otherwise change how the question reads that a person approves.
 */
export const replaceControlCharacters = (): MiddlewareHandler => async (c, next) => {
  await next();
  if (!/^text\/(html|event-stream)\b/.test(c.res.headers.get('content-type') ?? '')) return;
  const text = await c.res.text();
  // A browser reads a carriage return as a line break.
  c.res = new Response(printable(text.replaceAll(/\r\n?/g, '\n')), c.res);
};
