import { describe, expect, test } from 'vitest';
import { VERBS } from '../../../entrances/slack/commands/index.ts';
import { type ModalContext, EMPTY_CONTEXT } from '../../../entrances/slack/modals/form.ts';
import { incidentSelect, incidentText } from '../../../entrances/slack/requests/which-incident.ts';
import { givenView } from '../../../packages/sandbox/slack/blocks/modal-check.ts';
import { PeopleFile } from '../../../schemas/people/people.ts';
import { FORMS, INCIDENT, opened } from './support.ts';

const LONG = '"<&>👩‍🚒'.repeat(2000);

const FULL: ModalContext = {
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

const VIEWS = (about: ModalContext, text: string | null) => ({
  [`${FORMS.declare}, names entered`]: opened(VERBS.declare, about, { title: text }),
  [`${FORMS.declare}, names searched`]: opened(
    VERBS.declare,
    about,
    { title: text },
    { catalogue: catalogue(['production', LONG]) },
  ),
  [`${FORMS.declare}, many environments`]: opened(
    VERBS.declare,
    about,
    { title: text },
    { catalogue: catalogue(names) },
  ),
  [FORMS.severity]: opened(VERBS.severity, about),
  [`${FORMS.severity}, with a menu of incidents`]: opened(VERBS.severity, about, null, {
    incidentFields: [incidentSelect(many(text ?? ''))],
  }),
  [`${FORMS.severity}, with a text field for the incident`]: opened(VERBS.severity, about, null, {
    incidentFields: [incidentText(text)],
  }),
  [FORMS.pin]: opened(VERBS.pin, about, null, { incidentFields: [incidentSelect(many(text ?? ''))] }),
  [FORMS.update]: opened(VERBS.update, about),
  [FORMS.handover]: opened(VERBS.handover, about, { user: text === null ? null : 'U024BE7LH', brief: null }),
  [FORMS.resolve]: opened(VERBS.resolve, about),
});

describe.each([
  ['empty', VIEWS(EMPTY_CONTEXT, null)],
  ['full', VIEWS(FULL, LONG)],
])('%s', (_what, views) => {
  test.each(Object.entries(views))('%s is within the limits of Slack', async (name, opening) => {
    const view = await opening;
    expect(view.callback_id).toBe(name.split(',')[0]);
    expect(() => givenView({ view: JSON.parse(JSON.stringify(view)) })).not.toThrow();
  });
});
