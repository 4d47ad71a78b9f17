/** Deploys to AWS the same system that `npm start` runs on one machine. For instructions, see docs/how-to/aws.md */
export default $config({
  async app({ stage }) {
    const { PRODUCTION, readStage } = await import('./platforms/aws/infra/stage.ts');
    const { inputProblemText } = await import('./schemas/parsing/input-problems.ts');
    const { account, region, tags } = readStage(stage, process.env, inputProblemText);
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
    const { readStage } = await import('./platforms/aws/infra/stage.ts');
    const { createSystem } = await import('./platforms/aws/infra/system.ts');
    const { DEPLOYMENT } = await import('./functions/assembly/deployment.ts');
    const { inputProblemText } = await import('./schemas/parsing/input-problems.ts');
    return createSystem(readStage($app.stage, process.env, inputProblemText), DEPLOYMENT);
  },
});
