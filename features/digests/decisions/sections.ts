import type { TeamDigest } from '../digest.ts';
import type { ToilTask } from '../toil.ts';
import type { IncidentId } from '../../../schemas/config/names.ts';
import {
  deliveryPath,
  experimentPath,
  incidentPath,
  postmortemPath,
} from '../../../core/domain/incidents/console-link.ts';
import { incidentName, type Named, numberText } from '../../../core/domain/incidents/incident-number.ts';
import { serviceEnvironmentText } from '../../../core/domain/messages/story.ts';
import type { Text } from '../../../core/domain/messages/chat-message.ts';
import type { DigestSection } from '../../../core/domain/ports/extensions.ts';
import { counted, duration, share } from '../../../core/domain/reports/words.ts';
import { CAUSE_WORDS } from '../../freeze/decisions/words.ts';

/** Number of incidents that one row of toil links to. */
const LINKED_MAX = 5;

/** Returns the sections in their order. Every digest has all of them. */
export function digestSections(digest: TeamDigest): DigestSection[] {
  return [
    incidents(digest),
    restore(digest),
    budgets(digest),
    freezes(digest),
    ...digest.ofFeatures,
    toil(digest),
    noisy(digest),
    overdue(digest),
  ];
}

export const digestTitle = ({ team }: Pick<TeamDigest, 'team'>): string =>
  team === null ? 'Weekly digest of all services' : `Weekly digest of ${team}`;

/** Returns what the digest covers: the window, the environments, and which numbers are too low. */
export function digestScope(digest: TeamDigest): Text {
  const { window, environments, incomplete } = digest;
  const low = digestSections(digest).flatMap(({ id, title }) => (incomplete.some((one) => one === id) ? [title] : []));
  return [
    { at: window.from },
    ' to ',
    { at: window.until },
    ` in ${environments.join(', ')}.`,
    ...(low.length === 0
      ? []
      : [` There are more records than a digest reads: the numbers of ${low.join(', ')} are too low.`]),
  ];
}

/** Returns the address of the digest in the console. */
export const digestPath = (team: string | null): string =>
  team === null ? '/console/digest' : `/console/digest?${new URLSearchParams({ team }).toString()}`;

const serviceCell = ({ service, environment }: { service: string; environment: string }): Text => [
  serviceEnvironmentText({ service, environment }),
];

const incidentLink = (id: IncidentId, text: string): Text => [{ link: incidentPath(id), text }];

function incidents(digest: TeamDigest): DigestSection {
  const { opened, by_severity: severity, items } = digest.incidents;
  const severities = `${severity.critical} critical, ${severity.warning} warning, ${severity.info} info`;
  return {
    id: 'incidents',
    title: 'Incidents',
    summary:
      opened === 0
        ? 'No incident opened.'
        : `${counted(opened, 'incident')} opened: ${severities}. ${endsText(digest.incidents)}`,
    columns: ['Incident', 'Service', 'Severity', 'Opened', 'Restored after'],
    rows: items.map(
      ({ title, service, environment, severity: level, opened_at: at, restore_s: seconds, closed_as, ...incident }) => [
        [{ link: incidentPath(incident), text: `${numberText(incident)}${title}` }],
        serviceCell({ service, environment }),
        [level],
        [{ at }],
        [seconds !== null ? duration(seconds) : closed_as === null ? 'still open' : 'closed, not verified'],
      ],
    ),
    path: deliveryPath(digest.team, 'time_to_restore', 7),
  };
}

/** Says how many incidents are not over, or are over without a proof of recovery. */
function endsText({ open, unverified }: TeamDigest['incidents']): string {
  if (open === 0 && unverified === 0) return 'All are resolved.';
  return [
    ...(open === 0 ? [] : [`${open} not resolved.`]),
    ...(unverified === 0 ? [] : [`${unverified} closed, not verified.`]),
  ].join(' ');
}

