import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { alert, group, minutesAgo } from '../support/alerts.ts';
import { EACH_ALONE, Firebreak } from '../support/firebreak.ts';
import { alone, BAD, GOOD, Guarded, site } from './guarded.ts';

describe('the limit across all services', () => {
  let busy: Firebreak;
  const many = new Guarded(() => busy);
  const names = Array.from({ length: 11 }, (_, n) => `busy-${n + 1}`);
  beforeAll(async () => {
    busy = await Firebreak.start({
      unshown: true,
      services: Object.fromEntries(names.map((name) => alone(name, 'act'))),
      configFiles: EACH_ALONE,
      env: { LOG_LEVEL: 'warn' },
    });
  });
  afterAll(() => busy?.remove());

  test('allows ten rollbacks, and requires approval for the eleventh', async () => {
    const [last = '', ...first] = names.toReversed();
    for (const name of names) await many.deployed(site(name), GOOD, BAD);
    await busy.post(
      '/v1/alerts/alertmanager',
      group(first.map((name) => alert({ labels: { ...site(name) }, fingerprint: name, startsAt: minutesAgo(0.5) }))),
    );
    for (const name of first) await many.mitigated(site(name));
    await many.fire(site(last));
    const one = await many.judged(site(last));
    expect(one.decisions).toMatchObject([{ kind: 'approve', because: 'organisation_limit', state: 'waiting' }]);
    expect(await many.rollbacks(site(last))).toEqual([]);
    expect((await many.answer(one, 'approve')).status).toBe(200);
    await many.mitigated(site(last));
    expect(await many.rollbacks(site(last))).toHaveLength(1);
  });
});
