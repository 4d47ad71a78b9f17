/** Shared by the rules for workflows/: the position of code relative to operations of the durable engine. */

/** @import { Context, ESTree } from '@oxlint/plugins' */

/** @typedef {ESTree.ArrowFunctionExpression | ESTree.Function} Callback */
/** A function passed to an operation, e.g. to `run.step(…)`; `owner` is the `run`. */
/** @typedef {{ callback: Callback, operation: string, owner: string | undefined }} Inside */

/** Operations whose result is recorded and which a replay does not run again. */
export const RECORDED = new Set(['step', 'effect']);

/** Operations that the engine identifies by their position. */
export const OPERATIONS = new Set([
  ...RECORDED,
  'callback',
  'childContext',
  'createCallback',
  'invoke',
  'map',
  'parallel',
  'settled',
  'runInChildContext',
  'sleep',
  'wait',
  'waitFor',
  'waitForCallback',
  'waitForCondition',
  'waitUntil',
]);

/** Operations whose names only the engine uses as methods; the other names are common. */
export const UNMISTAKABLE = new Set([
  'childContext',
  'createCallback',
  'effect',
  'runInChildContext',
  'settled',
  'step',
  'waitForCallback',
]);

/** Nodes between a function and the call that it is passed to: `effect('page', { act: async (key) => … })`. */
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
 * @returns {{ operation: string, owner: string | undefined } | undefined} `step` and `run` for `run.step(…)`
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
 * Returns the operation that a function is passed to, e.g. `step` of `run` in `run.step('x', () => …)`.
 *
 * @param {Callback} callback
 * @returns {Inside | undefined}
 */
export function handedTo(callback) {
  let holder = /** @type {ESTree.Node | null} */ (callback.parent);
  while (holder && WRAPPERS.has(holder.type)) holder = holder.parent;
  const call = holder && methodCall(holder);
  return call && (RECORDED.has(call.operation) || call.operation === 'childContext')
    ? { callback, ...call }
    : undefined;
}

/**
 * Returns the operations whose callbacks contain `node`, the innermost first.
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
 * Returns the variable that `id` refers to.
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
 * Returns whether `id` is declared inside `callback`, including its parameters.
 *
 * @param {Context} context
 * @param {Extract<ESTree.Node, { type: 'Identifier' }>} id
 * @param {Callback} callback
 */
export function isOwn(context, id, callback) {
  const declared = variableOf(context, id)?.defs[0]?.name;
  return declared !== undefined && declared.range[0] >= callback.range[0] && declared.range[1] <= callback.range[1];
}
