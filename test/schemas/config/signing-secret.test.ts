import { expect, test } from 'vitest';
import { signingSecretFault } from '../../../schemas/config/signing-secret.ts';

const keyOf = (bytes: number): string => `whsec_${Buffer.alloc(bytes, 7).toString('base64')}`;

test.each([
  ['an empty key', 'whsec_', /0 bytes/],
  ['a key of padding', 'whsec_==', /0 bytes/],
  ['a short key', keyOf(15), /15 bytes/],
  ['a key that is not base64', 'whsec_not base64 at all!', /not base64/],
  ['a truncated key', `${keyOf(18)}A`, /not base64/],
  ['a blank', ' ', /empty/],
  ['a short text', '1234567', /7 characters/],
])('%s is refused', (_, secret, fault) => {
  expect(signingSecretFault(secret)).toMatch(fault);
});

test.each([keyOf(16), keyOf(17), keyOf(32), keyOf(16).replace(/=+$/, ''), `${keyOf(24)}\n`, '12345678'])(
  '%j is accepted',
  (secret) => {
    expect(signingSecretFault(secret)).toBeNull();
  },
);

test('a list is as weak as its weakest secret', () => {
  expect(signingSecretFault('next-secret, current-secret', 'several')).toBeNull();
  expect(signingSecretFault('next-secret,', 'several')).toBeNull();
  expect(signingSecretFault('next-secret, x', 'several')).toMatch(/1 character/);
  expect(signingSecretFault(' , ', 'several')).toBe('is empty');
  expect(signingSecretFault('a,long-secret')).toBeNull();
});
