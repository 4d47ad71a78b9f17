import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planOf } from '../../../../core/domain/runbooks/plan.ts';
import { resolveText, resolveWith } from '../../../../core/domain/runbooks/templates.ts';
import { declarationsOf } from '../../../../core/domain/runbooks/located-steps.ts';
import type { Variables } from '../../../../core/domain/runbooks/variables.ts';
import { parseTemplate } from '../../../../schemas/runbooks/parts/template.ts';
import { runbook, variables } from './support.ts';
import { runs } from '../../../support/runs.ts';

function resolved(step: string, given: Partial<Variables> = {}, inputs = '') {
  const book = runbook(`${inputs}steps:\n  - ${step.replaceAll('\n', '\n    ')}`);
  const [planned] = planOf(book).steps;
  if (planned === undefined) throw new Error('there is one step');
  return resolveWith(planned, declarationsOf(book), variables(given));
}

const INPUT = (value: string): Partial<Variables> => ({ inputs: { text: value } });
const TEXT = 'inputs: { text: { default: x } }\n';

test('values replace their templates', () => {
  const step =
    'id: a\nuses: note\nwith: { text: "${{ incident.service }} (tier ${{ service.tier }}): ${{ labels.none }}." }';
  expect(resolved(step)).toEqual({ ok: true, value: { text: 'checkout (tier 1): .' } });
});

test('a single expression keeps its type where a number is expected, and becomes a string where a string is expected', () => {
  const inputs = 'inputs: { n: { type: integer, default: 4 } }\n';
  const given = { inputs: { n: 4 } };
  const scale = 'id: a\nuses: scale\ntimeout: 5m\nwith: { to: "${{ inputs.n }}", ceiling: 9 }';
  expect(resolved(scale, given, inputs)).toEqual({ ok: true, value: { to: 4, ceiling: 9 } });
  expect(resolved('id: a\nuses: note\nwith: { text: "${{ inputs.n }}" }', given, inputs)).toEqual({
    ok: true,
    value: { text: '4' },
  });
});

test('a JSON body keeps the types of values', () => {
  const step =
    'id: a\nuses: http\nirreversible: true\ntimeout: 1m\n' +
    'with: { method: POST, url: "https://x.test/", body: { tier: "${{ service.tier }}", who: ["${{ incident.service }}"] } }';
  expect(resolved(step)).toMatchObject({ ok: true, value: { body: { tier: 1, who: ['checkout'] } } });
});

describe('inserted values cannot redirect a call:', () => {
  const http = 'id: a\nuses: http\nwith: { method: GET, url: "https://x.test/v1/${{ inputs.text }}?by=firebreak" }';

  test('no text changes the host, the surrounding path, or the query', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.constantFrom('.', '..', '../..', '/', '?', '#', '@x.test', '%2e')),
        (text) => {
          const found = resolved(http, INPUT(text), TEXT);
          if (!found.ok) {
            expect(['.', '..']).toContain(text);
            return;
          }
          const url = new URL((found.value as { url: string }).url);
          expect(url.origin).toBe('https://x.test');
          expect(url.search).toBe('?by=firebreak');
          expect(url.pathname).toMatch(/^\/v1\/[^/]*$/);
        },
      ),
      { numRuns: runs(60) },
    );
  });

  test.each([
    ['id: a\nuses: wait.until\ntimeout: 5m\nwith: { promql: \'up{x="${{ inputs.text }}"}\', max: 1 }', 'a"} or up{y="'],
    ['id: a\nuses: flag.disable\ntimeout: 5m\nwith: { flag: "${{ inputs.text }}" }', 'x/../y?z'],
    ['id: a\nuses: slack.post\nwith: { channel: "${{ inputs.text }}", text: x }', 'a b'],
    ['id: a\nuses: scale\ntimeout: 5m\nwith: { to: "${{ inputs.text }}", ceiling: 9 }', '9000'],
    [
      'id: a\nuses: http\nwith: { method: GET, url: "https://x.test", headers: { X-Why: "${{ inputs.text }}" } }',
      'a\r\nX-Admin: 1',
    ],
  ])('%s rejects %j', (step, text) => {
    expect(resolved(step, INPUT(text), TEXT)).toMatchObject({
      ok: false,
      detail: expect.stringMatching(/^(promql|flag|channel|to|headers): /),
    });
  });
});

test('an expression without a value is named in the error', () => {
  const step = 'id: a\nuses: note\nwhen: suspect != null\nwith: { text: "to ${{ suspect.version }}" }';
  expect(resolved(step)).toMatchObject({ ok: false, detail: expect.stringMatching(/^text: suspect\.version: /) });
});

test('a name with a failing template is shown as written', () => {
  expect(resolveText('back to ${{ suspect.version }}', { inputs: {}, steps: [] }, variables())).toBe(
    'back to ${{ suspect.version }}',
  );
});

test('expressions may contain their own delimiters', () => {
  expect(parseTemplate('a ${{ "}}" + \'${{\' }} b ${{ {"k": {"l": 1}} }}')).toEqual([
    { kind: 'text', text: 'a ' },
    { kind: 'expression', expression: '"}}" + \'${{\'' },
    { kind: 'text', text: ' b ' },
    { kind: 'expression', expression: '{"k": {"l": 1}}' },
  ]);
});

test('texts without expressions are unchanged', () => {
  fc.assert(
    fc.property(
      fc.string().filter((text) => !text.includes('${{')),
      (text) => {
        expect(parseTemplate(text)).toEqual([{ kind: 'text', text }]);
      },
    ),
  );
});
