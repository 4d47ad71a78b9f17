/** What the rules for workflows/ share: where code stands between the operations of the durable engine. */

/** @import { Context, ESTree } from '@oxlint/plugins' */

/** @typedef {ESTree.ArrowFunctionExpression | ESTree.Function} Callback */
/** A function handed to an operation, e.g. to `run.step(…)`; `owner` is the `run`. */
/** @typedef {{ callback: Callback, operation: string, owner: string | undefined }} Inside */

/** What runs outside the replay: its answer is recorded, it is not run again. */
export const RECORDED = new Set(['step', 'effect']);

/** What the engine numbers by its position. */
export const OPERATIONS = new Set([
  ...RECORDED,
  'bell',
  'branch',
  'callback',
  'createCallback',
  'invoke',
  'map',
  'parallel',
  'rung',
  'runInChildContext',
  'sleep',
  'wait',
  'waitFor',
  'waitForCallback',
  'waitForCondition',
  'waitUntil',
]);

/** Of these only the engine has methods; the names of the others are common. */
export const UNMISTAKABLE = new Set([
  'bell',
  'branch',
  'createCallback',
  'effect',
  'runInChildContext',
  'rung',
  'step',
  'waitForCallback',
]);

/** Wrappers between a function and the call that it is handed to: `effect('page', { act: async (key) => … })`. */
const WRAPPERS = new Set([
  'ArrayExpression',
  'ConditionalExpression',
  'ObjectExpression',
  'Property',
  'TSAsExpression',
  'TSSatisfiesExpression',
]);

/**
 * @param {ESTree.Node} call
 * @returns {{ operation: string, owner: string | undefined } | undefined} of `run.step(…)`: `step` and `run`
 */
export function methodCall(call) {
  if (call.type !== 'CallExpression' || call.callee.type !== 'MemberExpression') return undefined;
  const { object, property } = call.callee;
  if (property.type !== 'Identifier') return undefined;
  return { operation: property.name, owner: object.type === 'Identifier' ? object.name : undefined };
}

/**
 * @param {ESTree.Node} node
 * @returns {node is Callback}
 */
export const isCallback = (node) => node.type === 'ArrowFunctionExpression' || node.type === 'FunctionExpression';

/**
 * The operation that a function is handed to, e.g. `step` of `run` for the one in `run.step('x', () => …)`.
 *
 * @param {Callback} callback
 * @returns {Inside | undefined}
 */
export function handedTo(callback) {
  let holder = /** @type {ESTree.Node | null} */ (callback.parent);
  while (holder && WRAPPERS.has(holder.type)) holder = holder.parent;
  const call = holder && methodCall(holder);
  return call && (RECORDED.has(call.operation) || call.operation === 'branch') ? { callback, ...call } : undefined;
}

/**
 * The operations whose callbacks `node` stands in, the innermost first.
 *
 * @param {ESTree.Node} node
 * @returns {Inside[]}
 */
export function enclosing(node) {
  /** @type {Inside[]} */ const found = [];
  for (let at = /** @type {ESTree.Node | null} */ (node); at; at = at.parent) {
    const handed = isCallback(at) ? handedTo(at) : undefined;
    if (handed) found.push(handed);
  }
  return found;
}

/**
 * The variable that `id` stands for.
 *
 * @param {Context} context
 * @param {Extract<ESTree.Node, { type: 'Identifier' }>} id
 */
function variableOf(context, id) {
  for (let scope = context.sourceCode.getScope(id); scope; scope = /** @type {typeof scope} */ (scope.upper)) {
    const variable = scope.set.get(id.name);
    if (variable) return variable;
  }
  return undefined;
}

/**
 * Whether `id` is declared inside `callback` (its parameters included).
 *
 * @param {Context} context
 * @param {Extract<ESTree.Node, { type: 'Identifier' }>} id
 * @param {Callback} callback
 */
export function isOwn(context, id, callback) {
  const declared = variableOf(context, id)?.defs[0]?.name;
  return declared !== undefined && declared.range[0] >= callback.range[0] && declared.range[1] <= callback.range[1];
}
