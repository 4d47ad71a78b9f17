/// <reference path="./.sst/platform/config.d.ts" />

/** Deploys to AWS the same system that `npm start` runs on one machine. For instructions, see docs/how-to/aws.md */
export default $config({
  app: ({ stage }) => ({
    name: 'firebreak',
    home: 'aws',
    removal: stage === 'production' ? 'retain' : 'remove',
    protect: stage === 'production',
  }),
  async run() {
    const { createSystem } = await import('./platforms/aws/infra/system.ts');
    return createSystem();
  },
});
