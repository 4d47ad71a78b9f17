import { InvalidArgumentError } from 'commander';

/** `--limit 20`. */
export function wholeNumber(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1 || number > 500)
    throw new InvalidArgumentError('a whole number from 1 to 500 is wanted.');
  return number;
}

/** An option that is given several times. */
export const several = (text: string, before: string[] | undefined): string[] => [...(before ?? []), text];

export const JSON_OPTION = ['--json', 'print what the API says, for programs'] as const;
export const LIMIT_OPTION = ['--limit <n>', 'at most so many', wholeNumber, 20] as const;
