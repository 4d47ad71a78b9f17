import { defineRule } from '@oxlint/plugins';

/** @import { ESTree, Reference } from '@oxlint/plugins' */

const TIME = 'time comes in as an argument or out of a step';
const RANDOM = 'randomness comes in as an argument or out of a step';
const IO = 'what speaks to the outside is a port (domain/ports.ts)';
const TIMER = 'waiting is what the durable engine does';
const SETTING = 'settings come in as an argument';

/** Globals whose answer depends on when, where or how often the code runs, or that reach outside; and what to do instead. */
/** @type {ReadonlyMap<string, string>} */
const IMPURE = new Map([
  ['Date', `${TIME}; schemas/time.ts calculates with it`],
  ['performance', TIME],
  ['crypto', RANDOM],
  ['process', SETTING],
  ['navigator', SETTING],
  ['fetch', IO],
  ['WebSocket', IO],
  ['EventSource', IO],
  ['console', `${IO}: Log`],
  ['setTimeout', TIMER],
  ['setInterval', TIMER],
  ['setImmediate', TIMER],
  ['queueMicrotask', TIMER],
  ['require', 'use import'],
  ['globalThis', 'name what is meant'],
  ['global', 'name what is meant'],
]);

/** Where a name is a type, which asks nothing of anybody. */
const TYPES = new Set(['TSTypeReference', 'TSTypeQuery', 'TSQualifiedName']);

/**
 * Whether this use of `Date` only calculates: `Date.parse(text)`, `Date.UTC(…)`, `new Date(instant)`.
 *
 * @param {ESTree.Node} id
 */
function calculates(id) {
  const { parent } = id;
  if (parent?.type === 'MemberExpression' && parent.object === id && parent.property.type === 'Identifier') {
    return ['parse', 'UTC'].includes(parent.property.name);
  }
  return (
    parent?.type === 'NewExpression' && parent.arguments.length === 1 && parent.arguments[0]?.type !== 'SpreadElement'
  );
}

/**
 * No clock, randomness, timers, settings or I/O: the same inputs must give the same answer, in a replay a week later too.
 *
 * Option `dates: true` allows to calculate with dates that are given (schemas/ reads timestamps).
 */
export const pure = defineRule({
  meta: { schema: [{ type: 'object', properties: { dates: { type: 'boolean' } }, additionalProperties: false }] },
  create(context) {
    const [option] = context.options;
    const dates = typeof option === 'object' && option !== null && 'dates' in option && option.dates === true;

    /** @param {Reference} reference */
    const check = ({ identifier }) => {
      const instead = IMPURE.get(identifier.name);
      if (instead === undefined || TYPES.has(identifier.parent?.type ?? '')) return;
      if (identifier.name === 'Date' && dates && calculates(identifier)) return;
      context.report({ node: identifier, message: `not pure: ${identifier.name}; ${instead}` });
    };
    return {
      Program() {
        const { globalScope } = context.sourceCode.scopeManager;
        if (!globalScope) return;
        // Those that the linter knows as globals, and those that nothing declares.
        const known = globalScope.variables.filter((variable) => variable.defs.length === 0);
        for (const reference of [...globalScope.through, ...known.flatMap((variable) => variable.references)]) {
          check(reference);
        }
      },
      MemberExpression(node) {
        if (node.object.type !== 'Identifier' || node.object.name !== 'Math') return;
        if (node.property.type === 'Identifier' && node.property.name === 'random') {
          context.report({ node, message: `not pure: Math.random; ${RANDOM}` });
        }
      },
    };
  },
});
