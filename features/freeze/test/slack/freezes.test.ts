import * as fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { withPorts } from '../../ports.ts';
import { openTable, type TableStores } from '../../../../test/core/stores/stores.ts';
import { featuresOn } from '../../../../test/support/feature-deps.ts';
import { ADA, BOB, buttonsIn, ChatWorld, typed } from '../../../../test/entrances/slack/commands/chat-world.ts';
import { anyCharacter } from '../../../../test/support/any-character.ts';
import { NewChange } from '../../../../schemas/changes/change.ts';
import { runs } from '../../../../test/support/runs.ts';

let stores: TableStores;
let chat: ChatWorld;
let names = 0;
/** Each test has its own service. */
let service: string;

beforeAll(async () => {
  stores = await openTable();
});
afterAll(() => stores.close());

beforeEach(() => {
  chat = new ChatWorld();
  Object.assign(chat.deps, { features: featuresOn(stores.table, chat.deps) });
  service = `checkout-${(names += 1)}`;
  configure();
});

function configure(freeze: object = {}): void {
  const known = { team: `team-of-${service}`, environments: { production: {} } };
  chat.configure({}, { services: { [service]: known }, freeze });
}

const freezes = async () => (await withPorts(chat.deps).freezes.current()).filter((one) => one.service === service);

test('a service is frozen for a duration, and the freeze is lifted once by the name of the service', async () => {
  const opened = chat.heard(typed(ADA, '/freeze', `open ${service} 2h load test`));
  await chat.deliver(opened);
  expect(chat.answer()).toMatch(new RegExp(`^Frozen: ${service}, until 2026-11-20 14:00 UTC \\(frz_`));
  await chat.deliver(opened);
  const [freeze] = await freezes();
  expect(freeze).toMatchObject({ cause: 'person', reason: 'load test', opened_by: `slack:${ADA}` });
  expect(await freezes()).toHaveLength(1);

  expect(await chat.says(BOB, '/freeze', `status ${service}`)).toContain(
    ': load test\nsince 2026-11-20 12:00 UTC, until 2026-11-20 14:00 UTC',
  );
  expect(buttonsIn(chat.sent.at(-1)?.message ?? { summary: '', parts: [] })).toEqual([
    { verb: 'lift_freeze', freeze: freeze?.id },
  ]);
  expect(await chat.says(BOB, '/freeze', `lift ${service} it is over`)).toMatch(/^Freeze lifted: /);
  expect(await chat.presses(ADA, { verb: 'lift_freeze', freeze: freeze?.id ?? '' })).toBe(
    'Superseded: the freeze has ended already, at 2026-11-20 12:00 UTC by bob.',
  );
});

test('one of two freezes of a service must be named by its ID', async () => {
  for (const reason of ['one', 'two']) await chat.says(ADA, '/freeze', `open ${service} 2h ${reason}`);
  expect(await chat.says(ADA, '/freeze', `lift ${service} over`)).toMatch(/has 2 freezes\. Name one by its ID:/);
  expect(await freezes()).toHaveLength(2);
});

test('a team is frozen by its name', async () => {
  await chat.says(ADA, '/freeze', `open team-of-${service} 2h load test`);
  expect((await withPorts(chat.deps).freezes.current()).map(({ team }) => team)).toContain(`team-of-${service}`);
});

test.each(['team:', 'Team:', 'TEAM:', ''])('a team is found in any letter case: %s', async (prefix) => {
  const name = `Team-Of-${service.toUpperCase()}`;
  expect(await chat.says(ADA, '/freeze', `open ${prefix}${name} 2h load test`)).toMatch(/^Frozen: /);
  expect((await withPorts(chat.deps).freezes.current()).map(({ team }) => team)).toContain(`team-of-${service}`);
  expect(await chat.says(ADA, '/freeze', `status ${prefix}${name}`)).toContain(
    `Deploys of services of team-of-${service} are frozen:`,
  );
});

test('the answer contains the end of the freeze', async () => {
  expect(await chat.says(ADA, '/freeze', `open ${service} 2 hours load test`)).toMatch(/until 2026-11-20 14:00 UTC/);
  expect(await chat.says(ADA, '/freeze', `open ${service} load test`)).toMatch(/until a person lifts it/);
});

