import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ModalView } from '../../../core/domain/ports/slack.ts';
import { VERBS } from '../../../entrances/slack/commands/index.ts';
import { ModalContext, EMPTY_CONTEXT } from '../../../entrances/slack/modals/form.ts';
import { PeopleFile } from '../../../schemas/people/people.ts';
import { INCIDENT, opened, World } from '../../entrances/slack/support.ts';
import { messageProblems, modalProblems, suggestionProblems } from '../../support/block-kit.ts';
import { foreign } from '../../support/foreign-text.ts';
import { wildName } from './wild-stories.ts';
import { runs } from '../../support/runs.ts';

/** Checks every modal against Slack's reference, empty and with arbitrary content. */

const text = fc.option(foreign, { nil: null });
const anyAbout: fc.Arbitrary<ModalContext> = fc
  .record({
    incident: fc.constantFrom(null, INCIDENT.id),
    channel: fc.constantFrom(null, 'C2147483705'),
    message: fc.option(
      fc.record({
        ts: fc.constant('1795157380.000100'),
        text: foreign.map((one) => one.slice(0, 1000).toWellFormed()),
      }),
      { nil: null },
    ),
    response_url: fc.nat(900).map((length) => `https://hooks.slack.com/actions/${'x'.repeat(length)}`),
    version: fc.option(wildName, { nil: null }),
  })
  .map((about) => ModalContext.parse(about));

const catalogue = (environments: readonly string[]) => ({
  services: { checkout: { environments } },
  people: PeopleFile.parse({}),
});

const anyModal: fc.Arbitrary<() => Promise<ModalView>> = fc
  .record({
    about: fc.oneof(fc.constant(EMPTY_CONTEXT), anyAbout),
    words: text,
    environments: fc.array(wildName, { maxLength: 120 }),
    user: fc.constantFrom(null, 'U024BE7LH'),
  })
  .chain(({ about, words, environments, user }) =>
    fc.constantFrom(
      () => opened(VERBS.declare, about, { title: words }),
      () => opened(VERBS.declare, about, { title: words }, { catalogue: catalogue(environments) }),
      () => opened(VERBS.severity, about),
      () => opened(VERBS.update, about),
      () => opened(VERBS.handover, about, { user, brief: null }),
      () => opened(VERBS.resolve, about),
    ),
  );

test("a modal with any content is within Slack's limits", async () => {
  await fc.assert(
    fc.asyncProperty(anyModal, async (open) => {
      expect(modalProblems(await open())).toEqual([]);
    }),
    { numRuns: runs(80) },
  );
});

test("a modal returns its metadata, except for text that doesn't fit", async () => {
  await fc.assert(
    fc.asyncProperty(anyAbout, async (about) => {
      const { private_metadata: metadata } = await opened(VERBS.resolve, about);
      const back = ModalContext.parse(JSON.parse(metadata));
      expect({ ...back, message: back.message?.ts }).toEqual({ ...about, message: about.message?.ts });
    }),
  );
});

describe('an environment with a name that is too long for a menu', () => {
  const long = 'e'.repeat(200);
  const field = async (environments: readonly string[]) => {
    const view = await opened(VERBS.declare, EMPTY_CONTEXT, null, { catalogue: catalogue(environments) });
    return view.blocks as { element: { type: string } }[];
  };

  test('uses a text field', async () => {
    expect((await field([long]))[2]?.element.type).toBe('plain_text_input');
    expect((await field([long, 'production']))[2]?.element.type).toBe('plain_text_input');
  });
});

test('suggestions while a user types', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(wildName, { maxLength: 150 }), async (names) => {
      const world = new World();
      const services = Object.fromEntries(names.map((name) => [name, { environments: [] }]));
      world.catalogue = { services, people: PeopleFile.parse({}) };
      const { body } = await world.interact({
        type: 'block_suggestion',
        user: { id: 'U2147483697' },
        team: { id: 'T0001' },
        action_id: 'service',
        block_id: 'service',
        value: '',
      });
      expect(suggestionProblems(JSON.parse(body))).toEqual([]);
    }),
    { numRuns: runs(40) },
  );
});

test('the response to a command', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('/incident', '/rollback', '/freeze'), foreign, async (command, typed) => {
      const world = new World();
      const { status, body } = await world.command(command, typed);
      expect(status).toBe(200);
      expect(world.views.flatMap(({ view }) => modalProblems(view))).toEqual([]);
      if (body === '') return;
      const { response_type: type, ...message } = JSON.parse(body) as Record<string, unknown>;
      expect(type).toBe('ephemeral');
      expect(messageProblems(message)).toEqual([]);
    }),
  );
});