function restore(digest: TeamDigest): DigestSection {
  const [last, before] = [digest.restore.at(-1), digest.restore.at(-2)];
  const path = deliveryPath(digest.team, 'time_to_restore', 28);
  const isEmpty = digest.restore.every(({ median_s: seconds }) => seconds === null);
  return {
    id: 'restore',
    title: 'Time to restore',
    summary: isEmpty
      ? `No incident of the last ${digest.restore.length} weeks is resolved.`
      : `Median: ${duration(last?.median_s ?? null)}. Week before: ${duration(before?.median_s ?? null)}.`,
    columns: ['Week until', 'Median', 'Incidents'],
    rows: isEmpty
      ? []
      : digest.restore.map(({ until, median_s: seconds, incidents: count }) => [
          [{ at: until }],
          [duration(seconds)],
          [{ link: path, text: String(count) }],
        ]),
    path,
  };
}

function budgets({ budgets: all }: TeamDigest): DigestSection {
  const spent = all.filter(({ remaining }) => remaining !== null && remaining <= 0).length;
  const burning = all.filter((budget) => budget.burning).length;
  const known = all.filter(({ remaining }) => remaining !== null).length;
  return {
    id: 'budgets',
    title: 'Error budgets',
    summary:
      all.length === 0
        ? 'No objective is evaluated.'
        : `Of ${counted(all.length, 'objective')}, ${spent} spent the whole budget, and ${burning} burn it too fast now.${known < all.length ? ` The budget of ${all.length - known} is unknown.` : ''}${correctedText(all)}`,
    columns: ['Objective', 'Service', 'Budget left', 'Errors of this week', 'Burn alert'],
    rows: all.map(({ slo, service, environment, remaining, corrected, spent: week, burning: burns }) => [
      [{ link: `/console/slos/${encodeURIComponent(slo)}`, text: slo }],
      serviceCell({ service, environment }),
      [share(remaining), ...(corrected === null ? [] : [withoutCorrections(corrected)])],
      [week === null ? 'unknown' : `${share(week)} of the budget`],
      [burns ? 'fires' : 'no'],
    ]),
    path: '/console/slos',
  };
}

/** The errors of the week count all periods, because users had them. */
function correctedText(all: TeamDigest['budgets']): string {
  const count = all.filter(({ corrected }) => corrected !== null).length;
  return count === 0
    ? ''
    : ` Corrections leave periods out of ${count === 1 ? 'one budget' : `${count} budgets`}; the errors of this week include them.`;
}

type Corrected = NonNullable<TeamDigest['budgets'][number]['corrected']>;

/** Names the budget that counts everything, so that no period is left out silently. */
const withoutCorrections = ({ corrections, uncorrected_remaining: all }: Corrected): string =>
  ` (${all === null ? 'unknown' : share(all)} without ${counted(corrections, 'correction')})`;

function freezes({ freezes: { began, seconds, items } }: TeamDigest): DigestSection {
  return {
    id: 'freezes',
    title: 'Freezes',
    summary:
      items.length === 0
        ? 'No freeze was in force.'
        : `${counted(began, 'freeze')} began. At least one was in force for ${duration(seconds)}.`,
    columns: ['Freeze', 'Cause', 'Since', 'Until', 'In force this week'],
    rows: items.map(({ scope, cause, starts_at: from, ended_at: until, seconds: length }) => [
      [{ link: '/console/freezes', text: scope }],
      [CAUSE_WORDS[cause]],
      [{ at: from }],
      [until === null ? 'still in force' : { at: until }],
      [duration(length)],
    ]),
    path: '/console/freezes',
  };
}

const TASKS: Readonly<Record<ToilTask, string>> = {
  rollback: 'Rollback',
  runbookStep: 'Step of a runbook',
  page: 'Page',
  channel: 'Incident channel',
};

const minutesText = (minutes: number | null): string =>
  minutes === null ? '' : minutes === 0 ? '0 min' : duration(minutes * 60);

