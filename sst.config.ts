/// <reference path="./.sst/platform/config.d.ts" />

/** Deploys to AWS the same system that `npm start` runs on one machine. For instructions, see docs/how-to/aws.md */
export default $config({
  async app({ stage }) {
    const { PRODUCTION, readStage } = await import('./platforms/aws/infra/stage.ts');
    const { account, region, tags } = readStage(stage);
    return {
      name: 'firebreak',
      home: 'aws',
      removal: stage === PRODUCTION ? 'retain' : 'remove',
      protect: stage === PRODUCTION,
      providers: {
        aws: {
          ...(region && { region }),
          ...(account && { allowedAccountIds: [account] }), // other credentials are refused
          defaultTags: { tags },
        },
      },
    };
  },
  async run() {
    const { createSystem } = await import('./platforms/aws/infra/system.ts');
    return createSystem();
  },
});
