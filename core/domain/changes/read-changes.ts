import * as z from 'zod';
import { ChangeReport } from '../../../schemas/changes/change-report.ts';
import { inputProblemText } from '../../../schemas/parsing/input-problems.ts';

/** The content of a webhook: reports of changes, why it is ignored, or why it cannot be read. */
export type ReadChanges = { reports: readonly ChangeReport[] } | { ignored: string } | { unreadable: string };

/** Returns what was read, or what is wrong with a report: readers do not check limits, such as the length of a version. */
export function checkedChanges(read: ReadChanges): ReadChanges {
  if (!('reports' in read)) return read;
  const reports = z.array(ChangeReport).safeParse(read.reports);
  return reports.success ? { reports: reports.data } : { unreadable: inputProblemText(reports.error) };
}
