import { expect, test } from 'vitest';
import { Refusal } from '../../../core/domain/refusal.ts';
import { refusalText } from '../../../entrances/slack/execution/process-request.ts';
import { ServicesFile } from '../../../schemas/config/config.ts';

const config = ServicesFile.parse({ services: { checkout: {} } });

test.each([
  ['no version of checkout is known to be good', 'No version of checkout is known to be good.'],
  ["it can't be undone", "It can't be undone."],
  [
    'checkout in dev is not in the catalogue; see services.yaml',
    'checkout in dev is not in the catalogue; see services.yaml.',
  ],
  ['json: service: checkout: is unknown', 'checkout: is unknown.'],
  ['v2 was deployed to staging', 'v2 was deployed to staging.'],
  ['cart-api has no access to service checkout', 'cart-api has no access to service checkout.'],
])('names stay as they are written: %s', (detail, text) => {
  expect(refusalText(new Refusal(422, 'invalid', detail), config)).toBe(text);
});
