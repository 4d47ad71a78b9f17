import { describe, expect, test } from 'vitest';
import { availability, DAY, HOUR, MINUTE, NOON, SloWorld } from './world.ts';

describe('a killed process', () => {
  /** Returns dependencies whose writes fail from the nth write on. */
  function dying(world: SloWorld, after: number) {
    let writes = 0;
    const wrap = <T extends object>(port: T): T =>
      new Proxy(port, {
        get: (own, name) => {
          const method: unknown = Reflect.get(own, name);
          if (typeof method !== 'function') return method;
          return (...given: unknown[]) => {
            if (/^(save|put|set|open|end|settle|revise|release)/.test(String(name)) && ++writes > after)
              return Promise.reject(new Error('killed'));
            return Reflect.apply(method, own, given) as unknown;
          };
        },
      });
    const { freezes, sloDays, sloStatuses, evaluationLease } = world.deps;
    return {
      deps: {
        ...world.deps,
        freezes: wrap(freezes),
        sloDays: wrap(sloDays),
        sloStatuses: wrap(sloStatuses),
        evaluationLease: wrap(evaluationLease),
      },
      died: () => writes > after,
    };
  }

  test('between any two writes leaves nothing undone after the next evaluation', async () => {
    const world = await SloWorld.open();
    world.requests(10, { from: NOON - HOUR, until: NOON + DAY });
    let boundaries = 0;
    for (let after = 0; ; after += 1) {
      const [id, service] = [`objective-${after}`, `service-${after}`];
      // A short window, so that only one or two days are stored.
      world.objectives(availability({ id, service, window: { kind: 'rolling', seconds: 3600 } }));
      const { deps, died } = dying(world, after);
      const evaluator = world.evaluator(undefined, deps);
      await world
        .evaluate(evaluator, deps)
        .catch((error: unknown) => expect(String(error)).toMatch(/killed|on record/));
      if (!died()) break;
      boundaries += 1;
      world.at(world.now + MINUTE);
      await world.evaluate(world.evaluator());
      const own = (await world.freezes()).filter(({ slo }) => slo === id);
      expect(own.map(({ cause, ended_at: at }) => `${cause} ${at}`).toSorted()).toEqual(['budget null']);
      expect((await world.status(id)).budget).toMatchObject({ coverage: 1, remaining: -999 });
      world.at(world.now + MINUTE);
    }
    expect(boundaries).toBeGreaterThan(5);
  });
});
