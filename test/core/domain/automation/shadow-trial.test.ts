import { expect, test } from 'vitest';
import { isQuietTrial } from '../../../../core/domain/automation/shadow-trial.ts';
import { Config } from '../../../../schemas/config/config.ts';
import type { IncidentRecord } from '../../../../schemas/incidents/incident.ts';
import { incident } from '../../stories.ts';

const CROWD = { because: 'many', name: '', text: '' } as const;

/** Cases of a service on trial: whether it pages, and whether it opens a channel. */
test.each<[what: string, page: boolean, channel: boolean, own: object, all?: object, more?: Partial<IncidentRecord>]>([
  ['shadow is not set', true, true, {}],
  ['shadow is set', false, false, { shadow: {} }],
  ['shadow.page is on', true, false, { shadow: { page: true } }],
  ['shadow.channel is on', false, true, { shadow: { channel: true } }],
  ['shadow is set for all services', false, false, {}, { shadow: {} }],
  ['its own setting is stronger', true, true, { shadow: { page: true, channel: true } }, { shadow: {} }],
  ['it is promoted', true, true, { shadow: {}, autoRollback: { mode: 'suggest' } }, { shadow: {} }],
  ['a person has declared it', true, true, { shadow: {} }, {}, { by_hand: true }],
  ['many fail at once', true, true, { shadow: {} }, {}, { group_reason: CROWD }],
  ['no entry of the catalogue matches', true, true, { shadow: {} }, { shadow: {} }, { unmatched: 'checkout' }],
  [
    'the environment is not in the catalogue',
    true,
    true,
    { shadow: {} },
    { shadow: {} },
    { environment: 'constructor' as IncidentRecord['environment'] },
  ],
])('if %s it pages: %s, and opens a channel: %s', (_what, page, channel, own, all = {}, more = {}) => {
  const of = incident(more);
  const config = Config.parse({
    version: 'test',
    services: { [incident().service]: { environments: { [incident().environment]: own } } },
    paging: all,
  });
  expect([isQuietTrial(of, config, 'page'), isQuietTrial(of, config, 'channel')]).toEqual([!page, !channel]);
});
