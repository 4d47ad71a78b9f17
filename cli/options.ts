import { InvalidArgumentError } from 'commander';

/** Parses a number from 1 to 500. */
export function numberTo500(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1 || number > 500)
    throw new InvalidArgumentError('must be a whole number from 1 to 500.');
  return number;
}

/** Collects the values of a repeatable option. */
export const collectValues = (text: string, previous: string[] | undefined): string[] => [...(previous ?? []), text];

export const JSON_OPTION = ['--json', 'Print the API response as JSON'] as const;
export const LIMIT_OPTION = ['--limit <n>', 'Maximum number of items', numberTo500, 20] as const;
