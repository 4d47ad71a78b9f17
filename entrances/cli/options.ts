import { InvalidArgumentError, Option } from 'commander';

/** Parses a number from 1 to 500. */
export function numberTo500(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1 || number > 500)
    throw new InvalidArgumentError('must be a whole number from 1 to 500.');
  return number;
}

/** Collects the values of a repeatable option. */
export const collectValues = (text: string, previous: string[] | undefined): string[] => [...(previous ?? []), text];

/** Returns an option that takes one of these values. */
export const choice = (flags: string, description: string, values: readonly string[]): Option =>
  new Option(flags, description).choices(values);

/** Returns an option that must be given. */
export const required = (flags: string, description: string): Option =>
  new Option(flags, description).makeOptionMandatory();

export const JSON_OPTION = ['--json', 'Print the API response as JSON'] as const;
export const LIMIT_OPTION = ['--limit <n>', 'Maximum number of items', numberTo500, 20] as const;
export const SERVICE_OPTION = ['--service <name>', 'Only this service'] as const;
export const ENVIRONMENT_OPTION = ['--environment <name>', 'Only this environment'] as const;
/** Options of most lists. */
export const LIST_OPTIONS = [SERVICE_OPTION, ENVIRONMENT_OPTION, LIMIT_OPTION, JSON_OPTION] as const;
