import { expect, test } from 'vitest';
import { checkRunbook } from '../../../domain/runbooks/check.ts';
import { secretNamesOf } from '../../../domain/runbooks/secret-names.ts';
import { runbook } from './support.ts';

/** Line 1 contains the hyphens; lines 2 and 3 contain `title` and `match`. */
const problems = (head: string): string[] =>
  checkRunbook(runbook(head)).map(
    ({ line, message, suggestion }) => `${line}: ${message}${suggestion ? ` (${suggestion})` : ''}`,
  );

const http = (more: string) =>
  `steps:\n  - id: a\n    uses: http\n    timeout: 1m\n    with: { method: POST, url: "https://x.test/a" }\n${more}`;

test.each([
  ['inputs: { n: { default: x } }\nwhen: inputs.n == "x"\nsteps: [{ id: a, uses: verify }]'],
  [http('    irreversible: true')],
  [http('    inverse: { uses: http, with: { method: DELETE, url: "https://x.test/${{ steps.a.output.id }}" } }')],
  [
    'steps:\n  - { id: a, uses: note, with: { text: x } }\n  - { id: b, uses: verify, when: steps.a.status == "failed" }',
  ],
  ['steps: [{ id: a, uses: note, when: suspect != null, with: { text: "${{ suspect.version }}" } }]'],
  ['undo: reverse\nonFailure: undo'],
])('no problems in %j', (head) => {
  expect(problems(head)).toEqual([]);
});

