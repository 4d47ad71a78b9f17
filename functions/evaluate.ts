import { deps } from '../aws/deps.ts';
import { type Evaluation, evaluate } from '../jobs/slo-evaluation/evaluate.ts';
import { Evaluator } from '../jobs/slo-evaluation/evaluator.ts';

let evaluator: Evaluator | undefined;

/** Evaluates all SLOs, each minute. */
export const handler = (): Promise<Evaluation> => evaluate(deps(), (evaluator ??= new Evaluator(deps())));
