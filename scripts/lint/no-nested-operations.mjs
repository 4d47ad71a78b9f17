import { defineRule } from '@oxlint/plugins';
import { enclosing, isOwn, methodCall, OPERATIONS, RECORDED, UNMISTAKABLE } from './durable.mjs';

/** @import { ESTree } from '@oxlint/plugins' */
/** @import { Inside } from './durable.mjs' */

/**
 * Forbids nested operations. The engine identifies operations by their position in their context: a replay would skip one
 * inside a step, and one of the outer context inside a branch would have a position that depends on timing.
 */
export const noNestedOperations = defineRule({
  create(context) {
    /**
     * @param {Inside[]} around
     * @param {Extract<ESTree.Node, { type: 'Identifier' }>} id
     */
    const outerOwner = (around, id) =>
      around.find(({ owner, callback }) => owner === id.name && !isOwn(context, id, callback));
    return {
      CallExpression(node) {
        const around = enclosing(node);
        const [inner] = around;
        if (!inner) return;
        const call = methodCall(node);
        const owner = node.callee.type === 'MemberExpression' ? node.callee.object : undefined;
        const ofOuter = owner?.type === 'Identifier' && outerOwner(around, owner) !== undefined;
        if (call && OPERATIONS.has(call.operation)) {
          if (RECORDED.has(inner.operation) && (ofOuter || UNMISTAKABLE.has(call.operation))) {
            const message = `${call.operation}(…) inside ${inner.operation}(…): create durable operations outside of it, or in a child context`;
            context.report({ node, message });
            return;
          }
          if (inner.operation === 'childContext' && ofOuter) {
            const message = `${call.operation}(…) of the outer ${call.owner} inside childContext(…): use the run of that child context`;
            context.report({ node, message });
            return;
          }
        }
        for (const argument of node.arguments) {
          if (argument.type !== 'Identifier' || !outerOwner(around, argument)) continue;
          const message = `${argument.name} is handed on inside ${inner.operation}(…): operations created with it would be nested`;
          context.report({ node: argument, message });
        }
      },
    };
  },
});
