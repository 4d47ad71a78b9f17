import { defineRule } from '@oxlint/plugins';

/** @import { ESTree } from '@oxlint/plugins' */

const MESSAGE =
  'a client of AWS has no time limits by itself: make it with awsClient of aws/client.ts or, for a target, with keptBy of integrations/aws/access.ts';

/**
 * `keptBy((settings) => new …Client(settings))`, where the settings hold the limits.
 *
 * @param {ESTree.NewExpression} node
 */
const isKeptBy = ({ parent, arguments: [settings, ...others] }) =>
  parent.type === 'ArrowFunctionExpression' &&
  parent.parent.type === 'CallExpression' &&
  parent.parent.callee.type === 'Identifier' &&
  parent.parent.callee.name === 'keptBy' &&
  settings?.type === 'Identifier' &&
  others.length === 0;

/** No `new …Client(` of an AWS SDK, also not through a namespace: its default is to wait for an answer forever. */
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
