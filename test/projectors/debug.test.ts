import { test } from 'vitest';
import { play, slackWorld, expectShown, expectFixedPoint, SUBJECT } from './slack-world.ts';
import { readFileSync } from 'node:fs';
test('debug', async () => {
  const scenario = eval('(' + readFileSync('/tmp/case.txt', 'utf8') + ')');
  const slack = slackWorld(scenario);
  const world = slack.world as any;
  const log = (...a: unknown[]) => console.log(world.clock.now().slice(11), ...a);
  const push = world.calls.push.bind(world.calls);
  world.calls.push = (x: string) => { log('CALL', x.slice(0, 150)); return push(x); };
  for (const name of ['write', 'settle', 'intend', 'conclude', 'lease', 'release', 'renew']) {
    const old = world.projections[name].bind(world.projections);
    world.projections[name] = async (...a: any[]) => { const r = await old(...a); if (name==='write') { const {summary, topic, lines, bookmarks, ...x} = a[2]; log(name, JSON.stringify(x), 'sum', summary?.slice(0,30), Object.keys(lines ?? {})); } else log(name, JSON.stringify(a).slice(0, 250), '->', JSON.stringify(r)); return r; };
  }
  await play(slack, scenario.history);
  await expectShown(slack);
  log('--- fixed point');
  await expectFixedPoint(slack);
}, 60000);
