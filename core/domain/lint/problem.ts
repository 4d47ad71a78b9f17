import type { Runbook } from '../../../schemas/runbooks/runbook.ts';

/** A problem in a runbook, with its location. `error`: the runbook cannot be used, or not as intended. */
export type Problem = {
  file: string;
  line: number;
  level: 'error' | 'warning';
  message: string;
  /** Suggested fix. */
  suggestion: string | null;
};

/** @param path path in the front matter, such as `steps.0.with.url`; the line is that of its deepest existing part */
export function problem(
  runbook: Pick<Runbook, 'file' | 'lines'>,
  path: string,
  message: string,
  suggestion: string | null = null,
  level: Problem['level'] = 'error',
): Problem {
  return { file: runbook.file, line: lineOf(runbook.lines, path), level, message, suggestion };
}

/** Returns the line of the deepest part of `path` that exists in the file. */
export function lineOf(lines: Readonly<Record<string, number>>, path: string): number {
  for (let part = path; part !== ''; part = part.slice(0, Math.max(0, part.lastIndexOf('.'))))
    if (Object.hasOwn(lines, part)) return lines[part] ?? 1;
  return 1;
}

/** Formats a problem as `runbooks/x.md:7: message (suggestion)`. */
export const problemText = ({ file, line, level, message, suggestion }: Problem): string =>
  `${file}:${line}: ${level === 'warning' ? 'warning: ' : ''}${message}${suggestion === null ? '' : ` (${suggestion})`}`;

/** Sorts by file and line. */
export const inFileOrder = (problems: readonly Problem[]): Problem[] =>
  problems.toSorted((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line));
