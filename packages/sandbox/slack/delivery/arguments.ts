import { errorDetails, Refused, type Fields } from './refusal.ts';

/**
 * Reads a call's arguments from the query and from the body, which is a form or JSON.
 *
 * In a form, values that are not text are encoded as JSON; both forms are read alike. The token is accepted only in its
 * header. Slack also accepts it in a form, but the journal would show it there.
 *
 * @see https://docs.slack.dev/apis/web-api (read 2026-11)
 * @throws Refused if the body can't be parsed
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

/** Returns a text argument. Treats `null` as absent. */
export function text(args: Fields, name: string): string | undefined {
  const value = args[name];
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

/** @throws Refused `invalid_arguments` if it is absent or empty */
export function required(args: Fields, name: string): string {
  const value = text(args, name);
  if (value) return value;
  const errors = [`missing required field: ${name}`];
  throw new Refused('invalid_arguments', errorDetails(errors));
}

export const flag = (args: Fields, name: string): boolean => ['true', '1'].includes(text(args, name) ?? '');

/**
 * Returns the maximum items per page.
 *
 * @throws Refused `invalid_limit` if it is not a whole number, or less than 1
 */
export function pageSize(args: Fields, absent: number): number {
  const given = text(args, 'limit') ?? '';
  if (given === '' || given === '0') return absent;
  if (!/^\d{1,9}$/.test(given)) throw new Refused('invalid_limit');
  return Number(given);
}

/**
 * Returns a structured argument, as a value or as JSON in a text; `undefined` if it is absent or empty.
 *
 * @throws Refused with `code` if it is not valid JSON
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

/** Counts characters as Slack does: an emoji is one. */
export const chars = (value: string): number => [...value].length;
