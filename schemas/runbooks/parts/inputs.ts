import * as z from 'zod';

/** Types of inputs that a person can set when starting a runbook. */
const InputType = z.enum(['string', 'integer', 'number', 'boolean']);
export type InputType = z.infer<typeof InputType>;

const MATCHES: Readonly<Record<InputType, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  integer: (value) => Number.isSafeInteger(value),
  number: (value) => typeof value === 'number' && Number.isFinite(value),
  boolean: (value) => typeof value === 'boolean',
};

/** Returns whether a value has this type. */
export const isOfType = (value: unknown, type: InputType): boolean => MATCHES[type](value);

export const Input = z
  .strictObject({
    type: InputType.default('string'),
    default: z.union([z.string().max(1000), z.number(), z.boolean()]).optional(),
    description: z.string().min(1).optional(),
    required: z.boolean().default(false),
  })
  .superRefine(({ type, default: defaultValue, required }, context) => {
    const addProblem = (key: string, message: string): void => {
      context.addIssue({ code: 'custom', path: [key], message });
    };
    if (defaultValue !== undefined && !isOfType(defaultValue, type))
      addProblem('default', `${JSON.stringify(defaultValue)} is not of type ${type}`);
    if (defaultValue === undefined && !required) addProblem('default', 'set either a default or required: true');
    if (defaultValue !== undefined && required) addProblem('required', 'an input with a default cannot be required');
  });
export type Input = z.infer<typeof Input>;

/** Name of an input in expressions: `inputs.<name>`. */
export const InputName = z.string().regex(/^[a-z][a-z0-9_]{0,62}$/, 'must consist of lowercase letters, digits, and _');
