import type * as z from 'zod';
import { environmentOf, type Env, MACHINE_ONLY, namesIn } from '../../schemas/config/variables.ts';
import { inputProblemText } from '../../schemas/parsing/input-problems.ts';

/** The environment of a function: names of resources and addresses of vendors, never secrets. */
const Environment = environmentOf([
  ...namesIn('functions'),
  'FIREBREAK_TIME_SCALE',
  'FIREBREAK_PUBLIC_URL',
  'LOG_LEVEL',
]);
export type Environment = z.infer<typeof Environment>;

/** Parses the environment of a function. @throws Error that names each variable that is missing or invalid */
export function readEnvironment(env: Env): Environment {
  // Lambda sets this variable for every function.
  const onLambda = env['LAMBDA_TASK_ROOT'] !== undefined;
  // Refuse local-only switches on Lambda, so that the mistake is noticed.
  const local = onLambda ? MACHINE_ONLY.filter((name) => env[name] !== undefined) : [];
  if (local.length > 0)
    throw new Error(
      `allowed only on one machine, refused on Lambda: ${local.join(', ')}. Remove them from the function's environment`,
    );
  const read = Environment.safeParse(env);
  if (!read.success) throw new Error(`the function's environment is invalid:\n${inputProblemText(read.error)}`);
  return read.data;
}
