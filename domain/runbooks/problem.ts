import type { Runbook } from '../../schemas/runbook.ts';

/** What is wrong with a runbook, and where. `error`: it cannot be used, or not as it is meant. */
export type Problem = {
  file: string;
  line: number;
  level: 'error' | 'warning';
  message: string;
  /** What to do about it. */
  suggestion: string | null;
};

/** @param path where in the front matter, as `steps.0.with.url`; the line is that of the deepest part that is there */
export function problem(
  runbook: Pick<Runbook, 'file' | 'lines'>,
  path: string,
  message: string,
  suggestion: string | null = null,
  level: Problem['level'] = 'error',
): Problem {
  return { file: runbook.file, line: lineOf(runbook.lines, path), level, message, suggestion };
}

/** The line of the deepest part of `path` that is in the file. */
export function lineOf(lines: Readonly<Record<string, number>>, path: string): number {
  for (let part = path; part !== ''; part = part.slice(0, Math.max(0, part.lastIndexOf('.'))))
    if (Object.hasOwn(lines, part)) return lines[part] ?? 1;
  return 1;
}

/** `runbooks/x.md:7: message (suggestion)` */
export const shown = ({ file, line, level, message, suggestion }: Problem): string =>
  `${file}:${line}: ${level === 'warning' ? 'warning: ' : ''}${message}${suggestion === null ? '' : ` (${suggestion})`}`;

/** By file and line. */
export const inOrder = (problems: readonly Problem[]): Problem[] =>
  problems.toSorted((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line));
