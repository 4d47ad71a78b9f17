import { expect, test } from 'vitest';
import { consoleWorld } from '../../support/console-world.ts';

const TEXT = 'check\u202Etuo\u2066\u001B[2J\u0085';

test.each(['text/html', 'text/event-stream'])('control characters are visible in %s', async (accept) => {
  const { get } = consoleWorld();
  const response = await get(`/console/services?text=${encodeURIComponent(TEXT)}`, {
    token: 'vera',
    headers: { accept },
  });
  expect(response.headers.get('content-type')).toMatch(new RegExp(`^${accept}`));
  expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
  const body = await response.text();
  expect(body).toContain('check\uFFFDtuo\uFFFD\uFFFD[2J\uFFFD');
  expect(body).not.toMatch(/[\u001b\u0085\p{Bidi_Control}]/u);
});
