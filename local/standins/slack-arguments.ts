import { complaints, Refused, type Fields } from './slack-refusal.ts';

/**
 * A call's arguments: those of the query, and those of the body, which is a form or JSON.
 *
 * In a form every value is text, and what is more than text is JSON in it; both are read alike. The token is taken from
 * its header only: Slack reads it in a form, too, where the journal would show it.
 *
 * @see https://docs.slack.dev/apis/web-api (read 2026-11)
 * @throws Refused when the body cannot be read
 */
export async function readArguments(request: Request): Promise<Fields> {
  const query = Object.fromEntries(new URL(request.url).searchParams);
  const body = await request.text();
  if (body === '') return query;

  const type = (request.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase();
  if (type === 'application/x-www-form-urlencoded') {
    return { ...query, ...Object.fromEntries(new URLSearchParams(body)) };
  }
  if (type === 'application/json') return { ...query, ...jsonObject(body) };
  throw new Refused(type === '' ? 'missing_post_type' : 'invalid_post_type');
}

function jsonObject(body: string): Fields {
  const json = parse(body, 'invalid_json');
  if (!isObject(json)) throw new Refused('json_not_object');
  return json;
}

/** Absent and `null` are the same. */
export function text(args: Fields, name: string): string | undefined {
  const value = args[name];
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

/** @throws Refused `invalid_arguments` when it is absent or empty */
export function required(args: Fields, name: string): string {
  const value = text(args, name);
  if (value) return value;
  const errors = [`missing required field: ${name}`];
  throw new Refused('invalid_arguments', complaints(errors));
}

export const flag = (args: Fields, name: string): boolean => ['true', '1'].includes(text(args, name) ?? '');

/**
 * How many items a page may have.
 *
 * @throws Refused `invalid_limit` when it is no whole number, or below 1
 */
export function pageSize(args: Fields, absent: number): number {
  const given = text(args, 'limit') ?? '';
  if (given === '' || given === '0') return absent;
  if (!/^\d{1,9}$/.test(given)) throw new Refused('invalid_limit');
  return Number(given);
}

/**
 * An argument that is more than text, as it is or as JSON in a text; `undefined` when it is absent or empty.
 *
 * @throws Refused with `code` when it is no JSON
 */
export function structured(args: Fields, name: string, code: string): unknown {
  const value = args[name] ?? undefined;
  if (typeof value !== 'string') return value;
  return value === '' ? undefined : parse(value, code);
}

function parse(json: string, code: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new Refused(code);
  }
}

export const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** As Slack counts: an emoji is one. */
export const chars = (value: string): number => [...value].length;
