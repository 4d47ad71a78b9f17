import type { ChangeReport, ObjectHistory } from '../../../schemas/changes/change-report.ts';

type Mark = ObjectHistory['marks'][number];

/** Maximum number of reports stored per object. */
const MARKS_MAX = 100;

/**
 * Adds a report to the history of its object. Reports of one state belong to one rollout, until the object is brought
 * to another state: what brings the first one back is another rollout. The order of arrival does not matter.
 *
 * @returns the reports to apply, each with the key of its rollout: this one, and those after it, which may turn out to
 *   belong to another rollout
 */
export function withReport(
  marks: readonly Mark[],
  report: ChangeReport,
): { marks: readonly Mark[]; reports: ChangeReport[] } {
  const index = marks.findIndex((mark) => isBefore(report, mark.report));
  const at = index < 0 ? marks.length : index;
  const earlier = marks.slice(0, at);
  const later = marks.slice(at);
  const [before, after] = [earlier.at(-1), later[0]];
  const rollout =
    before?.report.key === report.key
      ? before.rollout
      : after?.report.key === report.key
        ? after.rollout
        : newKey(marks, report);
  const ownMark: Mark = { rollout, report };
  const isSplit = before !== undefined && before.rollout === after?.rollout && before.rollout !== rollout;
  const moved = isSplit ? withFirstRolloutKey(newKey([...marks, ownMark], after.report), later) : later;
  return {
    marks: withoutRepeats([...earlier, ...(isRepeated(before, report) ? [] : [ownMark]), ...moved]),
    reports: [ownMark, ...nextRollout(ownMark, moved)].map(reportOf),
  };
}

/** Returns the reports of the rollout after a mark's own. They are applied again, because that changes nothing. */
function nextRollout(ownMark: Mark, later: readonly Mark[]): Mark[] {
  const next = later.find(({ rollout }) => rollout !== ownMark.rollout)?.rollout;
  return later.filter(({ rollout }) => rollout === next);
}

/** Two reports of the same time need an order that does not depend on their arrival. */
const isBefore = (report: ChangeReport, otherReport: ChangeReport): boolean =>
  report.at === otherReport.at ? JSON.stringify(report) < JSON.stringify(otherReport) : report.at < otherReport.at;

const isRepeated = (before: Mark | undefined, report: ChangeReport): boolean =>
  before !== undefined && JSON.stringify(before.report) === JSON.stringify(report);

/** The first rollout to a state has the state's own key. */
const newKey = (marks: readonly Mark[], { key, at }: ChangeReport): string =>
  marks.some((mark) => mark.report.key === key) ? `${key.slice(0, 2000)} ${at}` : key;

/** Gives the marks of the first rollout another key. */
function withFirstRolloutKey(rollout: string, marks: readonly Mark[]): Mark[] {
  const end = marks.findIndex((mark) => mark.rollout !== marks[0]?.rollout);
  return marks.map((mark, index) => (end < 0 || index < end ? { ...mark, rollout } : mark));
}

/**
 * Leaves out reports with the same rollout and status as those before and after them, and the oldest ones above the
 * maximum.
 */
const withoutRepeats = (marks: readonly Mark[]): Mark[] =>
  marks
    .filter((mark, index) => {
      const [before, after] = [marks[index - 1], marks[index + 1]];
      return before === undefined || after === undefined || !isSameState(before, mark) || !isSameState(mark, after);
    })
    .slice(-MARKS_MAX);

const isSameState = (mark: Mark, otherMark: Mark): boolean =>
  mark.rollout === otherMark.rollout && mark.report.status === otherMark.report.status;

const reportOf = ({ rollout, report: { object: _object, ...report } }: Mark): ChangeReport => ({
  ...report,
  key: rollout,
});
