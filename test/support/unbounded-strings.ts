import type * as z from 'zod';

type Definition = {
  type: string;
  pattern?: RegExp;
  checks?: { _zod: { def: { check: string; format?: string; pattern?: RegExp } } }[];
  [part: string]: unknown;
};

type Schema = z.core.$ZodType;

export const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && '_zod' in value && value._zod !== undefined;

/**
 * Returns the paths of the strings in the input of a schema whose length is not limited: neither by a maximum, nor by a
 * pattern without an open repetition. Strings of records' keys have the path `{key}`.
 */
export function unboundedStrings(schema: Schema, path = '', seen: readonly Schema[] = []): string[] {
  if (seen.includes(schema)) return [];
  const inside = (part: unknown, name: string): string[] =>
    isSchema(part) ? unboundedStrings(part, `${path}${name}`, [...seen, schema]) : [];
  const def = schema._zod.def as unknown as Definition;
  switch (def.type) {
    case 'string':
      return isBounded(def) ? [] : [path];
    case 'object':
      return [
        ...Object.entries(def['shape'] as Record<string, unknown>).flatMap(([name, part]) => inside(part, `.${name}`)),
        ...inside(def['catchall'], '.*'),
      ];
    case 'record':
      return [...inside(def['keyType'], '{key}'), ...inside(def['valueType'], '{}')];
    case 'array':
      return inside(def['element'], '[]');
    case 'tuple':
      return (def['items'] as unknown[]).flatMap((item, index) => inside(item, `[${index}]`));
    case 'union':
      return (def['options'] as unknown[]).flatMap((option) => inside(option, ''));
    case 'intersection':
      return [...inside(def['left'], ''), ...inside(def['right'], '')];
    case 'pipe':
      return inside(isTransform(def['in']) ? def['out'] : def['in'], '');
    case 'lazy':
      return inside((def['getter'] as () => unknown)(), '');
    default:
      return inside(def['innerType'], '');
  }
}

const isTransform = (part: unknown): boolean => isSchema(part) && part._zod.def.type === 'transform';

/** Returns whether a check limits the length: a maximum, or a pattern without an open repetition. */
const isBounded = ({ checks = [], pattern }: Definition): boolean =>
  isFinitePattern(pattern) ||
  checks.some(({ _zod: { def } }) => {
    if (def.check === 'max_length' || def.check === 'length_equals') return true;
    return isFinitePattern(def.pattern);
  });

const isFinitePattern = (pattern: unknown): boolean =>
  pattern instanceof RegExp && !/[*+]|\{\d+,\}/.test(pattern.source.replaceAll(/\\.|\[[^\]]*\]/g, 'x'));
