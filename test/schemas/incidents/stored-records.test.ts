import { Reason } from '../../../schemas/incidents/reason.ts';
import { expect, test } from 'vitest';
import { blankIncident } from '../../../core/domain/incidents/new-incident.ts';
import { Effect } from '../../../schemas/incidents/incident.ts';
import {
  StoredChange,
  StoredDecision,
  StoredEffect,
  StoredIncident,
  StoredSignal,
} from '../../../schemas/incidents/stored-records.ts';
import { change } from '../../core/arbitraries.ts';
import { signal } from '../../support/signals.ts';

const NEWER = { of_a_newer_version: { some: 'thing' } };

const effect = {
  key: 'k',
  kind: 'page',
  target: 'pagerduty',
  class: 'keyed',
  state: 'succeeded',
  at: '2026-11-20T12:00:00.000Z',
  detail: '',
};

const incident = {
  ...blankIncident,
  id: '01TEST0000000000000000000A',
  service: 'checkout',
  environment: 'production',
  title: 'it fails',
  severity: 'warning',
  opened_at: '2026-11-20T12:00:00.000Z',
  trace: '',
};

test('records of a newer version can be read: unknown fields are ignored, and unknown values are harmless', () => {
  expect(StoredEffect.parse({ ...effect, ...NEWER, kind: 'fax', class: 'twice', state: 'maybe' })).toEqual({
    ...effect,
    kind: 'http',
    class: 'once-or-ask',
    state: 'intended',
  });
  const told = { ...incident, ...NEWER, status: 'snoozed', severity: 'page', verification: 'doubtful' };
  expect(StoredIncident.parse(told)).toEqual({
    ...incident,
    status: 'open',
    severity: 'critical',
    verification: 'inconclusive',
  });
  expect(StoredChange.parse({ ...change('v1', 5), ...NEWER, kind: 'spell', status: 'odd' })).toMatchObject({
    kind: 'config',
    status: 'cancelled',
  });
  expect(StoredSignal.parse({ ...signal(), ...NEWER, source: 'pigeon', severity: 'dire' })).toMatchObject({
    source: 'generic',
    severity: 'critical',
  });
  expect(StoredDecision.shape.kind.parse('pray')).toBe('none');
  expect(StoredDecision.shape.because.parse('full_moon')).toBe('unknown');
  expect(Reason.parse({ code: 'full_moon', text: 'the moon is full' })).toEqual({
    code: 'unknown',
    text: 'the moon is full',
  });
});

test('known values are read unchanged, and other types are refused', () => {
  expect(StoredEffect.parse(effect)).toEqual(Effect.parse(effect));
  expect(() => StoredEffect.parse({ ...effect, kind: 7 })).toThrow();
  expect(() => StoredIncident.parse({ ...incident, status: undefined })).toThrow();
});