test('an environment is frozen for all services', async () => {
  const environment = `env-${service}`;
  configure({
    calendar: [
      {
        name: 'x',
        environments: [environment],
        from: '2020-01-01T00:00:00Z',
        until: '2020-01-02T00:00:00Z',
        reason: 'x',
      },
    ],
  });
  await chat.says(ADA, '/freeze', `open env=${environment} 30m black friday`);
  const own = (await withPorts(chat.deps).freezes.current()).filter((one) => one.environment === environment);
  expect(own).toMatchObject([{ service: null, team: null, reason: 'black friday', until: '2026-11-20T12:30:00.000Z' }]);
  expect(await chat.says(ADA, '/freeze', 'lift env=nowhere it is over')).toMatch(
    /^No freeze applies only to env=nowhere\./,
  );
  expect(await chat.says(ADA, '/freeze', `lift env=${environment} it is over`)).toMatch(
    /^Freeze lifted: all services in/,
  );
});

test('the status of an unknown service is an error', async () => {
  await chat.says(ADA, '/freeze', `open ${service} 2h load test`);
  expect(await chat.says(ADA, '/freeze', `status ${service}x`)).toMatch(
    new RegExp(`^There is no service or team "${service}x"\\. Did you mean "${service}"\\?`),
  );
  const known = await chat.says(ADA, '/freeze', `status ${service}`);
  expect(await chat.says(ADA, '/freeze', `status ${service.toUpperCase()}`)).toBe(known);
  expect(await chat.says(ADA, '/freeze', 'status nope')).toMatch(
    /^There is no service or team "nope"\. Nothing was done/,
  );
  expect(await chat.says(ADA, '/freeze', 'status team:nope')).toMatch(/^There is no team "nope"/);
});

test.each([
  ['production 1h x', 'production', '2026-11-20T13:00:00.000Z', 'x'],
  ['Production load test', 'production', null, 'load test'],
  ['two hours db', null, '2026-11-20T14:00:00.000Z', 'db'],
  ['production a couple of hours R', 'production', '2026-11-20T14:00:00.000Z', 'R'],
  ['half a day audit', null, '2026-11-21T00:00:00.000Z', 'audit'],
])('the environment and the duration in "%s" are recognized', async (text, environment, until, reason) => {
  expect(await chat.says(ADA, '/freeze', `open ${service} ${text}`)).toMatch(/^Frozen: /);
  expect(await freezes()).toMatchObject([{ environment, until, reason }]);
});

test.each([
  [
    'SERVICE produ 1h x',
    /has no environment "produ"\. Known environments: production\. Did you mean "production"\? Nothing was done/,
  ],
  ['SERVICE produ is on fire', /Did you mean "production"\? Nothing was done.*reason="…".*You wrote: is on fire/],
  ['SERVICE qa 1h x', /has no environment "qa"\. Known environments: production\. Nothing was done/],
  ['SERVICE env=produ 1h x', /has no environment "produ"/],
  ['team:team-of-SERVICE stagin 1h x', /^team team-of-SERVICE has no environment "stagin"/],
  ['SERVICE production 0m x', /^"0m" is shorter than a second.*Nothing was done/],
  ['env=produ 1h x', /^No service has an environment "produ"\. .*Did you mean "production"\? Nothing was done/],
])('"%s" freezes nothing, and the answer has the reason', async (text, said) => {
  const before = (await withPorts(chat.deps).freezes.current()).length;
  const answer = await chat.says(ADA, '/freeze', `open ${text.replace('SERVICE', service)}`);
  expect(answer).toMatch(new RegExp(said.source.replace('SERVICE', service)));
  expect(await withPorts(chat.deps).freezes.current()).toHaveLength(before);
});

test('an environment that deployments spell otherwise is frozen as the configuration spells it', async () => {
  const started_at = chat.world.clock.now();
  await chat.deps.changes.record(
    NewChange.parse({ service, environment: 'Production', version: 'v1', started_at, finished_at: started_at }),
  );
  await chat.says(ADA, '/freeze', `open ${service} env=PRODUCTION 1h x`);
  expect(await freezes()).toMatchObject([{ environment: 'production' }]);
});

