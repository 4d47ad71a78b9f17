import { defineRule } from '@oxlint/plugins';

/** @import { ESTree } from '@oxlint/plugins' */

const MESSAGE =
  'AWS clients have no time-outs by default: create them with awsClient in platforms/aws/client.ts or, for a rollback target, with cachedByAccess in vendors/aws/access.ts';

/**
 * Returns whether the client is created in `cachedByAccess((settings) => new …Client(settings))`, whose settings have time-outs.
 *
 * @param {ESTree.NewExpression} node
 */
const isKeptBy = ({ parent, arguments: [settings, ...others] }) =>
  parent.type === 'ArrowFunctionExpression' &&
  parent.parent.type === 'CallExpression' &&
  parent.parent.callee.type === 'Identifier' &&
  parent.parent.callee.name === 'cachedByAccess' &&
  settings?.type === 'Identifier' &&
  others.length === 0;

/** Forbids `new …Client(` of an AWS SDK, also through a namespace: by default, clients wait forever. */
export const awsClientLimits = defineRule({
  create(context) {
    /** @type {Set<string>} */
    const classes = new Set();
    /** @type {Set<string>} */
    const namespaces = new Set();
    return {
      ImportDeclaration(node) {
        if (!node.source.value.startsWith('@aws-sdk/')) return;
        for (const specifier of node.specifiers) {
          if (specifier.type === 'ImportNamespaceSpecifier') namespaces.add(specifier.local.name);
          else if (specifier.type === 'ImportSpecifier' && specifier.imported.type === 'Identifier') {
            if (specifier.imported.name.endsWith('Client')) classes.add(specifier.local.name);
          }
        }
      },
      NewExpression(node) {
        const { callee } = node;
        const isClass = callee.type === 'Identifier' && classes.has(callee.name);
        const isOfNamespace =
          callee.type === 'MemberExpression' &&
          callee.object.type === 'Identifier' &&
          namespaces.has(callee.object.name) &&
          callee.property.type === 'Identifier' &&
          callee.property.name.endsWith('Client');
        if ((isClass || isOfNamespace) && !isKeptBy(node)) context.report({ node, message: MESSAGE });
      },
    };
  },
});
