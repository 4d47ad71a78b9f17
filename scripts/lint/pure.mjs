import { defineRule } from '@oxlint/plugins';

/** @import { ESTree, Reference } from '@oxlint/plugins' */

const TIME = 'pass time as an argument, or get it from a step';
const RANDOM = 'pass randomness as an argument, or get it from a step';
const IO = 'use a port for I/O (core/domain/ports/)';
const TIMER = 'use the durable engine for waits';
const SETTING = 'pass settings as arguments';

/** Globals with side effects or nondeterministic results, and their replacements. */
/** @type {ReadonlyMap<string, string>} */
const IMPURE = new Map([
  ['Date', `${TIME}; calculate with schemas/time/time.ts`],
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
  ['globalThis', 'use the name of the global itself'],
  ['global', 'use the name of the global itself'],
]);

/** Nodes in which a name is only a type. */
const TYPES = new Set(['TSTypeReference', 'TSTypeQuery', 'TSQualifiedName']);

/**
 * Returns whether this use of `Date` only calculates: `Date.parse(text)`, `Date.UTC(…)`, `new Date(instant)`.
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
 * Forbids clock, randomness, timers, settings, and I/O: the same inputs must give the same result, also in a replay a week
 * later.
 *
 * Option `dates: true` permits calculations with given dates (schemas/ parses timestamps).
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
        // Globals known to the linter, and undeclared names.
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
