import * as z from 'zod';
import { environmentOf, type Env, MACHINE_ONLY, namesIn } from '../schemas/variables.ts';

/** What a function finds in its environment: names of resources and the addresses of vendors, never secrets. */
const Environment = environmentOf([...namesIn('functions'), 'FIREBREAK_TIME_SCALE', 'LOG_LEVEL']);
export type Environment = z.infer<typeof Environment>;

/** @throws naming every variable that is missing or wrong */
export function readEnvironment(env: Env): Environment {
  // Lambda sets it for every function. The emulation sets AWS_LAMBDA_FUNCTION_NAME, too, for the SDK to pass traces on.
  const onLambda = env['LAMBDA_TASK_ROOT'] !== undefined;
  // On Lambda a switch for one machine is a mistake that must not go unnoticed.
  const local = onLambda ? MACHINE_ONLY.filter((name) => env[name] !== undefined) : [];
  if (local.length > 0)
    throw new Error(
      `only for one machine, and refused on Lambda: ${local.join(', ')}. Remove them from the function's environment`,
    );
  const read = Environment.safeParse(env);
  if (!read.success) throw new Error(`the function's environment is not complete:\n${z.prettifyError(read.error)}`);
  return read.data;
}
