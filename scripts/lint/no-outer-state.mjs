import { defineRule } from '@oxlint/plugins';
import { enclosing, isOwn, RECORDED } from './durable.mjs';

/** @import { ESTree } from '@oxlint/plugins' */

/**
 * Forbids shared mutable state with steps and branches. A replay does not run a step again, so its assignments to outer
 * variables would be lost: a step must return its result. A step can also run late, after a retry: it must not read a
 * variable that changes, but a `const`.
 */
export const noOuterState = defineRule({
  create(context) {
    /** @param {ESTree.Node} target the left side of an assignment */
    const checkWrite = (target) => {
      const inside = enclosing(target).find(({ operation }) => RECORDED.has(operation));
      if (!inside) return;
      for (const id of assigned(target)) {
        if (isOwn(context, id, inside.callback)) continue;
        const message = `${id.name} lives outside ${inside.operation}(…), which a replay does not run again: return the value instead`;
        context.report({ node: id, message });
      }
    };
    /** @param {ESTree.VariableDeclaration} declaration */
    const checkReads = (declaration) => {
      for (const variable of context.sourceCode.getDeclaredVariables(declaration)) {
        const changes = variable.references.filter((reference) => reference.isWrite() && !reference.init);
        if (changes.every(({ identifier }) => isStepOfLoop(declaration, identifier))) continue;
        for (const reference of variable.references) {
          const id = reference.identifier;
          if (!reference.isRead() || reference.isWrite() || id.type !== 'Identifier') continue;
          const inside = enclosing(id).find(({ callback }) => !isOwn(context, id, callback));
          if (!inside) continue;
          const message = `${id.name} changes, and ${inside.operation}(…) may read it late: copy the current value to a const`;
          context.report({ node: id, message });
        }
      }
    };
    return {
      AssignmentExpression: (node) => checkWrite(node.left),
      UpdateExpression: (node) => checkWrite(node.argument),
      VariableDeclaration: (node) => {
        if (node.kind === 'let' || node.kind === 'var') checkReads(node);
      },
    };
  },
});

/**
 * Returns whether `id` is in the update of the `for` loop that `declaration` initializes: each iteration has its own
 * variable.
 *
 * @param {ESTree.VariableDeclaration} declaration
 * @param {ESTree.Node} id
 */
function isStepOfLoop(declaration, id) {
  const loop = declaration.parent;
  if (loop.type !== 'ForStatement' || loop.init !== declaration || !loop.update) return false;
  return id.range[0] >= loop.update.range[0] && id.range[1] <= loop.update.range[1];
}

/**
 * Returns the identifiers that an assignment to `target` changes: `total`, `list` for `list[0]`, both of `[first, second]`.
 *
 * @param {ESTree.Node} target
 * @returns {Extract<ESTree.Node, { type: 'Identifier' }>[]}
 */
function assigned(target) {
  // oxlint-disable-next-line switch-exhaustiveness-check -- no other node can be assigned to
  switch (target.type) {
    case 'Identifier':
      return [target];
    case 'MemberExpression':
      return assigned(target.object);
    case 'ArrayPattern':
      return target.elements.flatMap((element) => (element ? assigned(element) : []));
    case 'ObjectPattern':
      return target.properties.flatMap((property) =>
        assigned(property.type === 'Property' ? property.value : property.argument),
      );
    case 'AssignmentPattern':
      return assigned(target.left);
    case 'RestElement':
      return assigned(target.argument);
    case 'TSAsExpression':
    case 'TSNonNullExpression':
      return assigned(target.expression);
    default:
      return [];
  }
}
