import { failure } from './status.ts';
import type { Texts } from './objects.ts';

type Requirement = (labels: Texts) => boolean;

/**
 * Parses the `labelSelector` of a list: `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`, `!a`, separated by
 * commas.
 *
 * @throws HTTPException 400
 */
export function readSelector(text: string): Requirement {
  const parts = text.split(/,(?![^(]*\))/).map((part) => part.trim());
  const requirements = parts.filter((part) => part !== '').map(requirement);
  return (labels) => requirements.every((holds) => holds(labels));
}

function requirement(text: string): Requirement {
  const [, key = '', operator, list = ''] = /^([\w./-]+) +(in|notin) +\(([^)]*)\)$/.exec(text) ?? [];
  const values = list.split(',').map((value) => value.trim());
  if (operator === 'in') return (labels) => values.includes(labels[key] ?? '\0');
  if (operator === 'notin') return (labels) => !values.includes(labels[key] ?? '\0');
  const [, name = '', sign, value = ''] = /^([\w./-]+) *(==?|!=) *([\w.-]*)$/.exec(text) ?? [];
  if (sign === '!=') return (labels) => labels[name] !== value;
  if (sign !== undefined) return (labels) => labels[name] === value;
  const [, not, label = ''] = /^(!?)([\w./-]+)$/.exec(text) ?? [];
  if (label !== '') return (labels) => (not === '!') !== label in labels;
  throw failure(400, `unable to parse requirement: found '${text}', expected: in, notin, =, ==, !=, gt, lt`);
}
