import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { withoutChildren, openChildren, openChildrenWords } from '../../../../core/domain/incidents/children.ts';
import type { IncidentId } from '../../../../schemas/config/names.ts';

const one = (id: string, parent?: string) => ({
  id: id as IncidentId,
  ...(parent !== undefined && { parent_id: parent as IncidentId }),
});

describe('incidents listed individually are', () => {
  test('those without a parent, and children whose parent is not in the list', () => {
    const open = [one('alone'), one('parent'), one('part', 'parent'), one('orphan', 'gone')];
    expect(withoutChildren(open).map(({ id }) => id)).toEqual(['alone', 'parent', 'orphan']);
  });

  test('each, or its parent: no open incident is hidden', () => {
    const ids = ['a', 'b', 'c', 'd', 'e'];
    const anyOpen = fc.uniqueArray(
      fc.record({ id: fc.constantFrom(...ids), parent: fc.option(fc.constantFrom('p', 'q'), { nil: undefined }) }),
      { selector: ({ id }) => id },
    );
    fc.assert(
      fc.property(anyOpen, fc.subarray(['p', 'q']), (parts, parents) => {
        const open = [...parts.map(({ id, parent }) => one(id, parent)), ...parents.map((id) => one(id))];
        const told = new Set(withoutChildren(open).map(({ id }) => id));
        for (const { id, parent_id } of open.map((each) => ({ parent_id: undefined, ...each })))
          expect(told.has(id) || (parent_id !== undefined && told.has(parent_id))).toBe(true);
        expect(told.has('p' as IncidentId)).toBe(parents.includes('p'));
      }),
    );
  });
});

describe('the children resolved with a parent', () => {
  test.each([
    [[], null],
    [[{ status: 'resolved', firing: 0 }], null],
    [[{ status: 'open', firing: 1 }], '1 child incident with 1 firing alert'],
    [
      [
        { status: 'open', firing: 3 },
        { status: 'mitigated', firing: 0 },
        { status: 'resolved', firing: 2 },
        { status: 'mitigating', firing: -1 },
      ],
      '3 child incidents with 3 firing alerts',
    ],
    [[{ status: 'mitigated', firing: 0 }], '1 child incident with no firing alerts'],
  ] as const)('%j: %s', (parts, expected) => {
    expect(openChildrenWords(openChildren(parts.map((incident) => ({ incident }))))).toBe(expected);
  });
});
