import type { MiddlewareHandler } from 'hono';

/**
 * C0 except tab and line breaks, DEL, C1, line and paragraph separators, and bidirectional controls, which change the order
 * in which a browser shows the text around them.
 */
const NOT_VISIBLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u2028\u2029\p{Bidi_Control}]/gu;

/**
 * Replaces control characters in pages and their updates with U+FFFD: texts of alerts, labels, and names come from
 * untrusted sources, and the question that a person approves must read as it is.
 */
export const visibleText = (): MiddlewareHandler => async (c, next) => {
  await next();
  if (!/^text\/(html|event-stream)\b/.test(c.res.headers.get('content-type') ?? '')) return;
  const text = await c.res.text();
  c.res = new Response(text.replaceAll(NOT_VISIBLE, '\uFFFD'), c.res);
};
