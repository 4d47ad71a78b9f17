import { defineRule } from '@oxlint/plugins';

const MESSAGE =
  'settings are read where a program starts (functions/assembly/aws.ts, functions/assembly/slack-aws.ts, entrances/cli/main.ts, local/run.ts), by the table in ' +
  'schemas/config/variables.ts, and passed in as arguments';

/** @param {string} specifier */
const isProcessModule = (specifier) => specifier === 'node:process' || specifier === 'process';

/** Forbids reading the environment outside entry points, so that code behaves the same everywhere. */
export const noEnvironment = defineRule({
  create: (context) => ({
    MemberExpression(node) {
      if (node.object.type !== 'Identifier' || node.object.name !== 'process') return;
      const name =
        node.property.type === 'Literal' ? node.property.value : 'name' in node.property && node.property.name;
      if (name === 'env') context.report({ node, message: MESSAGE });
    },
    VariableDeclarator(node) {
      if (node.id.type !== 'ObjectPattern' || node.init?.type !== 'Identifier' || node.init.name !== 'process') return;
      const env = node.id.properties.find(
        (property) => property.type === 'Property' && property.key.type === 'Identifier' && property.key.name === 'env',
      );
      if (env) context.report({ node: env, message: MESSAGE });
    },
    ImportDeclaration(node) {
      if (!isProcessModule(node.source.value)) return;
      for (const specifier of node.specifiers) {
        if (specifier.type !== 'ImportSpecifier' || specifier.imported.type !== 'Identifier') continue;
        if (specifier.imported.name === 'env') context.report({ node: specifier, message: MESSAGE });
      }
    },
  }),
});
