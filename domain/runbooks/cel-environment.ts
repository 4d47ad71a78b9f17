import { Environment } from '@marcbachmann/cel-js';
import type { Timestamp } from '../../schemas/time.ts';
import type { InputType } from '../../schemas/runbook/inputs.ts';
import { compile as compilePattern, MAX_INPUT_CHARS } from '../../schemas/re2/pattern.ts';
import type { Declarations } from './variables.ts';

/** Far more than a condition needs; they bound what reading and running one can take. */
const LIMITS = { maxAstNodes: 200, maxDepth: 24, maxListElements: 50, maxMapEntries: 50, maxCallArguments: 8 };

/** What `matches` is called inside; see `renameMatches`. */
export const MATCHES = 'matchesRe2';

const TIME = 'google.protobuf.Timestamp';

const TYPES: Readonly<Record<InputType, string>> = {
  string: 'string',
  integer: 'int',
  number: 'double',
  boolean: 'bool',
};

/** What every runbook has. `suspect` and `decision` can be null, which CEL's types have no word for. */
const base = new Environment({ limits: LIMITS })
  .registerVariable('incident', {
    schema: {
      id: 'string',
      service: 'string',
      environment: 'string',
      severity: 'string',
      title: 'string',
      status: 'string',
      firing: 'int',
      opened_at: TIME,
    },
  })
  .registerVariable('labels', 'map<string, string>')
  .registerVariable('annotations', 'map<string, string>')
  .registerVariable('service', { schema: { team: 'string', tier: 'int' } })
  .registerVariable('suspect', 'dyn')
  .registerVariable('decision', 'dyn')
  .registerFunction(`string.${MATCHES}(string): bool`, (text: string, pattern: string) => partOf(pattern)(text), {
    async: false,
  });

/** Environments take a moment to build, and a runbook's expressions are asked again and again. */
const known = new Map<string, Environment>();
const MAX_KNOWN = 200;

/** The variables of one runbook: those that all have, its inputs, and its steps. */
export function environmentOf(declared: Declarations): Environment {
  const key = JSON.stringify([declared.inputs, declared.steps]);
  const found = known.get(key);
  if (found !== undefined) return found;
  if (known.size >= MAX_KNOWN) known.clear();
  const environment = base
    .clone()
    .registerVariable('inputs', {
      schema: Object.fromEntries(Object.entries(declared.inputs).map(([name, type]) => [name, TYPES[type]])),
    })
    .registerVariable('steps', {
      schema: Object.fromEntries(declared.steps.map((id) => [id, { status: 'string', output: 'dyn' }])),
    });
  known.set(key, environment);
  return environment;
}

const readTime = new Environment().registerVariable('at', 'string').parse('timestamp(at)');

/** As CEL has it. */
export const timeOf = (at: Timestamp): unknown => readTime({ at });

/**
 * Whether a part of a text matches, as CEL wants it, in a time that is bounded by the lengths of both.
 * @throws PatternError for what Go would refuse
 */
export function partOf(pattern: string): (text: string) => boolean {
  const test = compilePattern(`(?s:.*)(?:${pattern})(?s:.*)`);
  return (text) => test(text.slice(0, MAX_INPUT_CHARS));
}
