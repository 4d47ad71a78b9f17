import type { Config } from '../../../schemas/config/config.ts';
import type { IncidentRecord } from '../../../schemas/incidents/incident.ts';
import { clockText, plusSeconds } from '../../../schemas/time/time.ts';
import { lastingTitle } from '../alerts/lasting-title.ts';
import { list } from '../correlation/words.ts';
import type { Overview } from '../messages/story.ts';
import { VERIFICATION_SECONDS } from '../rollback/verdict.ts';
import { waitsForHealth } from './closing.ts';
import { ageText } from '../time/age.ts';

/** Alerts and incidents that are named. */
const NAMED_MAX = 3;

/**
 * Returns what keeps an incident open, a clause each. Empty: it is resolved.
 *
 * @param timeScale factor by which the verification window is shortened
 */
export function keepsOpen(
  { incident, signals, children, childCount }: Overview,
  { paging }: Pick<Config, 'paging'>,
  timeScale: number,
): string[] {
  const { status, verification, verifying, firing, group_reason: group, waits_for_health: waits } = incident;
  const quietText = ageText((paging.autoResolveHours * 3600) / timeScale);
  const lastSeen = incident.last_seen_alerts ?? 0;
  if (status === 'resolved') return [];
  const names =
    group === undefined
      ? signals.filter((signal) => signal.status === 'firing').map(({ title }) => lastingTitle(title))
      : children.filter((child) => child.status !== 'resolved').map(({ service }) => service);
  const named = [...new Set(names)].slice(0, NAMED_MAX);
  const until = verifying?.at === undefined ? null : plusSeconds(verifying.at, VERIFICATION_SECONDS / timeScale);
  const why = [
    ...(firing <= 0
      ? []
      : [
          group === undefined
            ? `${firing} ${firing === 1 ? 'alert fires' : 'alerts fire'}: ${list(named)}`
            : `${firing} of ${childCount} incidents of this group are open: ${list(named)}`,
        ].map((text) => (firing > named.length ? `${text} and others` : text).replace(/: ( and others)?$/, ''))),
    ...(status === 'mitigating' ? ['a mitigation is in progress'] : []),
    ...(status !== 'mitigating' && verification === 'pending'
      ? [`the mitigation is being verified${until === null ? '' : ` until ${clockText(until)}`}`]
      : []),
    ...(verification === 'failed' ? ['the mitigation did not help'] : []),
    ...(verification === 'inconclusive' ? ['the verification of the mitigation was inconclusive'] : []),
    ...(waits !== undefined && waitsForHealth(incident)
      ? [
          `its alerts have ended, but health was above its limit then: it closes when health is within it, or as not verified at ${clockText(waits.until)}`,
        ]
      : []),
    ...openedWithoutAlert(incident).map((opened) =>
      firing > 0
        ? `${opened}, so that the end of its alerts does not close it`
        : `${opened}; a person resolves it, or it closes as not verified after ${quietText} without activity`,
    ),
    ...(lastSeen > 0
      ? [
          `no end was reported of ${lastSeen === 1 ? 'an alert that was' : `${lastSeen} alerts that were`} last seen over a day ago; after ${quietText} without activity, it closes as not verified${status === 'mitigated' && verification === 'passed' ? ', unless health is within its limit then' : ''}`,
        ]
      : []),
  ];
  return why.length > 0 ? why : ['its alerts have ended, and it closes when they stay quiet'];
}

/** Says what opened an incident that does not close when no alert fires. Empty: its alerts did. */
export function openedWithoutAlert({
  by_hand,
  by_event,
  reopened_by,
}: Pick<IncidentRecord, 'by_hand' | 'by_event' | 'reopened_by'>): string[] {
  if (by_hand === true) return [`a person ${reopened_by === undefined ? 'declared' : 'reopened'} it`];
  return by_event === true ? ['an event opened it, whose end nobody reports'] : [];
}
