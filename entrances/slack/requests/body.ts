import { utf8Form, utf8Text } from '../../../schemas/parsing/utf-8.ts';
import type { Received } from './http.ts';

/** A parsed value, or the reason for the failure. */
export type ParseResult<T> = { ok: true; value: T } | { ok: false; status: 400 | 415; because: string };

const unreadable = (because: string, status: 400 | 415 = 400): { ok: false; status: 400 | 415; because: string } => ({
  ok: false,
  status,
  because,
});

const isOfType = ({ headers }: Pick<Received, 'headers'>, type: string): boolean =>
  (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() === type;

/** Parses a form. Repeated fields are refused, because they are ambiguous and Slack sends none. */
export function formIn(received: Received): ParseResult<Record<string, string>> {
  const type = 'application/x-www-form-urlencoded';
  if (!isOfType(received, type)) return unreadable(`the Content-Type must be ${type}`, 415);
  const form = utf8Form(received.body);
  if (form === undefined) return unreadable('the form is not valid UTF-8');
  const fields = [...form];
  const repeated = fields.find(([name], index) => fields.findIndex(([other]) => other === name) !== index);
  if (repeated !== undefined) return unreadable(`the field "${repeated[0].slice(0, 64)}" occurs more than once`);
  return { ok: true, value: Object.fromEntries(fields) };
}

export function jsonIn(received: Received): ParseResult<unknown> {
  if (!isOfType(received, 'application/json')) return unreadable('the Content-Type must be application/json', 415);
  const text = utf8Text(received.body);
  return text === undefined ? unreadable('the body is not valid UTF-8') : parseJson(text);
}

export function parseJson(text: string): ParseResult<unknown> {
  try {
    return { ok: true, value: JSON.parse(text) as unknown };
  } catch {
    return unreadable('not valid JSON');
  }
}
