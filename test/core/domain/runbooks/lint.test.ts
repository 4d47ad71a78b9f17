import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lint } from '../../../../core/domain/runbooks/lint.ts';
import { problemText } from '../../../../core/domain/lint/problem.ts';
import { select } from '../../../../core/domain/runbooks/select.ts';
import { ServicesFile } from '../../../../schemas/config/config.ts';
import type { Runbook } from '../../../../schemas/runbooks/runbook.ts';
import { runbook, variables } from './support.ts';
import { runs } from '../../../support/runs.ts';

/** Parses each file with its front matter; files without steps get steps that change nothing. */
const books = (heads: Record<string, string>): Runbook[] =>
  Object.entries(heads).map(([name, head]) => runbook(head, `${name}.md`));

const found = (heads: Record<string, string>, services?: Parameters<typeof lint>[1]): string[] =>
  lint({ runbooks: books(heads) }, services).map(problemText);

const OFF = (flag: string) => `steps: [{ id: off, uses: flag.disable, with: { flag: ${flag} }, timeout: 1m }]`;

describe('unreachable', () => {
  test.each([
    ['match: [severity=critical, severity=warning]'],
    ['match: [team=~"a|b", team!~"a|b|c"]'],
    ['match: [team=~"pay.*", team!~"pay.*"]'],
    ['match: [team="", team!=""]'],
    ['match: [team=~".+", team=""]'],
    ['match: service=search\nservices: checkout'],
    ['match: severity=critical\nseverity: [warning]'],
  ])('%s', (head) => {
    expect(found({ a: head })).toEqual([
      expect.stringMatching(/^a\.md:[23]: unreachable: no alert can meet all of its matchers \(/),
    ]);
  });

  test('with a severity that Firebreak does not have', () => {
    expect(found({ a: 'match: severity=page' })).toEqual([
      'a.md:3: unreachable: no alert can meet all of its matchers (severity is always critical, warning, or info here, whatever the label of the alert)',
    ]);
  });

  test('an impossible alternative is reported without excluding the runbook', () => {
    expect(found({ a: 'match:\n  any:\n    - team=a\n    - [team=a, team=b]' })).toEqual([
      'a.md:6: warning: no alert can meet all of these matchers (other matchers still apply)',
    ]);
  });

  test.each([['match: [team=~"pay.*", team!~"payments|payroll"]'], ['match: [a=~"x.*y", a=~"x.*z"]'], ['match: {}']])(
    'not %s, as far as can be determined',
    (head) => {
      expect(found({ a: head })).toEqual([]);
    },
  );
});

describe('shadowed', () => {
  test.each([
    ['match: {}\npriority: 1', 'match: team=a'],
    ['match: team=~"a|b"\npriority: 1', 'match: [team=a, service=x]'],
    ['match: { any: [team=a, team=b] }\npriority: 1', 'match: team=~"a|b"'],
    ['match: team=~"pay.*"\npriority: 1', 'match: [team=~"pay.*", tier=1]'],
    ['match: team!=c\npriority: 1', 'match: team=~"a|b"'],
    ['match: {}', 'match: {}'],
  ])('%j takes all alerts from %j', (first, second) => {
    expect(found({ a: first, b: second })).toEqual([
      'b.md:3: shadowed: every matching alert goes to a, which comes first (raise its "priority", or make the matchers of the other runbook more specific)',
    ]);
  });

  test('by several runbooks together', () => {
    expect(
      found({ a: 'match: team=a\npriority: 2', b: 'match: team!=a\npriority: 1', c: 'match: service=checkout' }),
    ).toEqual([expect.stringMatching(/^c\.md:3: shadowed: every matching alert goes to an earlier runbook \(a, b\)/)]);
  });

  test.each([
    ['match: {}\npriority: 1\nwhen: labels.x == "y"', 'match: team=a'],
    ['match: team=~"a|b"\npriority: 1', 'match: team=~"a|b|c"'],
    ['match: [team=a, service=x]\npriority: 1', 'match: team=a'],
    ['match: team=~"pay.*"\npriority: 1', 'match: team=~"p.*"'],
  ])('not if %j leaves alerts for %j', (first, second) => {
    expect(found({ a: first, b: second })).toEqual([]);
  });
});

describe('conflicting', () => {
  test('if only the file names decide between two actions', () => {
    expect(found({ a: `match: team=a\n${OFF('x')}`, b: `match: service=s\n${OFF('y')}` })).toEqual([
      'b.md:3: conflicts with a: some alerts match both runbooks, which have the same priority and different steps (give one of them a higher "priority")',
    ]);
  });

  test.each([
    [`match: team=a\npriority: 1\n${OFF('x')}`, `match: service=s\n${OFF('y')}`],
    [`match: team=a\n${OFF('x')}`, `match: service=s\n${OFF('x')}`],
    [`match: team=a\n${OFF('x')}`, `match: team=b\n${OFF('y')}`],
    ['match: team=a', 'match: service=s'],
  ])('not %j and %j', (first, second) => {
    expect(found({ a: first, b: second })).toEqual([]);
  });
});

test.each<[string, string[]]>([
  ['when: "false"', ['a.md:4: "when" is never true: the runbook never runs (delete it, or correct "when")']],
  ['when: 1 == 2 && true', ['a.md:4: "when" is never true: the runbook never runs (delete it, or correct "when")']],
  ['when: true', ['a.md:4: warning: "when" is always true (remove it)']],
  [
    'steps:\n  - { id: x, uses: verify, when: false }',
    ['a.md:5: "when" is never true: step "x" never runs (delete it, or correct "when")'],
  ],
  [
    'inputs:\n  zone: { required: true }',
    [
      'a.md:5: warning: input "zone" is required, but alerts provide no inputs: only a person can start this runbook (add a default, unless this is intended)',
    ],
  ],
])('%j', (head, expected) => {
  expect(found({ a: head })).toEqual(expected);
});

test('two runbooks with the same name', () => {
  expect(found({ a: 'match: x=a', 'sub/a': 'match: x=b' })).toEqual([
    'sub/a.md:1: a.md has the same name, "a" (choose another name)',
  ]);
});

describe('with the catalogue', () => {
  const { services } = ServicesFile.parse({
    services: { checkout: { environments: { production: {} } }, search: { environments: { staging: {} } } },
  });

  test('unknown services and environments are reported with suggestions', () => {
    const head = 'match:\n  - service=serch\n  - environment="prod"\nservices:\n  - checkuot';
    expect(found({ a: head }, services)).toEqual([
      'a.md:3: unreachable: no alert can meet all of its matchers (check for contradicting matchers of one label)',
      'a.md:3: the catalogue has no service "serch" (did you mean "search"?)',
      'a.md:3: no service in the catalogue has an environment "prod"',
      'a.md:7: the catalogue has no service "checkuot" (did you mean "checkout"?)',
    ]);
    expect(found({ a: 'services: [checkout]\nenvironments: staging' }, services)).toEqual([]);
  });

  test('a service without environments accepts any environment', () => {
    const open = ServicesFile.parse({ services: { checkout: {} } }).services;
    expect(found({ a: 'environments: anywhere' }, open)).toEqual([]);
  });
});

describe('targets of traffic routes of the services that a runbook is for', () => {
  const route = (...names: string[]) => ({
    reroute: {
      regions: {
        kind: 'http',
        url: 'https://traffic.test',
        targets: Object.fromEntries(names.map((name) => [name, {}])),
      },
    },
  });
  const { services } = ServicesFile.parse({
    services: {
      checkout: { team: 'money', environments: { production: route('eu', 'us'), staging: {} } },
      search: { team: 'shop', match: { app: 'search-api' }, environments: { production: route('blue', 'green') } },
      cart: { team: 'shop', environments: { production: {} } },
      bare: { team: 'bare' },
      pay: {
        team: 'pay',
        match: { app: 'pay' },
        environments: { production: route('eu', 'us'), staging: route('a', 'b'), qa: {} },
      },
      ship: {
        team: 'ship',
        match: { app: 'ship' },
        environments: {
          production: { reroute: { ...route('eu', 'us').reroute, zones: route('eu', 'us').reroute.regions } },
        },
      },
    },
  });
  const warnings = (head: string) =>
    found(
      {
        a: `${head}\nsteps:\n  - id: away\n    uses: reroute\n    timeout: 1m\n    with: { from: eu, to: us, percent: 50, ceiling: 80 }`,
      },
      services,
    ).map((text) => text.replace(/^a.md:\d+: warning: /, ''));
  const ofSearch = (target: string) =>
    `no traffic route of search has the target "${target}" (its targets are blue, green)`;
  const ofStaging = (target: string) =>
    `no traffic route of pay in staging has the target "${target}" (its targets are a, b)`;
  const ofCart =
    'cart has no traffic route (write "reroute" of cart in services.yaml, or limit the runbook by "services")';

  test.each([
    ['match: {}\nservices: checkout', []],
    ['match: service=checkout', []],
    ['match: team=money', []],
    ['match: app=checkout-api', []],
    ['match: {}\nservices: [checkout, search]', [ofSearch('eu'), ofSearch('us')]],
    ['match: service=~"checkout|search"', [ofSearch('eu'), ofSearch('us')]],
    ['match: service=cart', [ofCart]],
    ['match: {}\nservices: [checkout, cart]', [ofCart]],
    ['match: service=bare', ['bare has no traffic route']],
    ['match: {}\nservices: bare\nenvironments: staging', ['bare has no traffic route in staging']],
    ['match: team=bare', []],
    ['match: {}\nservices: checkout\nenvironments: staging', ['checkout has no traffic route in staging']],
    // Each environment must have the targets, and one with several routes needs the name.
    ['match: service=pay', [ofStaging('eu'), ofStaging('us')]],
    ['match: {}\nservices: pay\nenvironments: production', []],
    ['match: service=ship', ['ship has several traffic routes (write "route": regions or zones)']],
    // Which service it is for is known only in a run: services without routes don't count.
    [
      'match: runbook=a',
      [ofSearch('eu'), ofSearch('us'), ofStaging('eu'), ofStaging('us'), 'ship has several traffic routes'],
    ],
    ['match: team=shop', [ofSearch('eu'), ofSearch('us')]],
  ])('%j', (head, expected) => {
    expect(warnings(head)).toEqual(expected.map((text) => expect.stringContaining(text)));
  });
});

describe('targets of traffic routes', () => {
  const targets = { 'eu-west-1': {}, 'us-east-1': {} };
  const routes = (...names: string[]) =>
    Object.fromEntries(names.map((name) => [name, { kind: 'http', url: 'https://traffic.test', targets }]));
  const { services } = ServicesFile.parse({
    services: { checkout: { environments: { production: { reroute: routes('regions') } } }, search: {} },
  });
  const shift = (given: string, more = '') =>
    found(
      { a: `match: team=a\n${more}steps:\n  - id: away\n    uses: reroute\n    timeout: 1m\n    with: ${given}` },
      services,
    );
  const inputs = 'inputs:\n  from: { type: string, default: primary }\n  to: { type: string, default: us-east-1 }\n';
  const fromInputs = "{ from: '${{ inputs.from }}', to: '${{ inputs.to }}', percent: 50, ceiling: 80 }";

  test('that the catalogue has are no problem, nor are values that only a run has', () => {
    expect(shift('{ from: eu-west-1, to: us-east-1, percent: 50, ceiling: 80 }')).toEqual([]);
    expect(shift("{ from: '${{ inputs.from }}-1', to: us-east-1, percent: 50, ceiling: 80 }", inputs)).toEqual([]);
  });

  test('that no route has are warnings, also if they are defaults of inputs', () => {
    expect(shift('{ from: eu-west-2, to: us-east-1, percent: 50, ceiling: 80 }')).toEqual([
      'a.md:8: warning: no traffic route of checkout has the target "eu-west-2" (did you mean "eu-west-1"?)',
    ]);
    expect(shift(fromInputs, inputs)).toEqual([
      'a.md:11: warning: no traffic route of checkout has the target "primary" (its targets are eu-west-1, us-east-1)',
    ]);
    expect(shift('{ route: zones, from: eu-west-1, to: us-east-1, percent: 50, ceiling: 80 }')).toEqual([
      'a.md:8: warning: checkout has no traffic route "zones" (its routes are regions)',
    ]);
    expect(shift('{ route: region, from: eu-west-1, to: us-east-1, percent: 50, ceiling: 80 }')).toEqual([
      'a.md:8: warning: checkout has no traffic route "region" (did you mean "regions"?)',
    ]);
  });

  test.each([
    ['{ from: eu-west-1, to: eu-west-1, percent: 50, ceiling: 80 }', '', 8, '"eu-west-1"'],
    [fromInputs, 'inputs:\n  from: { type: string, default: eu }\n  to: { type: string, default: eu }\n', 11, '"eu"'],
  ])('that are the same for %s are a warning, also without a catalogue', (given, more, line, target) => {
    const text = `match: team=a\n${more}steps:\n  - id: away\n    uses: reroute\n    timeout: 1m\n    with: ${given}`;
    expect(found({ a: text })).toEqual([
      `a.md:${line}: warning: from and to are the same target, ${target}, so the step fails (write the target that gets the traffic)`,
    ]);
  });
});

test('in a set without problems, every runbook answers some alert; and reported problems are true', () => {
  const values = ['', 'a', 'b', 'c', 'what none of them names'];
  const labels = ['x', 'y'];
  const anyMatcher = fc
    .tuple(
      fc.constantFrom(...labels),
      fc.constantFrom('=', '!=', '=~', '!~'),
      fc.constantFrom('', 'a', 'b', 'a|b', '.*', '.+', '(a|c)'),
    )
    .filter(([, operator, value]) => operator.includes('~') || /^[ab]?$/.test(value))
    .map(([name, operator, value]) => `${name}${operator}"${value}"`);
  const anyMatch = fc.array(fc.array(anyMatcher, { maxLength: 2 }), { minLength: 1, maxLength: 2 });
  const anySet = fc
    .array(fc.record({ any: anyMatch, priority: fc.nat(2) }), { minLength: 1, maxLength: 5 })
    .map((all) =>
      all.map(({ any, priority }, n) =>
        runbook(`match: ${JSON.stringify({ any })}\npriority: ${priority}`, `r${n}.md`),
      ),
    );
  const alerts = values.flatMap((x) =>
    values.map(
      (y) =>
        new Map([
          ['x', x],
          ['y', y],
        ]),
    ),
  );
  fc.assert(
    fc.property(anySet, (runbooks) => {
      const reached = new Set(alerts.map((alert) => select(runbooks, alert, variables()).chosen?.file));
      const told = lint({ runbooks }).filter(
        ({ level, message }) => level === 'error' && /^(unreachable|shadowed)/.test(message),
      );
      expect(new Set(told.map(({ file }) => file))).toEqual(
        new Set(runbooks.map(({ file }) => file).filter((file) => !reached.has(file))),
      );
    }),
    { numRuns: runs(60) },
  );
});
