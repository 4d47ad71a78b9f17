import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EMPTY_CONTEXT, type ModalContext } from '../../../../entrances/slack/modals/form.ts';
import { givenView } from '../../../../packages/sandbox/slack/blocks/modal-check.ts';
import { modalProblems } from '../../../../test/support/block-kit.ts';
import { FORMS, INCIDENT, opened } from '../../../../test/entrances/slack/support.ts';
import { openFreeze } from '../../slack/open.ts';
import { overrideFreeze } from '../../slack/override.ts';
import { typedDuration } from '../../slack/shared.ts';
import { runs } from '../../../../test/support/runs.ts';

const LONG = '"<&>👩‍🚒'.repeat(2000);

const FULL: ModalContext = {
  incident: INCIDENT.id,
  channel: 'C2147483705',
  message: { ts: '1795157380.000100', text: LONG.slice(0, 1000).toWellFormed(), author: 'U1' },
  response_url: `https://hooks.slack.com/actions/${'x'.repeat(900)}`,
  version: 'v'.repeat(256),
};

type Draft = { seconds: number | null; uses: number | null };

const views = (about: ModalContext, text: string | null, { seconds, uses }: Draft) => ({
  [FORMS.freeze]: opened(openFreeze, about, {
    targets: text === null ? [] : [text, text],
    environment: text,
    seconds,
    reason: text,
  }),
  [FORMS.override]: opened(overrideFreeze, about, { freeze: text, reason: text, uses, seconds, version: null }),
});

describe.each([
  ['empty', views(EMPTY_CONTEXT, null, { seconds: null, uses: null })],
  ['full', views(FULL, LONG, { seconds: 123_456_789, uses: 1000 })],
])('%s', (_what, all) => {
  test.each(Object.entries(all))('%s is within the limits of Slack', async (name, opening) => {
    const view = await opening;
    expect(view.callback_id).toBe(name);
    expect(() => givenView({ view: JSON.parse(JSON.stringify(view)) })).not.toThrow();
  });
});

const anyDraft = fc.record({
  text: fc.option(fc.string({ unit: 'grapheme', maxLength: 4000 }), { nil: null }),
  seconds: fc.option(fc.nat(), { nil: null }),
  uses: fc.option(fc.integer({ min: 1, max: 1000 }), { nil: null }),
});

test("a modal with any content is within Slack's limits", async () => {
  await fc.assert(
    fc.asyncProperty(anyDraft, async ({ text, ...draft }) => {
      for (const view of Object.values(views(EMPTY_CONTEXT, text, draft)))
        expect(modalProblems(await view)).toEqual([]);
    }),
    { numRuns: runs(50) },
  );
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
