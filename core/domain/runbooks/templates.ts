import { type StepKind, WITH, type With } from '../../../schemas/runbooks/parts/kinds.ts';
import { isTemplate, parseTemplate } from '../../../schemas/runbooks/parts/template.ts';
import { evaluate } from './cel/cel.ts';
import { factsOf, type ProtectedPurpose } from './kinds.ts';
import type { PlannedStep } from './plan.ts';
import type { Declarations, Json, Variables } from './variables.ts';

export type Resolved<T> = { ok: true; value: T } | { ok: false; detail: string };

/** Maximum length of an inserted value, in UTF-16 code units. */
const MAX_INSERT_CHARS = 4000;

/**
 * Replaces the `${{ … }}` templates in a step's arguments. Values are made safe for their context: values in URLs are
 * encoded, and a value in a query cannot end its string literal. Never throws.
 */
export function resolveWith<Kind extends StepKind>(
  step: Pick<PlannedStep, 'with'> & { uses: Kind },
  declared: Declarations,
  variables: Variables,
): Resolved<With<Kind>> {
  const { protectedArguments } = factsOf(step);
  const entries: [string, unknown][] = [];
  const all: [string, unknown][] = Object.entries(step.with);
  for (const [key, given] of all) {
    const purpose = Object.hasOwn(protectedArguments, key) ? protectedArguments[key] : undefined;
    // The expression is evaluated repeatedly while the step waits, not when templates are resolved.
    const resolved =
      key === 'cel'
        ? { ok: true as const, value: given }
        : resolveValue(given, purpose ?? CONTEXTS.get(key) ?? 'text', declared, variables);
    if (!resolved.ok) return { ok: false, detail: `${key}: ${resolved.detail}` };
    entries.push([key, resolved.value]);
  }
  return { ok: true, value: Object.fromEntries(entries) as With<Kind> };
}

/** Arguments that are neither protected nor text for people. */
const CONTEXTS: ReadonlyMap<string, InsertionContext> = new Map([
  ['body', 'json'],
  ['headers', 'header'],
]);

/** Resolves text for people, such as a step's name. If a template fails, the text is left as written. */
export function resolveText(text: string, declared: Declarations, variables: Variables): string {
  const resolved = resolveTemplate(text, 'text', declared, variables);
  return resolved.ok ? asText(resolved.value) : text;
}

type InsertionContext = ProtectedPurpose | 'text' | 'json' | 'header';

function resolveValue(
  given: unknown,
  context: InsertionContext,
  declared: Declarations,
  variables: Variables,
): Resolved<unknown> {
  if (typeof given === 'string' && isTemplate(given)) return resolveTemplate(given, context, declared, variables);
  if (typeof given !== 'object' || given === null) return { ok: true, value: given };
  const filled: [string, unknown][] = [];
  for (const [key, inner] of Object.entries(given)) {
    const resolved = resolveValue(inner, context, declared, variables);
    if (!resolved.ok) return resolved;
    filled.push([key, resolved.value]);
  }
  return { ok: true, value: Array.isArray(given) ? filled.map(([, value]) => value) : Object.fromEntries(filled) };
}

function resolveTemplate(
  text: string,
  context: InsertionContext,
  declared: Declarations,
  variables: Variables,
): Resolved<Json> {
  const values: Json[] = [];
  for (const part of parseTemplate(text)) {
    if (part.kind === 'text') {
      values.push(part.text);
      continue;
    }
    const evaluated = evaluate(part.expression, declared, variables);
    const safe = evaluated.ok ? safeValue(evaluated.value, context) : evaluated;
    if (!safe.ok) return { ok: false, detail: `${part.expression}: ${safe.detail}` };
    values.push(safe.value);
  }
  const [only] = values;
  return VALIDATE[context](values.length === 1 && only !== undefined ? only : values.map(asText).join(''));
}

function asText(value: Json): string {
  if (typeof value === 'string') return value.slice(0, MAX_INSERT_CHARS);
  return value === null ? '' : (JSON.stringify(value) ?? '').slice(0, MAX_INSERT_CHARS);
}

/** Makes one value safe for its context. */
function safeValue(value: Json, context: InsertionContext): Resolved<Json> {
  if (context === 'url') {
    const text = asText(value).toWellFormed();
    // As a path segment, they would refer to the parent directory, encoded or not.
    if (text === '.' || text === '..') return { ok: false, detail: `${quoted(value)} cannot be used in a URL` };
    return { ok: true, value: encodeURIComponent(text) };
  }
  if (context === 'promql' && /["'`\\\n]/.test(asText(value)))
    return { ok: false, detail: `${JSON.stringify(value)} contains quotes, which are not allowed in a query` };
  return { ok: true, value };
}

const quoted = (value: Json): string => JSON.stringify(value).slice(0, 100);

const numberValue = (value: Json): Resolved<Json> =>
  typeof value === 'number' ? { ok: true, value } : { ok: false, detail: `${quoted(value)} is not a number` };

/** Validates the complete value after insertion, by context. */
const VALIDATE: Readonly<Record<InsertionContext, (value: Json) => Resolved<Json>>> = {
  text: (value) => ({ ok: true, value: asText(value) }),
  json: (value) => ({ ok: true, value }),
  header: (value) =>
    /^[^\0\r\n]*$/.test(asText(value))
      ? { ok: true, value: asText(value) }
      : { ok: false, detail: `${quoted(value)} has more than one line, which is not allowed in a header` },
  promql: (value) => ({ ok: true, value: asText(value) }),
  number: numberValue,
  count: (value) =>
    typeof value === 'number' && Number.isInteger(value) && value >= 1
      ? { ok: true, value }
      : { ok: false, detail: `${quoted(value)} is not a whole number of instances` },
  url: (value) =>
    typeof value === 'string' && URL.canParse(value)
      ? { ok: true, value }
      : { ok: false, detail: `${quoted(value)} is not a URL` },
  flag: (value) =>
    typeof value === 'string' && /^[\w.:/-]{1,256}$/.test(value)
      ? { ok: true, value }
      : { ok: false, detail: `${quoted(value)} is not a flag name` },
  destination: (value) =>
    typeof value === 'string' && value !== ''
      ? { ok: true, value }
      : { ok: false, detail: `${quoted(value)} is not the name of a target` },
  channel: (value) => {
    const read = WITH['slack.post'].shape.channel.safeParse(value);
    return read.success && read.data !== undefined && !isTemplate(read.data)
      ? { ok: true, value: read.data }
      : { ok: false, detail: `${quoted(value)} is not a channel name` };
  },
};
