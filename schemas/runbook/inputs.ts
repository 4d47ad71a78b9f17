import * as z from 'zod';

/** What a runbook can be told when it is started by a person. */
const InputType = z.enum(['string', 'integer', 'number', 'boolean']);
export type InputType = z.infer<typeof InputType>;

const MATCHES: Readonly<Record<InputType, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  integer: (value) => Number.isSafeInteger(value),
  number: (value) => typeof value === 'number' && Number.isFinite(value),
  boolean: (value) => typeof value === 'boolean',
};

/** Whether a value is one of this type. */
export const isOfType = (value: unknown, type: InputType): boolean => MATCHES[type](value);

export const Input = z
  .strictObject({
    type: InputType.default('string'),
    default: z.union([z.string().max(1000), z.number(), z.boolean()]).optional(),
    description: z.string().min(1).optional(),
    required: z.boolean().default(false),
  })
  .superRefine(({ type, default: usual, required }, context) => {
    const wrong = (key: string, message: string): void => {
      context.addIssue({ code: 'custom', path: [key], message });
    };
    if (usual !== undefined && !isOfType(usual, type)) wrong('default', `${JSON.stringify(usual)} is no ${type}`);
    if (usual === undefined && !required) wrong('default', 'say a default, or that it is required');
    if (usual !== undefined && required) wrong('required', 'what has a default is not required');
  });
export type Input = z.infer<typeof Input>;

/** What inputs are called in expressions: `inputs.<name>`. */
export const InputName = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,62}$/, 'the name of an input has lower-case letters, digits and _');
