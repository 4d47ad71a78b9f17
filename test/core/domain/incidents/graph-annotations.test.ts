import { describe, expect, test } from 'vitest';
import {
  changeAnnotation,
  incidentAnnotation,
  annotationTag,
} from '../../../../core/domain/incidents/graph-annotations.ts';
import { ChangeKind, ChangeStatus } from '../../../../schemas/changes/change.ts';
import type { Version } from '../../../../schemas/config/names.ts';
import { plusSeconds } from '../../../../schemas/time/time.ts';
import { change, INCIDENT, NOON } from '../../arbitraries.ts';
import { incident } from '../../stories.ts';

describe('the annotation of an incident', () => {
  test('is a region from its start, which ends when it is resolved', () => {
    expect(incidentAnnotation(incident())).toEqual({
      from: NOON,
      until: null,
      tags: ['incident', annotationTag(INCIDENT), 'checkout', 'production', 'critical'],
      text: 'Incident: checkout production: errors',
    });
    const over = plusSeconds(NOON, 600);
    expect(incidentAnnotation(incident({ status: 'resolved', resolved_at: over }))).toMatchObject({
      from: NOON,
      until: over,
    });
  });

  test('has the version of its first suspect', () => {
    const suspect = (version: string) => ({
      change_id: change(version, 9).id,
      version: version as Version,
      confidence: 1,
      reasons: [],
    });
    expect(incidentAnnotation(incident({ suspects: [suspect('v2'), suspect('v1')] })).tags).toContain('v2');
    expect(incidentAnnotation(incident({ suspects: [suspect('v2'), suspect('v1')] })).tags).not.toContain('v1');
  });

  test('has a unique tag', () => {
    expect(annotationTag('a')).not.toBe(annotationTag('b'));
  });
});

describe('the annotation of a change', () => {
  test('is a region for the duration of the roll-out', () => {
    const one = change('v2', 10, { author: 'ada', previous_version: change('v1', 20).version });
    expect(changeAnnotation(one)).toEqual({
      from: one.started_at,
      until: one.finished_at,
      tags: ['deploy', annotationTag(one.id), 'checkout', 'production', 'v2'],
      text: 'Deploy: checkout production v2 (was v1) by ada',
    });
  });

  test.each([
    ['in progress', { status: 'started', finished_at: null } as const],
    ['that ended when it began', { finished_at: change('v2', 10).started_at }],
    ['that ended before it began', { finished_at: plusSeconds(change('v2', 10).started_at, -1) }],
  ])('%s is a point', (_, more) => {
    expect(changeAnnotation(change('v2', 10, more)).until).toBeNull();
  });

  test('shows the status unless it succeeded', () => {
    expect(changeAnnotation(change('v2', 10, { status: 'failed' })).text).toBe('Deploy: checkout production v2 failed');
  });

  test('of a hotfix has the tag of deploys, and its text names the kind', () => {
    const { tags, text } = changeAnnotation(change('v2', 10, { kind: 'hotfix' }));
    expect([tags[0], text]).toEqual(['deploy', 'Hotfix: checkout production v2']);
  });

  test('has a text for every kind and status', () => {
    for (const kind of ChangeKind.options)
      for (const status of ChangeStatus.options)
        expect(changeAnnotation(change('v2', 10, { kind, status })).text).not.toMatch(/undefined|null|\[object/);
  });
});
