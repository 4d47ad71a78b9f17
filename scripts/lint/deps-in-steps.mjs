import { defineRule } from '@oxlint/plugins';
import { handedTo, isCallback, methodCall, RECORDED } from './durable.mjs';

/** @import { Context, ESTree } from '@oxlint/plugins' */

/**
 * Returns the names of parameters that receive a run: those of type `Run`, and the first one of a branch callback.
 *
 * @param {Context} context
 * @param {ESTree.Node} callback
 * @returns {string[]}
 */
function runsOf(context, callback) {
  if (!('params' in callback) || !Array.isArray(callback.params)) return [];
  const parameters = /** @type {ESTree.Node[]} */ (callback.params);
  const ofBranch = isCallback(callback) && handedTo(callback)?.operation === 'childContext';
  return parameters.flatMap((parameter, index) => {
    if (parameter.type === 'ObjectPattern') return keysOf(parameter).filter((key) => key === 'run');
    if (parameter.type !== 'Identifier') return [];
    const isRun = parameter.name === 'run' || /\b(Run|DurableContext)\b/.test(typeOf(context, parameter));
    return isRun || (ofBranch && index === 0) ? [parameter.name] : [];
  });
}

/**
 * @param {Extract<ESTree.Node, { type: 'ObjectPattern' }>} pattern
 * @returns {string[]}
 */
const keysOf = ({ properties }) =>
  properties.flatMap((property) =>
    property.type === 'Property' && property.key.type === 'Identifier' ? [property.key.name] : [],
  );

/**
 * Returns the type annotation of a parameter; empty if it has none.
 *
 * @param {Context} context
 * @param {ESTree.Node} parameter
 */
const typeOf = (context, parameter) =>
  'typeAnnotation' in parameter && parameter.typeAnnotation ? context.sourceCode.getText(parameter.typeAnnotation) : '';

/**
 * Returns the runs with which code at `node` could create operations. Empty inside a step, and in a function without a run
 * parameter, because steps call such functions.
 *
 * @param {Context} context
 * @param {ESTree.Node} node
 * @returns {string[]}
 */
function runsAround(context, node) {
  /** @type {string[]} */ const runs = [];
  for (let at = /** @type {ESTree.Node | null} */ (node); at; at = at.parent) {
    const handed = isCallback(at) ? handedTo(at) : undefined;
    if (handed && RECORDED.has(handed.operation)) return [];
    runs.push(...runsOf(context, at));
  }
  return runs;
}

/**
 * Returns whether an argument is one of the runs, also with other log fields: `run.withLogFields({ … })`.
 *
 * @param {ESTree.Node} argument
 * @param {string[]} runs
 * @returns {boolean}
 */
function isRunArgument(argument, runs) {
  if (argument.type === 'Identifier') return runs.includes(argument.name);
  const call = methodCall(argument);
  return call?.operation === 'withLogFields' && call.owner !== undefined && runs.includes(call.owner);
}

/**
 * Returns whether a constructor keeps the ports, whose uses are checked like those of a parameter.
 *
 * @param {ESTree.Node} use
 */
const isKept = ({ parent }) =>
  parent?.type === 'AssignmentExpression' &&
  parent.left.type === 'MemberExpression' &&
  'name' in parent.left.property &&
  parent.left.property.name === 'deps';

/**
 * Ports are not deterministic. Code with a run must call them inside `step` or `effect`, whose results are recorded.
 * Passing `deps` on together with the run is allowed: the rule also checks the callee.
 */
export const depsInSteps = defineRule({
  create(context) {
    /** @param {ESTree.Node} use an expression that refers to the ports */
    const check = (use) => {
      const runs = runsAround(context, use);
      if (runs.length === 0) return;
      const { parent } = use;
      if (isKept(use)) return;
      const isCall = parent?.type === 'CallExpression' || parent?.type === 'NewExpression';
      const beside = isCall && parent.callee !== use ? parent.arguments : [];
      if (beside.some((argument) => isRunArgument(argument, runs))) return;
      const message = 'deps is used outside a step: call ports only in the function given to run.step or run.effect';
      context.report({ node: use, message });
    };
    /** @param {ESTree.ArrowFunctionExpression | ESTree.Function} declaration */
    const checkParameters = (declaration) => {
      for (const parameter of declaration.params) {
        const named = parameter.type === 'Identifier' && parameter.name === 'deps';
        if (named || !/\bDeps\b/.test(typeOf(context, parameter))) continue;
        if (runsAround(context, declaration).length === 0) continue;
        const message =
          'a function with a run must take the ports as one parameter named deps, because uses are checked by name';
        context.report({ node: parameter, message });
      }
      for (const variable of context.sourceCode.getDeclaredVariables(declaration)) {
        if (variable.name !== 'deps') continue;
        for (const { identifier } of variable.references) check(identifier);
      }
    };
    return {
      FunctionDeclaration: checkParameters,
      FunctionExpression: checkParameters,
      ArrowFunctionExpression: checkParameters,
      MemberExpression(node) {
        const { property, parent } = node;
        if (parent?.type === 'AssignmentExpression' && parent.left === node) return;
        if ('name' in property && property.name === 'deps') check(node);
      },
    };
  },
});
