import { Environment } from '@marcbachmann/cel-js';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import type { InputType } from '../../../../schemas/runbooks/parts/inputs.ts';
import { compile as compilePattern, MAX_INPUT_CHARS } from '../../../../schemas/parsing/re2/pattern.ts';
import type { Declarations } from '../variables.ts';

/** Limits far above what a condition needs; they bound the time to parse and evaluate it. */
const LIMITS = { maxAstNodes: 200, maxDepth: 24, maxListElements: 50, maxMapEntries: 50, maxCallArguments: 8 };

/** Internal name of `matches`; see `renameMatches`. */
export const MATCHES = 'matchesRe2';

const TIME = 'google.protobuf.Timestamp';

const TYPES: Readonly<Record<InputType, string>> = {
  string: 'string',
  integer: 'int',
  number: 'double',
  boolean: 'bool',
};

/**
 * Variables that are available in every runbook. `suspect` and `decision` can be null, which CEL's static types cannot
 * express.
 */
const base = new Environment({ limits: LIMITS })
  .registerVariable('incident', {
    schema: {
      id: 'string',
      name: 'string',
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
  .registerFunction(
    `string.${MATCHES}(string): bool`,
    (text: string, pattern: string) => partialMatcher(pattern)(text),
    {
      async: false,
    },
  );

/** Cache of environments, which are expensive to build and used repeatedly. */
const environments = new Map<string, Environment>();
const MAX_ENVIRONMENTS = 200;

/** Returns the environment of a runbook: the common variables, its inputs, and its steps. */
export function environmentOf(declared: Declarations): Environment {
  const key = JSON.stringify([declared.inputs, declared.steps]);
  const found = environments.get(key);
  if (found !== undefined) return found;
  if (environments.size >= MAX_ENVIRONMENTS) environments.clear();
  const environment = base
    .clone()
    .registerVariable('inputs', {
      schema: Object.fromEntries(Object.entries(declared.inputs).map(([name, type]) => [name, TYPES[type]])),
    })
    .registerVariable('steps', {
      schema: Object.fromEntries(declared.steps.map((id) => [id, { status: 'string', output: 'dyn' }])),
    });
  environments.set(key, environment);
  return environment;
}

const parseTimestamp = new Environment().registerVariable('at', 'string').parse('timestamp(at)');

/** Converts a timestamp to its CEL value. */
export const celTimestamp = (at: Timestamp): unknown => parseTimestamp({ at });

/**
 * Returns a test for whether a part of a text matches, as CEL specifies, in time bounded by the lengths of pattern and
 * text.
 * @throws PatternError for patterns that Go rejects
 */
export function partialMatcher(pattern: string): (text: string) => boolean {
  const test = compilePattern(`(?s:.*)(?:${pattern})(?s:.*)`);
  return (text) => test(text.slice(0, MAX_INPUT_CHARS));
}
