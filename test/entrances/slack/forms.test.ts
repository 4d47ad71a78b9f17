import { expect, test } from 'vitest';
import { View } from '../../../schemas/slack/view.ts';
import type { ActionRequest } from '../../../entrances/slack/commands/lookup.ts';
import { EMPTY_CONTEXT, FIELDS } from '../../../entrances/slack/modals/form.ts';
import { readSubmission } from '../../../entrances/slack/modals/submission.ts';
import { FORMS } from './support.ts';

const view = (callback_id: string, values: Record<string, string | null>, private_metadata = ''): View =>
  View.parse({
    id: 'V1',
    callback_id,
    private_metadata,
    state: {
      values: Object.fromEntries(
        Object.entries(values).map(([field, value]) => [field, { any: { type: 'plain_text_input', value } }]),
      ),
    },
  });

const { service, environment, severity, title, text, user, target, duration, reason, freeze, uses, incident } = FIELDS;

const COMPLETE: [string, Record<string, string>, (ActionRequest & Record<string, unknown>) | undefined][] = [
  [
    FORMS.declare,
    { [service]: 'checkout', [severity]: 'sev1', [title]: 'Down\nsince deploy', [environment]: '' },
    {
      act: 'declare',
      service: 'checkout',
      environment: null,
      severity: 'critical',
      title: 'Down since deploy',
      from: null,
    },
  ],
  [FORMS.severity, { [severity]: 'info' }, { act: 'severity', severity: 'info', note: null }],
  [
    FORMS.update,
    { [text]: ' We are on it ', [duration]: '30 min' },
    { act: 'update', text: 'We are on it', nextSeconds: 1800, publish: true },
  ],
  [FORMS.handover, { [user]: 'U1' }, { act: 'handover', user: 'U1', brief: null }],
  [FORMS.handover, { [user]: 'U1', [text]: 'EU is fine' }, { act: 'handover', user: 'U1', brief: 'EU is fine' }],
  [
    FORMS.freeze,
    { [target]: 'checkout, search', [duration]: '2 h', [reason]: 'audit' },
    { act: 'freeze_open', targets: ['checkout', 'search'], environment: null, seconds: 7200, reason: 'audit' },
  ],
  [
    FORMS.override,
    { [freeze]: 'frz_1', [duration]: '1h', [reason]: 'fix', [uses]: '2' },
    { act: 'freeze_override', freeze: 'frz_1', seconds: 3600, reason: 'fix', uses: 2, version: null },
  ],
  [
    FORMS.freeze,
    { [environment]: 'production', [duration]: '2 hours', [reason]: 'audit' },
    { act: 'freeze_open', targets: [], environment: 'production', seconds: 7200, reason: 'audit' },
  ],
  [FORMS.resolve, {}, { act: 'resolve', note: null }],
  // Without the message, there is nothing to add.
  [FORMS.pin, {}, undefined],
];

test.each(COMPLETE)('%s is read, regardless of the IDs of its elements', (callback, values, request) => {
  expect(readSubmission(view(callback, values))).toEqual({
    ok: true,
    dialog: expect.objectContaining({ id: callback }),
    request,
    modalContext: EMPTY_CONTEXT,
    named: null,
  });
});

test('its context is returned, and unknown context is ignored', () => {
  const id = '01JCYZ7Q8M3N5P7R9T1V3X5Z7B';
  const about = (metadata: string) => readSubmission(view(FORMS.resolve, {}, metadata));
  expect(about(JSON.stringify({ incident: id, channel: 'C1' }))).toMatchObject({
    modalContext: { incident: id, channel: 'C1' },
  });
  expect(about('{"incident":"INC-42","channel":"C1"}')).toMatchObject({
    modalContext: { incident: null, channel: 'C1' },
  });
  expect(about('{')).toMatchObject({ modalContext: EMPTY_CONTEXT });
  expect(about('[]')).toMatchObject({ modalContext: EMPTY_CONTEXT });
});

test('the selected incident applies, regardless of the reference', () => {
  const id = '01JCYZ7Q8M3N5P7R9T1V3X5Z7B';
  const read = (value: string) => readSubmission(view(FORMS.resolve, { [incident]: value }));
  expect(read(id)).toMatchObject({ ok: true, modalContext: { incident: id }, named: null });
  expect(read('#Incident-2611201')).toMatchObject({
    ok: true,
    modalContext: { incident: null },
    named: { channel: null, name: 'incident-2611201' },
  });
  expect(read('incident-2611201')).toMatchObject({ ok: true, named: { channel: null, name: 'incident-2611201' } });
  expect(read('the one of this morning')).toMatchObject({ ok: false, errors: { incident: expect.any(String) } });
});

test.each([
  ['0m', 'shorter than a second'],
  ['-5m', 'negative'],
  ['99999w', 'a year'],
  ['soon', 'is not a duration'],
])('a freeze for %s has an error at its field', (told, why) => {
  const read = readSubmission(view(FORMS.freeze, { [target]: 'checkout', [reason]: 'audit', [duration]: told }));
  expect(read).toMatchObject({ ok: false, errors: { duration: expect.stringContaining(why) } });
});

test('a freeze without a target has an error at its field', () => {
  expect(readSubmission(view(FORMS.freeze, { [reason]: 'audit' }))).toMatchObject({
    ok: false,
    errors: { target: expect.stringContaining('Enter a service, a team, or an environment') },
  });
});

test('all errors are reported together', () => {
  const read = readSubmission(view(FORMS.override, { [uses]: '0', [reason]: '\u200b' }));
  expect(read).toMatchObject({ ok: false });
  expect(Object.keys((read as { errors: object }).errors).toSorted()).toEqual(
    [freeze, reason, duration, uses].toSorted(),
  );
});

test('the message of a modal is added to the timeline', () => {
  const message = { ts: '1795157380.000100', text: 'EU is fine', author: 'U1' };
  expect(readSubmission(view(FORMS.pin, {}, JSON.stringify({ channel: 'C1', message })))).toMatchObject({
    request: { act: 'pin', channel: 'C1', ...message },
  });
});

test('other modals are ignored', () => {
  expect(readSubmission(view('theirs', {}))).toBeUndefined();
});
