import {
  withAcknowledgement,
  isAcknowledged,
  withoutAcknowledgement,
} from '../../../../core/domain/paging/acknowledgement.ts';
import { describe, expect, test } from 'vitest';
import { blankIncident } from '../../../../core/domain/incidents/new-incident.ts';
import {
  acknowledged,
  assigned,
  claimed,
  handedOver,
  left,
  stakeholderUpdate,
  triaged,
} from '../../../../core/domain/people/roles.ts';
import { IncidentRecord } from '../../../../schemas/incidents/incident.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';

const at = '2026-11-20T12:00:00.000Z' as Timestamp;
const ada = { name: 'ada', shown: 'Ada', slack: 'U1' };
const bob = { name: 'bob', shown: 'Bob', slack: null };

const incident = (more: object = {}): IncidentRecord =>
  IncidentRecord.parse({
    ...blankIncident,
    id: '01JCYZ7Q8M3N5P7R9T1V3X5Z7B',
    service: 'checkout',
    environment: 'production',
    title: 'Errors',
    severity: 'critical',
    opened_at: at,
    trace: 'trace',
    ...more,
  });

const led = incident({ roles: { commander: { ...ada, at } } });

describe('roles', () => {
  test('taking command acknowledges the incident, once', () => {
    expect(claimed('commander', ada, at)(incident())).toMatchObject({
      roles: { commander: { ...ada, at } },
      handling: { acknowledged: { by: 'ada', at } },
      timeline: { actor: 'ada', text: 'Took the commander role' },
    });
    expect(claimed('commander', { ...ada, name: ' Ada' }, at)(led)).toBeUndefined();
    expect(claimed('commander', bob, at)(led)?.timeline?.text).toBe('Took the commander role from Ada');
  });

  test('taking another role does not', () => {
    expect(claimed('scribe', ada, at)(incident())?.handling).toBeUndefined();
  });

  test('are assigned and left', () => {
    expect(assigned('scribe', bob, 'ada', at)(led)).toMatchObject({
      roles: { scribe: { ...bob, at } },
      timeline: { actor: 'ada', text: 'Assigned the scribe role to Bob' },
    });
    expect(left('commander', ada)(led)).toMatchObject({ roles: { commander: null } });
    expect(left('commander', bob)(led)).toBeUndefined();
  });

  test('command is handed over with a summary, and not to its holder', () => {
    expect(handedOver(bob, 'ada', 'Watch the queue', at)(led)?.timeline?.text).toBe(
      'Handed over command to Bob. Watch the queue',
    );
    expect(handedOver(ada, 'bob', 'x', at)(led)).toBeUndefined();
  });
});

describe('actions of people', () => {
  test('the first acknowledgement counts', () => {
    expect(acknowledged('ada', at)(incident())?.handling).toEqual({ acknowledged: { by: 'ada', at, page: 0 } });
    expect(acknowledged('bob', at)(incident({ handling: { acknowledged: { by: 'ada', at } } }))).toBeUndefined();
  });

  test('until the next page', () => {
    const acknowledgedBefore = incident({ pages: 2, handling: { acknowledged: { by: 'ada', at, page: 1 } } });
    expect(acknowledged('bob', at)(acknowledgedBefore)?.handling).toEqual({ acknowledged: { by: 'bob', at, page: 2 } });
    expect(withAcknowledgement(acknowledgedBefore, { by: 'bob', at, page: 1 })).toEqual({}); // late event about the first page
    const acknowledgedBoth = incident({ pages: 2, handling: { acknowledged: { by: 'ada', at, page: 2 } } });
    expect(isAcknowledged({ ...acknowledgedBoth, ...withoutAcknowledgement(acknowledgedBoth, 2, at) })).toBe(false);
    expect(withoutAcknowledgement(acknowledgedBefore, 2, at).handling.acknowledged).toBeUndefined();
  });

  test('confirming the severity adds a timeline entry; a change has its own', () => {
    expect(triaged('critical', 'ada', at)(incident())?.timeline?.text).toBe('Confirmed the severity critical');
    expect(triaged('info', 'ada', at)(incident())).toEqual({ handling: { triaged: { by: 'ada', at } } });
    expect(triaged('info', 'bob', at)(incident({ handling: { triaged: { by: 'ada', at } } }))).toBeUndefined();
  });

  test('each update counts, and its text is stored for later readers', () => {
    expect(
      stakeholderUpdate({ by: 'ada', at, text: 'better' })(
        incident({ handling: { stakeholder_update: { by: 'bob', at } } }),
      ),
    ).toMatchObject({
      handling: { stakeholder_update: { by: 'ada', at, text: 'better' } },
      timeline: { kind: 'incident.update', text: 'better' },
    });
  });
});