test.each<[string, string[]]>([
  [
    'steps:\n  - { id: a, uses: verify }\n  - id: p\n    parallel:\n      - { id: b, uses: verify }\n      - { id: a, uses: verify }',
    ['9: another step is called "a", too'],
  ],
  ['steps:\n  - id: a\n    uses: restart', ['6: step "a": restart needs a time-out (add "timeout: 10m")']],
  [
    'steps:\n  - id: a\n    uses: wait.until\n    with: { promql: up, min: 1 }',
    ['6: step "a": wait.until needs a time-out (add "timeout: 10m")'],
  ],
  [
    http(''),
    ['6: step "a": changes something and does not say how to take it back (add "inverse: …", or "irreversible: true")'],
  ],
  [
    http('    irreversible: true\n    inverse: { uses: restart }'),
    ['10: step "a": has an inverse and is irreversible (one of them is meant)'],
  ],
  [
    http('    inverse: { uses: http, with: { method: GET, url: "https://x.test" } }'),
    ['9: step "a": its inverse changes nothing (use the method that takes it back)'],
  ],
  [
    'steps:\n  - id: a\n    uses: http\n    with: { method: GET, url: "https://x.test/a" }\n    irreversible: true\n    blastRadius: { times: 2 }',
    [
      '8: step "a": changes nothing, so there is nothing to take back (leave it away)',
      '9: step "a": changes nothing, so there is nothing to cap (leave "blastRadius" away)',
    ],
  ],
  [
    'steps:\n  - id: a\n    uses: rollback\n    timeout: 9m\n    inverse: { uses: restart }',
    ['8: step "a": rollback cannot be taken back (leave "inverse" away)'],
  ],
  [
    'steps:\n  - id: a\n    uses: scale\n    timeout: 9m\n    with:\n      to: 12\n      ceiling: 10',
    ['9: step "a": 12 is above its ceiling of 10 (raise the ceiling, or ask for fewer)'],
  ],
  ['onFailure: undo', ['4: "undo" on failure, and the runbook takes nothing back (add "undo: reverse")']],
  [
    'onFailure:\n  steps:\n    - { id: a, uses: note, with: { text: x }, onFailure: stop }',
    ['6: what is done about a failure has no "onFailure" of its own'],
  ],
  // Expressions.
  ['when: labels.team + 1 == 2', ['4: labels.team + 1 == 2: no such overload: string + int, in labels.team + 1']],
  ['when: labels.team', ['4: labels.team: gives string, and not true or false']],
  ['when: label.team == "x"', ['4: label.team == "x": Unknown variable: label (did you mean "labels"?)']],
  [
    'when: incident.servce == "x"',
    ['4: incident.servce == "x": No such key: servce, in incident.servce (did you mean "service"?)'],
  ],
  ['when: incident.severity == "page"', ['4: incident.severity is never "page" (one of critical, warning, info)']],
  ['when: suspect.kind == "flag"', ['4: suspect is null where there is none (ask first: suspect != null && …)']],
  ['when: suspect != null && suspect.versoin == "1"', ['4: suspect has no "versoin" (did you mean "version"?)']],
  [
    'when: decision != null && decision.kind == "rollback"',
    ['4: decision.kind is never "rollback" (did you mean "roll_back"?)'],
  ],
  [
    'steps:\n  - id: a\n    uses: verify\n    when: steps.b.status == "failed"\n  - { id: b, uses: verify }',
    ['7: step "b" has not ended by then (only steps of earlier stages can be asked about)'],
  ],
  [
    'steps:\n  - id: p\n    parallel:\n      - { id: a, uses: verify }\n      - { id: b, uses: verify, when: steps.a.status == "failed" }',
    ['8: step "a" has not ended by then (only steps of earlier stages can be asked about)'],
  ],
  [
    'steps:\n  - { id: first, uses: verify }\n  - { id: b, uses: verify, when: steps.frist.status == "failed" }',
    ['6: steps.frist.status == "failed": No such key: frist, in steps.frist (did you mean "first"?)'],
  ],
  [
    'steps:\n  - { id: a, uses: verify }\n  - { id: b, uses: verify, when: steps.a.status == "success" }',
    ['6: steps.a.status is never "success" (one of pending, succeeded, failed, skipped, declined)'],
  ],
  [
    'steps:\n  - id: a\n    uses: note\n    with:\n      text: "${{ inputs.flag }}"',
    ['8: inputs.flag: No such key: flag'],
  ],
  [
    'inputs: { region: { type: string, default: eu } }\nsteps:\n  - id: rejoin\n    uses: note\n    with:\n      text: "${{ inputs.reigon }} ${{ inputs.statu }}"',
    ['9: inputs.reigon: No such key: reigon (did you mean "region"?)', '9: inputs.statu: No such key: statu'],
  ],
  // Text from an alert never determines URLs, targets, or thresholds.
  [
    'steps:\n  - id: a\n    uses: http\n    with:\n      method: GET\n      url: "https://x.test/${{ labels.path }}"',
    ['9: an alert may not say an address: labels.path (write it out, or use an input)'],
  ],
  [
    'steps:\n  - id: a\n    uses: flag.disable\n    timeout: 1m\n    with: { flag: "${{ annotations.flag }}" }',
    ['8: an alert may not say which flag: annotations.flag (write it out, or use an input)'],
  ],
  [
    'steps:\n  - id: a\n    uses: wait.until\n    timeout: 1m\n    with: { promql: "${{ labels.query }} < 1", max: "${{ double(labels.max) }}" }',
    [
      '8: an alert may not say a query: labels.query (write it out, or use an input)',
      '8: an alert may not say a threshold: labels.max (write it out, or use an input)',
    ],
  ],
  [
    'steps:\n  - id: a\n    uses: scale\n    timeout: 1m\n    with: { to: "${{ int(labels.n) }}", ceiling: 3 }',
    ['8: an alert may not say how many: labels.n (write it out, or use an input)'],
  ],
  [
    'steps:\n  - id: a\n    uses: slack.post\n    with: { channel: "${{ incident.title }}", text: x }',
    ['7: an alert may not say which channel: incident.title (write it out, or use an input)'],
  ],
  [
    [
      'steps:',
      '  - { id: a, uses: http, irreversible: true, timeout: 1m,',
      '      with: { method: POST, url: "https://x.test", body: "${{ labels.host }}" } }',
      '  - { id: b, uses: flag.disable, timeout: 1m, with: { flag: "${{ steps.a.output.flag }}" } }',
    ].join('\n'),
    ["7: an alert may not say which flag: steps.a, which was told an alert's words (write it out, or use an input)"],
  ],
  // Secrets.
  [
    http('    irreversible: true').replace(
      '"https://x.test/a" }',
      '"https://x.test/a?token=abc", headers: { X-Api-Key: abc } }',
    ),
    [
      '8: header X-Api-Key would hold a secret by value (name it under "auth", such as { bearer: OPS_TOKEN })',
      '8: a secret by value (name it under "auth", such as { bearer: OPS_TOKEN })',
    ],
  ],
  [
    `steps: [{ id: a, uses: note, with: { text: "call with ${['gh', 'p_'].join('')}0123456789abcdef0123" } }]`,
    ['4: a secret by value (name it under "auth", such as { bearer: OPS_TOKEN })'],
  ],
])('%j', (head, expected) => {
  expect(problems(head)).toEqual(expected);
});

test('the names of all secrets of a runbook are found', () => {
  const call = (auth: string) => `{ method: PUT, url: "https://x.test", auth: ${auth} }`;
  const head = [
    'steps:',
    `  - { id: a, uses: http, timeout: 1m, with: ${call('{ bearer: A_TOKEN }')},`,
    `      inverse: { uses: http, with: ${call('{ basic: { user: ops, password: B_PASSWORD } }')} } }`,
    '  - id: p',
    '    parallel:',
    `      - { id: b, uses: http, timeout: 1m, irreversible: true, with: ${call('{ header: X-Key, secret: C_KEY }')} }`,
    '      - { id: c, uses: verify }',
    'onFailure:',
    `  steps: [{ id: d, uses: http, timeout: 1m, irreversible: true, with: ${call('{ webhookSignature: D_SECRET }')} }]`,
  ].join('\n');
  expect(secretNamesOf(runbook(head))).toEqual(['A_TOKEN', 'B_PASSWORD', 'C_KEY', 'D_SECRET']);
  expect(problems(head)).toEqual([]);
});
