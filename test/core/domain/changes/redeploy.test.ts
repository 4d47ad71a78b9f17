import { expect, test } from 'vitest';
import { actorOf, redeployOf, redeployText } from '../../../../core/domain/changes/redeploy.ts';
import type { Change } from '../../../../schemas/changes/change.ts';
import type { IncidentRecord } from '../../../../schemas/incidents/incident.ts';
import { before, change } from '../../arbitraries.ts';

const ONSET = before(10);

const v0 = change('v0', 600);
const v1 = change('v1', 300);
const v2 = change('v2', 60);
const v3 = change('v3', 30);

/** A change of a version minutes ago, by a person. */
const again = (version: string, minutesAgo: number, more: Partial<Change> = {}): Change => ({
  ...change(version, minutesAgo),
  id: `chg_again_${version}_${minutesAgo}` as Change['id'],
  author: 'ada',
  ...more,
});

type Suspects = Pick<IncidentRecord, 'suspects' | 'cleared'>;

const suspecting = ({ id, version }: Change, confidence = 0.9, more: Partial<Suspects> = {}): Suspects => ({
  suspects: [{ change_id: id, version, confidence, reasons: [] }],
  ...more,
});

const clearedBy = ({ id, version, service, kind, started_at }: Change): Partial<Suspects> => ({
  cleared: [{ change_id: id, version, service, kind, by: 'person:ada', at: started_at }],
});

const ofBranch = (version: string, minutesAgo: number, commit: string): Change => ({
  ...change(version, minutesAgo),
  version: `${version} (${commit.slice(0, 7)})` as Change['version'],
  id: `chg_${commit.slice(0, 7)}_${minutesAgo}` as Change['id'],
  reported_version: version as Change['version'],
  commit,
});
const [A, B] = ['1'.repeat(40), '2'.repeat(40)];

test.each<[string, Suspects, Change[], Change, string | null]>([
  ['a deploy of the version before', suspecting(v2), [v1, v2], again('v1', 5), 'v2'],
  ['a rollback', suspecting(v2), [v1, v2], again('v1', 5, { kind: 'rollback' }), 'v2'],
  ['a hotfix that is the version before', suspecting(v2), [v1, v2], again('v1', 5, { kind: 'hotfix' }), 'v2'],
  ['a deploy of a version long before', suspecting(v3), [v1, v2, v3], again('v1', 5), 'v3'],
  ['one after the suspect has failed', suspecting(v2), [v1, { ...v2, status: 'failed' }], again('v1', 5), 'v2'],
  ['one while the suspect rolls out', suspecting(v2), [v1, { ...v2, status: 'started' }], again('v1', 5), 'v2'],
  ['one after the suspect was deployed twice', suspecting(v2), [v1, v2, again('v2', 20)], again('v1', 5), 'v2'],
  [
    'the commit of a branch before',
    suspecting(ofBranch('6.4', 60, B)),
    [ofBranch('6.4', 300, A), ofBranch('6.4', 60, B)],
    ofBranch('6.4', 5, A),
    '6.4 (2222222)',
  ],
  ['a new version, such as a fix', suspecting(v2), [v1, v2], again('v3', 5), null],
  ['the suspect again', suspecting(v2), [v1, v2], again('v2', 5), null],
  ['a version after the suspect is replaced by one before it', suspecting(v2), [v1, v2, v3], again('v1', 5), 'v2'],
  [
    'a version after the suspect is replaced by another after it',
    suspecting(v1),
    [v0, v1, v2, v3],
    again('v2', 5),
    null,
  ],
  [
    'the suspect is newer than the redeploy',
    suspecting(v2),
    [change('v0', 400), v1, again('v0', 120), v2],
    again('v0', 120),
    null,
  ],
  ['not probable enough', suspecting(v2, 0.49), [v1, v2], again('v1', 5), null],
  ['no suspect', { suspects: [] }, [v1, v2], again('v1', 5), null],
  ['a person has cleared the suspect', suspecting(v2, 0.9, clearedBy(v2)), [v1, v2], again('v1', 5), null],
  ['it has not ended', suspecting(v2), [v1, v2], again('v1', 5, { status: 'started' }), null],
  ['it failed', suspecting(v2), [v1, v2], again('v1', 5, { status: 'failed' }), null],
  ["Firebreak's own rollback", suspecting(v2), [v1, v2], again('v1', 5, { kind: 'rollback', made_for: 'inc' }), null],
  [
    "a second report of Firebreak's own rollback",
    suspecting(v2),
    [v1, v2, again('v1', 6, { kind: 'rollback', made_for: 'inc' })],
    again('v1', 5),
    null,
  ],
  [
    'the suspect was undone before the version that is replaced',
    suspecting(v2),
    [v1, v2, again('v1', 40, { kind: 'rollback', made_for: 'inc' }), v3],
    again('v1', 5),
    null,
  ],
  ['the suspect was undone, and deployed again', suspecting(v2), [v1, again('v1', 70), v2, v3], again('v1', 5), 'v2'],
  ['another version runs since', suspecting(v2), [v1, v2, change('v4', 2)], again('v1', 5), null],
  ['a version that never ran', suspecting(v2), [v2], again('v1', 5), null],
  ['a flag', suspecting(v2), [v1, v2], again('v1', 5, { kind: 'flag' }), null],
  ['it ended before the problem began', suspecting(v2), [v1, v2], again('v1', 20, { finished_at: ONSET }), null],
  ['it began before the problem', suspecting(v2), [v1, v2], again('v1', 20, { finished_at: before(9) }), 'v2'],
])('%s', (_, incident, changes, redeploy, replaced) => {
  const all = [...changes.filter(({ id }) => id !== redeploy.id), redeploy];
  expect(redeployOf(incident, all, redeploy, ONSET)?.suspect.version ?? null).toBe(replaced);
});

test('the suspect may have been marked as rolled back, as when the step is repeated', () => {
  const marked = { ...v2, rolled_back_by: 'inc' };
  const redeploy = again('v1', 5);
  expect(redeployOf(suspecting(v2), [v1, marked, redeploy], redeploy, ONSET)).toEqual({
    replaced: marked,
    suspect: marked,
    undone: [marked],
  });
});

test.each<[Partial<Change>, string, string]>([
  [{ author: 'ada', reported_by: 'github' }, 'ada', ' by ada'],
  [{ author: null, reported_by: 'argo-cd' }, 'argo-cd', ' by argo-cd'],
  [{ author: null }, 'firebreak', ''],
  [{ author: 'person:ceo' }, 'firebreak', ' by person:ceo'],
])('%o is the work of %s', (more, actor, by) => {
  const redeploy = again('v1', 5, more);
  expect(actorOf(redeploy)).toBe(actor);
  expect(redeployText(redeploy, { suspect: v2, replaced: v2 })).toBe(
    `checkout v1 was deployed again${by}, which replaces v2, the probable cause. Firebreak verifies the recovery`,
  );
});