test('of several services, all are frozen or none', async () => {
  expect(await chat.says(ADA, '/freeze', `open ${service},${service}x 2h load test`)).toMatch(/Nothing was done/);
  expect(await freezes()).toEqual([]);
});

test('the status of a team lists the freezes of its services, which are lifted by its name', async () => {
  const team = `team-of-${service}`;
  expect(await chat.says(ADA, '/freeze', `status ${team}`)).toBe(`No freeze applies to services of ${team}.`);
  await chat.says(ADA, '/freeze', `open team:${team} 2h load test`);
  for (const name of [team, `team:${team}`])
    expect(await chat.says(ADA, '/freeze', `status ${name}`)).toContain(`Deploys of services of ${team} are frozen:`);
  expect(await chat.says(ADA, '/freeze', `unfreeze ${team} it is over`)).toMatch(/^Freeze lifted: services of/);
});

test('an unknown service is not frozen', async () => {
  expect(await chat.says(ADA, '/freeze', `open ${service}x 2h load test`)).toMatch(
    /^Unknown service .* did you mean .* Nothing was done\.You wrote: load test$/i,
  );
  expect(await freezes()).toEqual([]);
});

test('an override lets deploys through', async () => {
  await chat.says(ADA, '/freeze', `open ${service} 2h load test`);
  const [freeze] = await freezes();
  const given = chat.heard(typed(BOB, '/freeze', `override ${freeze?.id} the fix uses=2 1h`));
  await chat.deliver(given);
  expect(chat.answer()).toMatch(
    /^Override created: 2 deployments until 2026-11-20 13:00 UTC .*\n⚠️ .* any version; set a version/,
  );
  await chat.deliver(given);
  expect((await freezes())[0]?.overrides).toMatchObject([{ requested_by: `slack:${BOB}`, uses: 2, reason: 'the fix' }]);
});

test('an override for one version has no warning', async () => {
  await chat.says(ADA, '/freeze', `open ${service} 2h load test`);
  const [freeze] = await freezes();
  const said = await chat.says(BOB, '/freeze', `override ${freeze?.id} the fix version=v7 1h`);
  expect(said).toMatch(/^Override created: 1 deployment until/);
  expect(said).not.toContain('⚠️');
  expect((await freezes())[0]?.overrides).toMatchObject([{ version: 'v7' }]);
});

test('an override that requires two people is approved with a button that the entire channel sees', async () => {
  configure({ policies: [{ match: {}, overrides: { people: 2 } }] });
  await chat.says(ADA, '/freeze', `open ${service} 2h load test`);
  const [freeze] = await freezes();
  await chat.says(ADA, '/freeze', `override ${freeze?.id} the fix`);
  expect(chat.sent.at(-1)).toMatchObject({ aloud: true });
  expect(chat.answer()).toMatch(
    new RegExp(`^ada requests an override for 1 deployment until .* the freeze of ${service} \\(load test\\)`),
  );
  const [yes] = buttonsIn(chat.sent.at(-1)?.message ?? { summary: '', parts: [] });
  if (yes?.verb !== 'approve_override') return expect.unreachable();
  expect(await chat.presses(ADA, yes)).toMatch(/another person must approve it/);
  expect(await chat.presses(BOB, yes)).toMatch(/^bob has approved the override .* It is active now\./);
  expect((await freezes())[0]?.overrides).toMatchObject([{ approved_by: `slack:${BOB}` }]);
  expect(await chat.presses(BOB, yes)).toBe('The override is already active: bob has approved it.');
  expect(chat.sent.at(-1)).toMatchObject({ aloud: false });
});

test('no freeze command text causes an error', async () => {
  const word = fc.oneof(
    fc.constantFrom(
      'open',
      'lift',
      'override',
      'status',
      service,
      `team:team-of-${service}`,
      'frz_x',
      'uses=2',
      '2h',
      '9999w',
    ),
    fc.constantFrom('env=production', 'reason="x"', 'version=v1', '__proto__', 'x'.repeat(400), ',', '*', '💥'),
    fc.string({ unit: anyCharacter, maxLength: 12 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(word, { maxLength: 5 }), async (words) => {
      expect(await chat.deliver(chat.heard(typed(ADA, '/freeze', words.join(' '))))).toBe(true);
      expect(chat.quarantined).toEqual([]);
    }),
    { numRuns: runs(50) },
  );
});
