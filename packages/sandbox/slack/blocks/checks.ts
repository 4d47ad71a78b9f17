import { chars, isObject } from '../delivery/arguments.ts';
import type { Fields } from '../delivery/refusal.ts';

/** Returns the errors of an object, in Slack's wording and with its JSON pointers; empty if it is valid. */
export type Check = (object: Fields, at: string) => string[];

export const PLAIN_ONLY = ['plain_text'];
export const PLAIN_OR_MRKDWN = ['plain_text', 'mrkdwn'];

/** Checks a text object. An error in its text is reported twice: for the object, and for the text. */
export function textObject(object: unknown, at: string, max: number, types: readonly string[]): string[] {
  if (!isObject(object)) return [withPointer('must provide an object', at)];
  if (!types.includes(String(object['type']))) {
    return [
      withPointer('failed to match all allowed schemas', at),
      withPointer('must be a valid enum value', `${at}/type`),
    ];
  }
  if (typeof object['text'] !== 'string') return [withPointer('must provide a string', `${at}/text`)];
  const problems = requiredText(object['text'], max, `${at}/text`);
  return problems.length > 0 ? [withPointer('failed to match all allowed schemas', at), ...problems] : [];
}

/** Checks an optional text object. */
export const optionalPlainText = (object: unknown, at: string, max: number): string[] =>
  object === undefined ? [] : textObject(object, at, max, PLAIN_ONLY);

/** @param items `undefined` if the list is optional */
export function listProblems(
  items: unknown,
  max: number,
  at: string,
  check: (item: unknown, at: string) => string[],
): string[] {
  if (items === undefined) return [];
  if (!Array.isArray(items)) return [withPointer('must provide an array', at)];
  if (items.length === 0) return [withPointer('no less than 1 items allowed', at)];
  return [...atMost(items, max, at), ...items.flatMap((item: unknown, i) => check(item, `${at}/${i}`))];
}

/** Checks a required text. */
export function requiredText(value: unknown, max: number, at: string): string[] {
  if (typeof value !== 'string') return [withPointer('must provide a string', at)];
  return value === '' ? [withPointer('must be more than 0 characters', at)] : optionalText(value, max, at);
}

/** Checks an optional text. */
export function optionalText(value: unknown, max: number, at: string): string[] {
  if (value === undefined) return [];
  if (typeof value !== 'string') return [withPointer('must provide a string', at)];
  return chars(value) > max ? [withPointer(`must be less than ${max + 1} characters`, at)] : [];
}

/** Checks an optional whole number. */
export function optionalInteger(value: unknown, min: number, max: number, at: string): string[] {
  if (value === undefined) return [];
  const isGood = typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
  return isGood ? [] : [withPointer(`must be a whole number from ${min} to ${max}`, at)];
}

/** Checks that IDs are unique. @param what `block_id` or `action_id` */
export function unique(ids: readonly unknown[], what: string, at: (index: number) => string): string[] {
  return ids.flatMap((id, i) =>
    typeof id === 'string' && ids.indexOf(id) < i ? [withPointer(`\`${what}\` already exists: ${id}`, at(i))] : [],
  );
}

export const atMost = (items: readonly unknown[], max: number, at: string): string[] =>
  items.length > max ? [withPointer(`no more than ${max} items allowed`, at)] : [];

export const withPointer = (problem: string, at: string): string => `${problem} [json-pointer:${at}]`;
