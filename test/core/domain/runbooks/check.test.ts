import { expect, test } from 'vitest';
import { checkRunbook } from '../../../../core/domain/runbooks/check.ts';
import { secretNamesOf } from '../../../../core/domain/runbooks/secret-names.ts';
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
    ['9: another step has the ID "a"'],
  ],
  ['steps:\n  - id: a\n    uses: restart', ['6: step "a": restart requires a timeout (add "timeout: 10m")']],
  [
    'steps:\n  - id: a\n    uses: wait.until\n    with: { promql: up, min: 1 }',
    ['6: step "a": wait.until requires a timeout (add "timeout: 10m")'],
  ],
  [
    http(''),
    ['6: step "a": changes something, but does not say how to undo it (add "inverse: …", or "irreversible: true")'],
  ],
  [
    http('    irreversible: true\n    inverse: { uses: restart }'),
    ['10: step "a": has both an inverse and "irreversible" (keep one of them)'],
  ],
  [
    http('    inverse: { uses: http, with: { method: GET, url: "https://x.test" } }'),
    ['9: step "a": its inverse changes nothing (use a method that undoes the step)'],
  ],
  [
    'steps:\n  - id: a\n    uses: http\n    with: { method: GET, url: "https://x.test/a" }\n    irreversible: true\n    blastRadius: { times: 2 }',
    [
      '8: step "a": changes nothing, so there is nothing to undo (remove it)',
      '9: step "a": changes nothing, so there is nothing to limit (remove "blastRadius")',
    ],
  ],
  [
    'steps:\n  - id: a\n    uses: rollback\n    timeout: 9m\n    inverse: { uses: restart }',
    ['8: step "a": rollback cannot be undone (remove "inverse")'],
  ],
  [
    'steps:\n  - id: a\n    uses: scale\n    timeout: 9m\n    with:\n      to: 12\n      ceiling: 10',
    ['9: step "a": 12 is above its ceiling of 10 (raise the ceiling, or lower the count)'],
  ],
  ['onFailure: undo', ['4: "undo" on failure, but the runbook has no undo (add "undo: reverse")']],
  [
    'onFailure:\n  steps:\n    - { id: a, uses: note, with: { text: x }, onFailure: stop }',
    ['6: a failure step cannot have its own "onFailure"'],
  ],
  // Expressions.
  ['when: labels.team + 1 == 2', ['4: labels.team + 1 == 2: no such overload: string + int, in labels.team + 1']],
  ['when: labels.team', ['4: labels.team: its type is string, not bool']],
  ['when: label.team == "x"', ['4: label.team == "x": Unknown variable: label (did you mean "labels"?)']],
  [
    'when: incident.servce == "x"',
    ['4: incident.servce == "x": No such key: servce, in incident.servce (did you mean "service"?)'],
  ],
  ['when: incident.severity == "page"', ['4: incident.severity is never "page" (one of critical, warning, info)']],
  ['when: suspect.kind == "flag"', ['4: suspect is null if there is none (check first: suspect != null && …)']],
  ['when: suspect != null && suspect.versoin == "1"', ['4: suspect has no "versoin" (did you mean "version"?)']],
  [
    'when: decision != null && decision.kind == "rollback"',
    ['4: decision.kind is never "rollback" (did you mean "roll_back"?)'],
  ],
  [
    'steps:\n  - id: a\n    uses: verify\n    when: steps.b.status == "failed"\n  - { id: b, uses: verify }',
    ['7: step "b" has not ended at this point (refer only to steps of earlier stages)'],
  ],
  [
    'steps:\n  - id: p\n    parallel:\n      - { id: a, uses: verify }\n      - { id: b, uses: verify, when: steps.a.status == "failed" }',
    ['8: step "a" has not ended at this point (refer only to steps of earlier stages)'],
  ],
  [
    'steps:\n  - { id: first, uses: verify }\n  - { id: b, uses: verify, when: steps.frist.status == "failed" }',
    ['6: steps.frist.status == "failed": No such key: frist, in steps.frist (did you mean "first"?)'],
  ],
  [
    'steps:\n  - { id: a, uses: verify }\n  - { id: b, uses: verify, when: steps.a.status == "success" }',
    ['6: steps.a.status is never "success" (one of pending, succeeded, failed, skipped, declined, withdrawn)'],
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
    ['9: an alert must not determine an address: labels.path (use a literal value, or an input)'],
  ],
  [
    'steps:\n  - id: a\n    uses: flag.disable\n    timeout: 1m\n    with: { flag: "${{ annotations.flag }}" }',
    ['8: an alert must not determine which flag: annotations.flag (use a literal value, or an input)'],
  ],
  [
    'steps:\n  - id: a\n    uses: wait.until\n    timeout: 1m\n    with: { promql: "${{ labels.query }} < 1", max: "${{ double(labels.max) }}" }',
    [
      '8: an alert must not determine a query: labels.query (use a literal value, or an input)',
      '8: an alert must not determine a threshold: labels.max (use a literal value, or an input)',
    ],
  ],
  [
    'steps:\n  - id: a\n    uses: scale\n    timeout: 1m\n    with: { to: "${{ int(labels.n) }}", ceiling: 3 }',
    ['8: an alert must not determine how many: labels.n (use a literal value, or an input)'],
  ],
  [
    'steps:\n  - id: a\n    uses: slack.post\n    with: { channel: "${{ incident.title }}", text: x }',
    ['7: an alert must not determine which channel: incident.title (use a literal value, or an input)'],
  ],
  [
    [
      'steps:',
      '  - { id: a, uses: http, irreversible: true, timeout: 1m,',
      '      with: { method: POST, url: "https://x.test", body: "${{ labels.host }}" } }',
      '  - { id: b, uses: flag.disable, timeout: 1m, with: { flag: "${{ steps.a.output.flag }}" } }',
    ].join('\n'),
    [
      '7: an alert must not determine which flag: steps.a, which contains text from an alert (use a literal value, or an input)',
    ],
  ],
  // Secrets.
  [
    http('    irreversible: true').replace(
      '"https://x.test/a" }',
      '"https://x.test/a?token=abc", headers: { X-Api-Key: abc } }',
    ),
    [
      '8: header X-Api-Key contains the value of a secret (name it in "auth", such as { bearer: OPS_TOKEN })',
      '8: contains the value of a secret (name it in "auth", such as { bearer: OPS_TOKEN })',
    ],
  ],
  [
    `steps: [{ id: a, uses: note, with: { text: "call with ${['gh', 'p_'].join('')}0123456789abcdef0123" } }]`,
    ['4: contains the value of a secret (name it in "auth", such as { bearer: OPS_TOKEN })'],
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
