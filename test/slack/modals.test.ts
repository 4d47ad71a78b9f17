import { describe, expect, test } from 'vitest';
import { type About, ABOUT_NOTHING, FORMS } from '../../domain/slack/forms.ts';
import { declareModal } from '../../slack/modals/declare.ts';
import { freezeModal, overrideModal, typedDuration } from '../../slack/modals/freeze.ts';
import {
  handoverModal,
  incidentSelect,
  incidentText,
  pinModal,
  resolveModal,
  severityModal,
  updateModal,
} from '../../slack/modals/incident.ts';
import { givenView } from '../../sandbox/slack/blocks/modal-check.ts';
import { PeopleFile } from '../../schemas/people/people.ts';
import { INCIDENT } from './support.ts';

const LONG = '"<&>👩‍🚒'.repeat(2000);

const FULL: About = {
  incident: INCIDENT.id,
  channel: 'C2147483705',
  message: { ts: '1795157380.000100', text: LONG.slice(0, 1000).toWellFormed(), author: 'U1' },
  response_url: `https://hooks.slack.com/actions/${'x'.repeat(900)}`,
  version: 'v'.repeat(256),
};

const names = Array.from({ length: 150 }, (_, index) => `environment-${index}`);
const catalogue = (environments: readonly string[]) => ({
  services: { checkout: { environments } },
  people: PeopleFile.parse({}),
});

const many = (title: string) => Array.from({ length: 150 }, () => ({ ...INCIDENT, title }));

const VIEWS = (about: About, text: string | null) => ({
  [`${FORMS.declare}, names entered`]: declareModal(about, text, null),
  [`${FORMS.declare}, names searched`]: declareModal(about, text, catalogue(['production', LONG])),
  [`${FORMS.declare}, many environments`]: declareModal(about, text, catalogue(names)),
  [FORMS.severity]: severityModal(about),
  [`${FORMS.severity}, with a menu of incidents`]: severityModal(about, [incidentSelect(many(text ?? ''))]),
  [`${FORMS.severity}, with a text field for the incident`]: severityModal(about, [incidentText(text)]),
  [FORMS.pin]: pinModal(about, [incidentSelect(many(text ?? ''))]),
  [FORMS.update]: updateModal(about),
  [FORMS.handover]: handoverModal(about, text === null ? null : 'U024BE7LH'),
  [FORMS.resolve]: resolveModal(about),
  [FORMS.freeze]: freezeModal(about, {
    act: 'freeze_open',
    targets: text === null ? [] : [text, text],
    environment: text,
    seconds: text === null ? null : 123_456_789,
    reason: text,
  }),
  [FORMS.override]: overrideModal(about, {
    act: 'freeze_override',
    freeze: text,
    reason: text,
    uses: text === null ? null : 1000,
    seconds: null,
    version: null,
  }),
});

describe.each([
  ['empty', VIEWS(ABOUT_NOTHING, null)],
  ['full', VIEWS(FULL, LONG)],
])('%s', (_what, views) => {
  test.each(Object.entries(views))('%s is within the limits of Slack', (_name, view) => {
    expect(() => givenView({ view: JSON.parse(JSON.stringify(view)) })).not.toThrow();
  });
});

test.each([
  [null, null],
  [60, '1m'],
  [61, '2m'],
  [7200, '2h'],
  [9000, '2h30m'],
])('%s seconds are formatted as %s', (seconds, typed) => {
  expect(typedDuration(seconds)).toBe(typed);
});