function toil({
  team,
  incidents: { items },
  toil: { tasks, saved_minutes: saved, spent_minutes: spent, simulated },
}: TeamDigest): DigestSection {
  const done = tasks.filter(({ automatic, by_people: people }) => automatic + (people ?? 0) > 0);
  const [byFirebreak, byPeople] = [
    done.reduce((sum, { automatic }) => sum + automatic, 0),
    done.reduce((sum, { by_people: people }) => sum + (people ?? 0), 0),
  ];
  const minutes =
    saved === null
      ? ' Set toilMinutes in response.yaml to see the minutes saved.'
      : ` Saved: ${minutesText(saved)}. With people: ${minutesText(spent ?? 0)}. Each task counts with the minutes in response.yaml.`;
  const sandbox =
    simulated === 0
      ? ''
      : ` ${counted(simulated, 'task')} in the sandbox ${simulated === 1 ? 'does' : 'do'} not count.`;
  return {
    id: 'toil',
    title: 'Toil saved',
    summary:
      done.length === 0
        ? simulated === 0
          ? 'No task of incident response was done.'
          : `No task of incident response was done outside the sandbox, where ${counted(simulated, 'task')} ${simulated === 1 ? 'was' : 'were'} done. Tasks in the sandbox save nobody time.`
        : `${counted(byFirebreak, 'task')} done automatically, ${byPeople} by people or with their approval.${minutes}${sandbox}`,
    columns: ['Task', 'Automatic', 'With people', 'Minutes each', 'Saved', 'Incidents'],
    rows: done.map(
      ({ task, automatic, by_people: people, minutes_each: each, saved_minutes: savedMinutes, incidents: ids }) => [
        [TASKS[task]],
        [String(automatic)],
        [people === null ? 'not recorded' : String(people)],
        [each === null ? 'not set' : String(each)],
        [savedMinutes === null ? 'unknown' : minutesText(savedMinutes)],
        linksTo(
          ids.map((id) => items.find((one) => one.id === id) ?? { id }),
          team,
        ),
      ],
    ),
    path: digestPath(team),
  };
}

function linksTo(all: readonly Named[], team: string | null): Text {
  const shown = all
    .slice(0, LINKED_MAX)
    .flatMap((one, n): Text => [...(n === 0 ? [] : [', ']), { link: incidentPath(one), text: incidentName(one) }]);
  const more = all.length - LINKED_MAX;
  return more > 0 ? [...shown, ', ', { link: `${digestPath(team)}#incidents`, text: `${more} more` }] : shown;
}

function noisy({ noisy: { days, items } }: TeamDigest): DigestSection {
  return {
    id: 'noisy',
    title: 'Noisy alerts',
    summary:
      items.length === 0
        ? `No alert fired often in ${days} days without an action and without a runbook.`
        : `${counted(items.length, 'alert')} fired often in ${days} days: nobody acted, and no runbook says what to do.`,
    columns: ['Alert', 'Service', 'Fired', 'Incidents', 'Pages'],
    rows: items.map(({ name, service, environment, times, incidents: count, pages, newest }) => [
      newest === null ? [{ link: '/console/inbox#noisy', text: name }] : incidentLink(newest, name),
      serviceCell({ service, environment }),
      [`${times} times`],
      [String(count)],
      [String(pages)],
    ]),
    path: '/console/inbox#noisy',
  };
}

const originPath = ({ incident_id: incident, experiment_id: experiment }: Origin): string =>
  incident !== null
    ? postmortemPath(incident)
    : experiment !== null
      ? experimentPath(experiment)
      : '/console/action-items';
type Origin = Pick<TeamDigest['overdue'][number], 'incident_id' | 'experiment_id'>;

function overdue({ overdue: items }: TeamDigest): DigestSection {
  return {
    id: 'overdue',
    title: 'Overdue action items',
    summary: items.length === 0 ? 'No action item is overdue.' : `${counted(items.length, 'action item')} overdue.`,
    columns: ['Item', 'Due', 'Owner', 'Priority', 'Service'],
    rows: items.map(({ title, due, owner, priority, service, ...of }) => [
      [{ link: originPath(of), text: title }],
      [due ?? 'no date'],
      [owner ?? 'no owner'],
      [priority ?? 'none'],
      [service],
    ]),
    path: '/console/action-items?status=overdue',
  };
}
