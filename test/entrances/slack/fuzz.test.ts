import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Fixture, fixture, FORM, World } from './support.ts';
import { anyCharacter } from '../../support/any-character.ts';
import { runs } from '../../support/runs.ts';

const payloadOf = ({ body }: Fixture): unknown => JSON.parse(new URLSearchParams(body).get('payload') ?? '');

const INTERACTIONS = [
  'block-actions-approve-rollback',
  'global-shortcut-declare',
  'message-action-add-to-timeline',
  'view-submission-declare-incident',
].map((name) => payloadOf(fixture(name)));
const EVENTS = ['event-message-channel', 'event-reaction-added', 'app-rate-limited', 'url-verification'].map(
  (name) => JSON.parse(fixture(name).body) as unknown,
);

/** Replaces or removes a random part of a value. */
function mutated(value: unknown, path: readonly number[], other: unknown): unknown {
  const [at, ...rest] = path;
  if (at === undefined || typeof value !== 'object' || value === null) return other;
  const keys = Object.keys(value);
  const key = keys[at % Math.max(keys.length, 1)];
  if (key === undefined) return other;
  const inner = (value as Record<string, unknown>)[key];
  const changed = mutated(inner, rest, other);
  if (Array.isArray(value)) return value.map((item, index) => (String(index) === key ? changed : item));
  return { ...value, [key]: changed };
}

const mutation = (of: readonly unknown[]) =>
  fc
    .tuple(fc.constantFrom(...of), fc.array(fc.nat(30), { maxLength: 6 }), fc.anything())
    .map(([value, path, other]) => mutated(value, path, other));

/** Asserts that a request is processed or refused, without a server error. */
const isAnswer = (status: number) => expect([200, 400]).toContain(status);

const asJson = (value: unknown): unknown => {
  try {
    return JSON.parse(JSON.stringify(value) ?? 'null') as unknown;
  } catch {
    return null;
  }
};

test('malformed interactions cause no server error', async () => {
  await fc.assert(
    fc.asyncProperty(mutation(INTERACTIONS), async (payload) => {
      isAnswer((await new World().interact(asJson(payload))).status);
    }),
    { numRuns: runs(60) },
  );
});

test('malformed events cause no server error', async () => {
  await fc.assert(
    fc.asyncProperty(mutation(EVENTS), async (payload) => {
      isAnswer((await new World().event(asJson(payload))).status);
    }),
    { numRuns: runs(60) },
  );
});

const VERBS = [
  '/incident',
  '/rollback',
  '/freeze',
  '/deploys',
  '/firebreak',
  'declare',
  'severity',
  'assign commander <@U024BE7LH|x>',
  'open a,b 2h',
  'override x uses=2 3h',
  'lift',
  'reason="',
  '<@',
  '“',
];

test('random commands cause no server error', async () => {
  const word = fc.oneof(fc.constantFrom(...VERBS), fc.string({ unit: anyCharacter }), fc.string());
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...VERBS.slice(0, 5)),
      fc.array(word, { maxLength: 6 }),
      async (command, words) => {
        const world = new World();
        const { status, body } = await world.command(command, words.join(' '));
        expect(status).toBe(200);
        expect(() => encodeURIComponent(body)).not.toThrow(); // no lone surrogates
      },
    ),
    { numRuns: runs(60) },
  );
});

test('random bytes cause no server error', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('commands', 'interactions', 'events'),
      fc.oneof(fc.constant({ 'content-type': 'application/json' }), fc.constant(FORM)),
      fc.string({ unit: anyCharacter }),
      async (place, headers, body) => {
        const { status } = await new World().post(`/integrations/slack/${place}`, { body, headers });
        expect([200, 400, 415]).toContain(status);
      },
    ),
    { numRuns: runs(60) },
  );
});
