import { NestingType, type BatchResult, type DurableContext } from '@aws/durable-execution-sdk-js';
import { behaves, type Case } from './cases.ts';

const one = { maxConcurrency: 1 };

const say = (text: unknown) => async () => text;
const fail = async (): Promise<unknown> => {
  throw new Error('branch failed');
};

/** Returns the properties of a batch that a workflow can read. */
const summary = (batch: BatchResult<unknown>) => ({
  because: batch.completionReason,
  status: batch.status,
  succeeded: batch.successCount,
  failed: batch.failureCount,
  total: batch.totalCount,
});

const cases: Case[] = [
  {
    follows: 'parallel 8-1',
    title: 'two branches with a step each, one at a time',
    workflow: async (_: unknown, context: DurableContext) => {
      const branches = ['page', 'roll back'].map((what) => (branch: DurableContext) => branch.step(async () => what));
      return (await context.parallel('both', branches, one)).getResults();
    },
    status: 'SUCCEEDED',
    result: ['page', 'roll back'],
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:Parallel a "both"',
      'ContextStarted:ParallelBranch b<a "parallel-branch-0"',
      'StepStarted:Step c<b',
      'StepSucceeded:Step c<b Result="page" RetryDetails.CurrentAttempt=1',
      'ContextSucceeded:ParallelBranch b<a "parallel-branch-0" Result="page"',
      'ContextStarted:ParallelBranch d<a "parallel-branch-1"',
      'StepStarted:Step e<d',
      'StepSucceeded:Step e<d Result="roll back" RetryDetails.CurrentAttempt=1',
      'ContextSucceeded:ParallelBranch d<a "parallel-branch-1" Result="roll back"',
      'ContextSucceeded:Parallel a "both" Result={"all":[{"result":"page","index":0,"status":"SUCCEEDED"},{"resul' +
        't":"roll back","index":1,"status":"SUCCEEDED"}],"completionReason":"ALL_COMPLETED"}',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=["page","roll back"]',
    ],
  },
  {
    follows: 'parallel 8-2',
    title: 'branches of an unnamed parallel',
    workflow: async (_: unknown, context: DurableContext) =>
      (await context.parallel([say('a'), say('b')], one)).getResults(),
    status: 'SUCCEEDED',
    result: ['a', 'b'],
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:Parallel a',
      'ContextStarted:ParallelBranch b<a "parallel-branch-0"',
      'ContextSucceeded:ParallelBranch b<a "parallel-branch-0" Result="a"',
      'ContextStarted:ParallelBranch c<a "parallel-branch-1"',
      'ContextSucceeded:ParallelBranch c<a "parallel-branch-1" Result="b"',
      'ContextSucceeded:Parallel a Result={"all":[{"result":"a","index":0,"status":"SUCCEEDED"},{"result":"b","in' +
        'dex":1,"status":"SUCCEEDED"}],"completionReason":"ALL_COMPLETED"}',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=["a","b"]',
    ],
  },
  {
    follows: 'parallel 8-3',
    title: 'branches with names',
    workflow: async (_: unknown, context: DurableContext) => {
      const branches = [
        { name: 'page', func: say('paged') },
        { name: 'roll-back', func: say('rolled back') },
      ];
      return (await context.parallel('both', branches, one)).getResults();
    },
    status: 'SUCCEEDED',
    result: ['paged', 'rolled back'],
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:Parallel a "both"',
      'ContextStarted:ParallelBranch b<a "page"',
      'ContextSucceeded:ParallelBranch b<a "page" Result="paged"',
      'ContextStarted:ParallelBranch c<a "roll-back"',
      'ContextSucceeded:ParallelBranch c<a "roll-back" Result="rolled back"',
      'ContextSucceeded:Parallel a "both" Result={"all":[{"result":"paged","index":0,"status":"SUCCEEDED"},{"resu' +
        'lt":"rolled back","index":1,"status":"SUCCEEDED"}],"completionReason":"ALL_COMPLETED"}',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=["paged","rolled back"]',
    ],
  },
  {
    follows: 'parallel 8-4',
    title: 'branches with results of different types',
    workflow: async (_: unknown, context: DurableContext) =>
      (await context.parallel('mixed', [say('text'), say(42), say({ k: 'v' })], one)).getResults(),
    status: 'SUCCEEDED',
    result: ['text', 42, { k: 'v' }],
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:Parallel a "mixed"',
      'ContextStarted:ParallelBranch b<a "parallel-branch-0"',
      'ContextSucceeded:ParallelBranch b<a "parallel-branch-0" Result="text"',
      'ContextStarted:ParallelBranch c<a "parallel-branch-1"',
      'ContextSucceeded:ParallelBranch c<a "parallel-branch-1" Result=42',
      'ContextStarted:ParallelBranch d<a "parallel-branch-2"',
      'ContextSucceeded:ParallelBranch d<a "parallel-branch-2" Result={"k":"v"}',
      'ContextSucceeded:Parallel a "mixed" Result={"all":[{"result":"text","index":0,"status":"SUCCEEDED"},{"resu' +
        'lt":42,"index":1,"status":"SUCCEEDED"},{"result":{"k":"v"},"index":2,"status":"SUCCEEDED"}],"completionRea' +
        'son":"ALL_COMPLETED"}',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=["text",42,{"k":"v"}]',
    ],
  },
  {
    follows: 'parallel 8-5',
    title: 'no branches',
    workflow: async (_: unknown, context: DurableContext) => (await context.parallel('none', [])).getResults(),
    status: 'SUCCEEDED',
    result: [],
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:Parallel a "none"',
      'ContextSucceeded:Parallel a "none" Result={"all":[],"completionReason":"ALL_COMPLETED"}',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=[]',
    ],
  },
  {
    follows: 'parallel 8-6',
    title: 'the first failure prevents branches that have not started',
    workflow: async (_: unknown, context: DurableContext) =>
      summary(
        await context.parallel('strict', [say('ok'), fail, say('never')], {
          ...one,
          completionConfig: { toleratedFailureCount: 0 },
        }),
      ),
    status: 'SUCCEEDED',
    result: { because: 'FAILURE_TOLERANCE_EXCEEDED', status: 'FAILED', succeeded: 1, failed: 1, total: 2 },
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:Parallel a "strict"',
      'ContextStarted:ParallelBranch b<a "parallel-branch-0"',
      'ContextSucceeded:ParallelBranch b<a "parallel-branch-0" Result="ok"',
      'ContextStarted:ParallelBranch c<a "parallel-branch-1"',
      'ContextFailed:ParallelBranch c<a "parallel-branch-1" Error=Error(branch failed)',
      'ContextSucceeded:Parallel a "strict" Result={"all":[{"result":"ok","index":0,"status":"SUCCEEDED"},{"error' +
        '":{"ErrorType":"ChildContextError","ErrorMessage":"branch failed","Cause":{"ErrorType":"StepError","ErrorM' +
        'essage":"branch failed","Cause":{"ErrorType":"Error","ErrorMessage":"branch failed"}}},"index":1,"status":' +
        '"FAILED"}],"completionReason":"FAILURE_TOLERANCE_EXCEEDED"}',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result={"because":"FAILURE_TOLERANCE_EXCEEDED","status":"FAILED","succeeded":1,"faile' +
        'd":1,"total":2}',
    ],
  },
  {
    follows: 'parallel 8-7',
    title: 'a rethrown failure of a branch',
    workflow: async (_: unknown, context: DurableContext) => {
      const batch = await context.parallel('strict', [fail, say('never')], {
        ...one,
        completionConfig: { toleratedFailureCount: 0 },
      });
      batch.throwIfError();
    },
    status: 'FAILED',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:Parallel a "strict"',
      'ContextStarted:ParallelBranch b<a "parallel-branch-0"',
      'ContextFailed:ParallelBranch b<a "parallel-branch-0" Error=Error(branch failed)',
      'ContextSucceeded:Parallel a "strict" Result={"all":[{"error":{"ErrorType":"ChildContextError","ErrorMessag' +
        'e":"branch failed","Cause":{"ErrorType":"StepError","ErrorMessage":"branch failed","Cause":{"ErrorType":"E' +
        'rror","ErrorMessage":"branch failed"}}},"index":0,"status":"FAILED"}],"completionReason":"FAILURE_TOLERANC' +
        'E_EXCEEDED"}',
      'InvocationCompleted',
      'ExecutionFailed @ Error=ChildContextError(branch failed)',
    ],
  },
  {
    follows: 'parallel 8-8',
    title: 'enough successes end it early',
    workflow: async (_: unknown, context: DurableContext) =>
      summary(
        await context.parallel('quorum', [say(1), say(2), say(3), say(4)], {
          ...one,
          completionConfig: { minSuccessful: 2 },
        }),
      ),
    status: 'SUCCEEDED',
    result: { because: 'MIN_SUCCESSFUL_REACHED', status: 'SUCCEEDED', succeeded: 2, failed: 0, total: 2 },
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:Parallel a "quorum"',
      'ContextStarted:ParallelBranch b<a "parallel-branch-0"',
      'ContextSucceeded:ParallelBranch b<a "parallel-branch-0" Result=1',
      'ContextStarted:ParallelBranch c<a "parallel-branch-1"',
      'ContextSucceeded:ParallelBranch c<a "parallel-branch-1" Result=2',
      'ContextSucceeded:Parallel a "quorum" Result={"all":[{"result":1,"index":0,"status":"SUCCEEDED"},{"result":' +
        '2,"index":1,"status":"SUCCEEDED"}],"completionReason":"MIN_SUCCESSFUL_REACHED"}',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result={"because":"MIN_SUCCESSFUL_REACHED","status":"SUCCEEDED","succeeded":2,"failed' +
        '":0,"total":2}',
    ],
  },
  {
    follows: 'parallel 8-9',
    title: 'a failure within the tolerance',
    workflow: async (_: unknown, context: DurableContext) =>
      summary(
        await context.parallel('lenient', [say(1), fail, say(3)], {
          ...one,
          completionConfig: { toleratedFailureCount: 1 },
        }),
      ),
    status: 'SUCCEEDED',
    result: { because: 'ALL_COMPLETED', status: 'FAILED', succeeded: 2, failed: 1, total: 3 },
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:Parallel a "lenient"',
      'ContextStarted:ParallelBranch b<a "parallel-branch-0"',
      'ContextSucceeded:ParallelBranch b<a "parallel-branch-0" Result=1',
      'ContextStarted:ParallelBranch c<a "parallel-branch-1"',
      'ContextFailed:ParallelBranch c<a "parallel-branch-1" Error=Error(branch failed)',
      'ContextStarted:ParallelBranch d<a "parallel-branch-2"',
      'ContextSucceeded:ParallelBranch d<a "parallel-branch-2" Result=3',
      'ContextSucceeded:Parallel a "lenient" Result={"all":[{"result":1,"index":0,"status":"SUCCEEDED"},{"error":' +
        '{"ErrorType":"ChildContextError","ErrorMessage":"branch failed","Cause":{"ErrorType":"StepError","ErrorMes' +
        'sage":"branch failed","Cause":{"ErrorType":"Error","ErrorMessage":"branch failed"}}},"index":1,"status":"F' +
        'AILED"},{"result":3,"index":2,"status":"SUCCEEDED"}],"completionReason":"ALL_COMPLETED"}',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result={"because":"ALL_COMPLETED","status":"FAILED","succeeded":2,"failed":1,"total":' +
        '3}',
    ],
  },
  {
    follows: 'parallel 8-10',
    title: 'more failures than tolerated',
    workflow: async (_: unknown, context: DurableContext) =>
      summary(
        await context.parallel('lenient', [fail, fail, say(3)], {
          ...one,
          completionConfig: { toleratedFailureCount: 1 },
        }),
      ),
    status: 'SUCCEEDED',
    result: { because: 'FAILURE_TOLERANCE_EXCEEDED', status: 'FAILED', succeeded: 0, failed: 2, total: 2 },
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:Parallel a "lenient"',
      'ContextStarted:ParallelBranch b<a "parallel-branch-0"',
      'ContextFailed:ParallelBranch b<a "parallel-branch-0" Error=Error(branch failed)',
      'ContextStarted:ParallelBranch c<a "parallel-branch-1"',
      'ContextFailed:ParallelBranch c<a "parallel-branch-1" Error=Error(branch failed)',
      'ContextSucceeded:Parallel a "lenient" Result={"all":[{"error":{"ErrorType":"ChildContextError","ErrorMessa' +
        'ge":"branch failed","Cause":{"ErrorType":"StepError","ErrorMessage":"branch failed","Cause":{"ErrorType":"' +
        'Error","ErrorMessage":"branch failed"}}},"index":0,"status":"FAILED"},{"error":{"ErrorType":"ChildContextE' +
        'rror","ErrorMessage":"branch failed","Cause":{"ErrorType":"StepError","ErrorMessage":"branch failed","Caus' +
        'e":{"ErrorType":"Error","ErrorMessage":"branch failed"}}},"index":1,"status":"FAILED"}],"completionReason"' +
        ':"FAILURE_TOLERANCE_EXCEEDED"}',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result={"because":"FAILURE_TOLERANCE_EXCEEDED","status":"FAILED","succeeded":0,"faile' +
        'd":2,"total":2}',
    ],
  },
  {
    follows: 'parallel 8-12',
    title: 'flat branches leave no contexts',
    workflow: async (_: unknown, context: DurableContext) => {
      const branches = ['a', 'b'].map((what) => (branch: DurableContext) => branch.step(async () => what));
      return (await context.parallel('flat', branches, { ...one, nesting: NestingType.FLAT })).getResults();
    },
    status: 'SUCCEEDED',
    result: ['a', 'b'],
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:Parallel a "flat"',
      'StepStarted:Step b<a',
      'StepSucceeded:Step b<a Result="a" RetryDetails.CurrentAttempt=1',
      'StepStarted:Step c<a',
      'StepSucceeded:Step c<a Result="b" RetryDetails.CurrentAttempt=1',
      'ContextSucceeded:Parallel a "flat" Result={"all":[{"result":"a","index":0,"status":"SUCCEEDED"},{"result":' +
        '"b","index":1,"status":"SUCCEEDED"}],"completionReason":"ALL_COMPLETED"}',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=["a","b"]',
    ],
  },
  {
    follows: 'parallel 8-13',
    title: 'a larger share of failures than tolerated',
    workflow: async (_: unknown, context: DurableContext) =>
      summary(
        await context.parallel('share', [fail, fail, say(3), say(4)], {
          ...one,
          completionConfig: { toleratedFailurePercentage: 25 },
        }),
      ),
    status: 'SUCCEEDED',
    result: { because: 'FAILURE_TOLERANCE_EXCEEDED', status: 'FAILED', succeeded: 0, failed: 2, total: 2 },
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:Parallel a "share"',
      'ContextStarted:ParallelBranch b<a "parallel-branch-0"',
      'ContextFailed:ParallelBranch b<a "parallel-branch-0" Error=Error(branch failed)',
      'ContextStarted:ParallelBranch c<a "parallel-branch-1"',
      'ContextFailed:ParallelBranch c<a "parallel-branch-1" Error=Error(branch failed)',
      'ContextSucceeded:Parallel a "share" Result={"all":[{"error":{"ErrorType":"ChildContextError","ErrorMessage' +
        '":"branch failed","Cause":{"ErrorType":"StepError","ErrorMessage":"branch failed","Cause":{"ErrorType":"Er' +
        'ror","ErrorMessage":"branch failed"}}},"index":0,"status":"FAILED"},{"error":{"ErrorType":"ChildContextErr' +
        'or","ErrorMessage":"branch failed","Cause":{"ErrorType":"StepError","ErrorMessage":"branch failed","Cause"' +
        ':{"ErrorType":"Error","ErrorMessage":"branch failed"}}},"index":1,"status":"FAILED"}],"completionReason":"' +
        'FAILURE_TOLERANCE_EXCEEDED"}',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result={"because":"FAILURE_TOLERANCE_EXCEEDED","status":"FAILED","succeeded":0,"faile' +
        'd":2,"total":2}',
    ],
  },
  {
    follows: 'parallel 8-14',
    title: 'a waiting branch is resumed; the finished one is not',
    workflow: async (_: unknown, context: DurableContext) => {
      const branches = [
        (branch: DurableContext) => branch.step(async () => 'paged'),
        async (branch: DurableContext) => {
          await branch.wait({ seconds: 40 });
          return 'verified';
        },
      ];
      return (await context.parallel('replayed', branches, one)).getResults();
    },
    status: 'SUCCEEDED',
    result: ['paged', 'verified'],
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:Parallel a "replayed"',
      'ContextStarted:ParallelBranch b<a "parallel-branch-0"',
      'StepStarted:Step c<b',
      'StepSucceeded:Step c<b Result="paged" RetryDetails.CurrentAttempt=1',
      'ContextSucceeded:ParallelBranch b<a "parallel-branch-0" Result="paged"',
      'ContextStarted:ParallelBranch d<a "parallel-branch-1"',
      'WaitStarted:Wait e<d Duration=40',
      'InvocationCompleted',
      'WaitSucceeded:Wait e<d Duration=40',
      'ContextSucceeded:ParallelBranch d<a "parallel-branch-1" Result="verified"',
      'ContextSucceeded:Parallel a "replayed" Result={"all":[{"result":"paged","index":0,"status":"SUCCEEDED"},{"' +
        'result":"verified","index":1,"status":"SUCCEEDED"}],"completionReason":"ALL_COMPLETED"}',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=["paged","verified"]',
    ],
  },
  {
    follows: 'parallel 8-15',
    title: "results use the branches' serializer",
    workflow: async (_: unknown, context: DurableContext) => {
      const itemSerdes = {
        serialize: async (value: unknown) => JSON.stringify({ wrapped: value }),
        deserialize: async (text = '') => (JSON.parse(text) as { wrapped: unknown }).wrapped,
      };
      return (await context.parallel('wrapped', [say('x'), say('y')], { ...one, itemSerdes })).getResults();
    },
    status: 'SUCCEEDED',
    result: ['x', 'y'],
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:Parallel a "wrapped"',
      'ContextStarted:ParallelBranch b<a "parallel-branch-0"',
      'ContextSucceeded:ParallelBranch b<a "parallel-branch-0" Result={"wrapped":"x"}',
      'ContextStarted:ParallelBranch c<a "parallel-branch-1"',
      'ContextSucceeded:ParallelBranch c<a "parallel-branch-1" Result={"wrapped":"y"}',
      'ContextSucceeded:Parallel a "wrapped" Result={"all":[{"result":"x","index":0,"status":"SUCCEEDED"},{"resul' +
        't":"y","index":1,"status":"SUCCEEDED"}],"completionReason":"ALL_COMPLETED"}',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=["x","y"]',
    ],
  },
  {
    follows: 'parallel 8-16',
    title: 'every branch fails, and all are tolerated',
    workflow: async (_: unknown, context: DurableContext) =>
      summary(
        await context.parallel('all', [fail, fail, fail], { ...one, completionConfig: { toleratedFailureCount: 3 } }),
      ),
    status: 'SUCCEEDED',
    result: { because: 'ALL_COMPLETED', status: 'FAILED', succeeded: 0, failed: 3, total: 3 },
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:Parallel a "all"',
      'ContextStarted:ParallelBranch b<a "parallel-branch-0"',
      'ContextFailed:ParallelBranch b<a "parallel-branch-0" Error=Error(branch failed)',
      'ContextStarted:ParallelBranch c<a "parallel-branch-1"',
      'ContextFailed:ParallelBranch c<a "parallel-branch-1" Error=Error(branch failed)',
      'ContextStarted:ParallelBranch d<a "parallel-branch-2"',
      'ContextFailed:ParallelBranch d<a "parallel-branch-2" Error=Error(branch failed)',
      'ContextSucceeded:Parallel a "all" Result={"all":[{"error":{"ErrorType":"ChildContextError","ErrorMessage":' +
        '"branch failed","Cause":{"ErrorType":"StepError","ErrorMessage":"branch failed","Cause":{"ErrorType":"Erro' +
        'r","ErrorMessage":"branch failed"}}},"index":0,"status":"FAILED"},{"error":{"ErrorType":"ChildContextError' +
        '","ErrorMessage":"branch failed","Cause":{"ErrorType":"StepError","ErrorMessage":"branch failed","Cause":{' +
        '"ErrorType":"Error","ErrorMessage":"branch failed"}}},"index":1,"status":"FAILED"},{"error":{"ErrorType":"' +
        'ChildContextError","ErrorMessage":"branch failed","Cause":{"ErrorType":"StepError","ErrorMessage":"branch ' +
        'failed","Cause":{"ErrorType":"Error","ErrorMessage":"branch failed"}}},"index":2,"status":"FAILED"}],"comp' +
        'letionReason":"ALL_COMPLETED"}',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result={"because":"ALL_COMPLETED","status":"FAILED","succeeded":0,"failed":3,"total":' +
        '3}',
    ],
  },
  {
    follows: 'parallel 8-17',
    title: 'the required successes are not reached',
    workflow: async (_: unknown, context: DurableContext) =>
      summary(
        await context.parallel('quorum', [say(1), fail, say(3)], { ...one, completionConfig: { minSuccessful: 3 } }),
      ),
    status: 'SUCCEEDED',
    result: { because: 'ALL_COMPLETED', status: 'FAILED', succeeded: 2, failed: 1, total: 3 },
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:Parallel a "quorum"',
      'ContextStarted:ParallelBranch b<a "parallel-branch-0"',
      'ContextSucceeded:ParallelBranch b<a "parallel-branch-0" Result=1',
      'ContextStarted:ParallelBranch c<a "parallel-branch-1"',
      'ContextFailed:ParallelBranch c<a "parallel-branch-1" Error=Error(branch failed)',
      'ContextStarted:ParallelBranch d<a "parallel-branch-2"',
      'ContextSucceeded:ParallelBranch d<a "parallel-branch-2" Result=3',
      'ContextSucceeded:Parallel a "quorum" Result={"all":[{"result":1,"index":0,"status":"SUCCEEDED"},{"error":{' +
        '"ErrorType":"ChildContextError","ErrorMessage":"branch failed","Cause":{"ErrorType":"StepError","ErrorMess' +
        'age":"branch failed","Cause":{"ErrorType":"Error","ErrorMessage":"branch failed"}}},"index":1,"status":"FA' +
        'ILED"},{"result":3,"index":2,"status":"SUCCEEDED"}],"completionReason":"ALL_COMPLETED"}',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result={"because":"ALL_COMPLETED","status":"FAILED","succeeded":2,"failed":1,"total":' +
        '3}',
    ],
  },
  {
    follows: 'parallel 8-18',
    title: 'two conditions: the tolerance is exceeded first',
    workflow: async (_: unknown, context: DurableContext) =>
      summary(
        await context.parallel('both', [fail, fail, say(3), say(4)], {
          ...one,
          completionConfig: { minSuccessful: 3, toleratedFailureCount: 1 },
        }),
      ),
    status: 'SUCCEEDED',
    result: { because: 'FAILURE_TOLERANCE_EXCEEDED', status: 'FAILED', succeeded: 0, failed: 2, total: 2 },
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:Parallel a "both"',
      'ContextStarted:ParallelBranch b<a "parallel-branch-0"',
      'ContextFailed:ParallelBranch b<a "parallel-branch-0" Error=Error(branch failed)',
      'ContextStarted:ParallelBranch c<a "parallel-branch-1"',
      'ContextFailed:ParallelBranch c<a "parallel-branch-1" Error=Error(branch failed)',
      'ContextSucceeded:Parallel a "both" Result={"all":[{"error":{"ErrorType":"ChildContextError","ErrorMessage"' +
        ':"branch failed","Cause":{"ErrorType":"StepError","ErrorMessage":"branch failed","Cause":{"ErrorType":"Err' +
        'or","ErrorMessage":"branch failed"}}},"index":0,"status":"FAILED"},{"error":{"ErrorType":"ChildContextErro' +
        'r","ErrorMessage":"branch failed","Cause":{"ErrorType":"StepError","ErrorMessage":"branch failed","Cause":' +
        '{"ErrorType":"Error","ErrorMessage":"branch failed"}}},"index":1,"status":"FAILED"}],"completionReason":"F' +
        'AILURE_TOLERANCE_EXCEEDED"}',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result={"because":"FAILURE_TOLERANCE_EXCEEDED","status":"FAILED","succeeded":0,"faile' +
        'd":2,"total":2}',
    ],
  },
  {
    follows: 'parallel 8-19',
    title: 'a concurrency of zero is refused',
    workflow: (_: unknown, context: DurableContext) =>
      context.parallel('stuck', [say(1), say(2)], { maxConcurrency: 0 }),
    status: 'FAILED',
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'InvocationCompleted',
      'ExecutionFailed @ Error=Error(Invalid maxConcurrency: 0. Must be a positive number or undefined for unlimi' +
        'ted concurrency.)',
    ],
  },
  {
    follows: 'parallel 8-20',
    title: 'the properties of a batch',
    workflow: async (_: unknown, context: DurableContext) => {
      const batch = await context.parallel('asked', [say(1), fail, say(3)], {
        ...one,
        completionConfig: { toleratedFailureCount: 1 },
      });
      return [batch.hasFailure, batch.succeeded().length, batch.failed().length, batch.getErrors().length];
    },
    status: 'SUCCEEDED',
    result: [true, 2, 1, 1],
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:Parallel a "asked"',
      'ContextStarted:ParallelBranch b<a "parallel-branch-0"',
      'ContextSucceeded:ParallelBranch b<a "parallel-branch-0" Result=1',
      'ContextStarted:ParallelBranch c<a "parallel-branch-1"',
      'ContextFailed:ParallelBranch c<a "parallel-branch-1" Error=Error(branch failed)',
      'ContextStarted:ParallelBranch d<a "parallel-branch-2"',
      'ContextSucceeded:ParallelBranch d<a "parallel-branch-2" Result=3',
      'ContextSucceeded:Parallel a "asked" Result={"all":[{"result":1,"index":0,"status":"SUCCEEDED"},{"error":{"' +
        'ErrorType":"ChildContextError","ErrorMessage":"branch failed","Cause":{"ErrorType":"StepError","ErrorMessa' +
        'ge":"branch failed","Cause":{"ErrorType":"Error","ErrorMessage":"branch failed"}}},"index":1,"status":"FAI' +
        'LED"},{"result":3,"index":2,"status":"SUCCEEDED"}],"completionReason":"ALL_COMPLETED"}',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=[true,2,1,1]',
    ],
  },
  {
    follows: 'parallel 8-21',
    title: 'a parallel within a branch',
    workflow: async (_: unknown, context: DurableContext) => {
      const inner = async (branch: DurableContext) => {
        const steps = ['i1', 'i2'].map((what) => (nested: DurableContext) => nested.step(async () => what));
        return (await branch.parallel('inner', steps, one)).getResults();
      };
      return (await context.parallel('outer', [inner], one)).getResults();
    },
    status: 'SUCCEEDED',
    result: [['i1', 'i2']],
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:Parallel a "outer"',
      'ContextStarted:ParallelBranch b<a "parallel-branch-0"',
      'ContextStarted:Parallel c<b "inner"',
      'ContextStarted:ParallelBranch d<c "parallel-branch-0"',
      'StepStarted:Step e<d',
      'StepSucceeded:Step e<d Result="i1" RetryDetails.CurrentAttempt=1',
      'ContextSucceeded:ParallelBranch d<c "parallel-branch-0" Result="i1"',
      'ContextStarted:ParallelBranch f<c "parallel-branch-1"',
      'StepStarted:Step g<f',
      'StepSucceeded:Step g<f Result="i2" RetryDetails.CurrentAttempt=1',
      'ContextSucceeded:ParallelBranch f<c "parallel-branch-1" Result="i2"',
      'ContextSucceeded:Parallel c<b "inner" Result={"all":[{"result":"i1","index":0,"status":"SUCCEEDED"},{"resu' +
        'lt":"i2","index":1,"status":"SUCCEEDED"}],"completionReason":"ALL_COMPLETED"}',
      'ContextSucceeded:ParallelBranch b<a "parallel-branch-0" Result=["i1","i2"]',
      'ContextSucceeded:Parallel a "outer" Result={"all":[{"result":["i1","i2"],"index":0,"status":"SUCCEEDED"}],' +
        '"completionReason":"ALL_COMPLETED"}',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result=[["i1","i2"]]',
    ],
  },
  {
    follows: 'parallel 8-22',
    title: 'exactly the tolerated share of failures',
    workflow: async (_: unknown, context: DurableContext) =>
      summary(
        await context.parallel('share', [fail, say(2), say(3), say(4)], {
          ...one,
          completionConfig: { toleratedFailurePercentage: 25 },
        }),
      ),
    status: 'SUCCEEDED',
    result: { because: 'ALL_COMPLETED', status: 'FAILED', succeeded: 3, failed: 1, total: 4 },
    history: [
      'ExecutionStarted @ Input=null ExecutionTimeout=1209600',
      'ContextStarted:Parallel a "share"',
      'ContextStarted:ParallelBranch b<a "parallel-branch-0"',
      'ContextFailed:ParallelBranch b<a "parallel-branch-0" Error=Error(branch failed)',
      'ContextStarted:ParallelBranch c<a "parallel-branch-1"',
      'ContextSucceeded:ParallelBranch c<a "parallel-branch-1" Result=2',
      'ContextStarted:ParallelBranch d<a "parallel-branch-2"',
      'ContextSucceeded:ParallelBranch d<a "parallel-branch-2" Result=3',
      'ContextStarted:ParallelBranch e<a "parallel-branch-3"',
      'ContextSucceeded:ParallelBranch e<a "parallel-branch-3" Result=4',
      'ContextSucceeded:Parallel a "share" Result={"all":[{"error":{"ErrorType":"ChildContextError","ErrorMessage' +
        '":"branch failed","Cause":{"ErrorType":"StepError","ErrorMessage":"branch failed","Cause":{"ErrorType":"Er' +
        'ror","ErrorMessage":"branch failed"}}},"index":0,"status":"FAILED"},{"result":2,"index":1,"status":"SUCCEE' +
        'DED"},{"result":3,"index":2,"status":"SUCCEEDED"},{"result":4,"index":3,"status":"SUCCEEDED"}],"completion' +
        'Reason":"ALL_COMPLETED"}',
      'InvocationCompleted',
      'ExecutionSucceeded @ Result={"because":"ALL_COMPLETED","status":"FAILED","succeeded":3,"failed":1,"total":' +
        '4}',
    ],
  },
];

behaves('parallel branches', cases);
