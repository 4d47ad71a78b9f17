import { expect, test } from 'vitest';
import { chatCompletions } from '../../vendors/chat-completions.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import { modelStandIn } from '../../../../test/support/model-stand-in.ts';

const clock = { now: () => '2026-11-20T12:00:00.000Z' as Timestamp };
const PROMPT = { instructions: 'Answer in JSON', data: '{"entries":[]}' };

async function world(more: { url?: string; key?: string; model?: string } = {}) {
  const standIn = await modelStandIn();
  const given = { url: standIn.url, key: 'sk-model-key', model: 'tiny', ...more };
  const model = chatCompletions({
    url: async () => given.url || undefined,
    key: async () => given.key || undefined,
    model: async () => given.model || undefined,
    clock,
  });
  return { ...standIn, model };
}

test('sends one request with the model, the instructions, and the data', async () => {
  const { model, asked, answers, url } = await world();
  answers.push({ content: '{"sections":[]}' });
  expect(await model.complete(PROMPT)).toEqual({ kind: 'done', value: '{"sections":[]}' });
  expect(asked).toMatchObject([
    {
      path: '/v1/chat/completions',
      headers: { authorization: 'Bearer sk-model-key' },
      body: {
        model: 'tiny',
        messages: [
          { role: 'system', content: 'Answer in JSON' },
          { role: 'user', content: '{"entries":[]}' },
        ],
        response_format: { type: 'json_object' },
      },
    },
  ]);
  expect(await model.endpoint()).toEqual({ host: new URL(url).host, model: 'tiny' });
});

test.each([{ url: '' }, { model: '' }])('is off without %j, and sends nothing', async (more) => {
  const { model, asked } = await world(more);
  expect(await model.endpoint()).toBeNull();
  expect(await model.complete(PROMPT)).toMatchObject({ kind: 'off' });
  expect(await model.check()).toMatchObject({ kind: 'off' });
  expect(asked).toEqual([]);
});

test('the check sends no data, and reports a wrong key', async () => {
  const { model, asked } = await world();
  expect(await model.check()).toEqual({ kind: 'done', value: null });
  expect(asked).toMatchObject([{ path: '/v1/models', body: undefined }]);
  const wrong = await (await world({ key: 'wrong' })).model.check();
  expect(wrong).toMatchObject({ kind: 'refused', code: 'unauthorized' });
  expect(JSON.stringify(wrong)).not.toContain('wrong');
});

test('an answer that is an error, too long, cut off, or not from the API is a failure, and is not repeated', async () => {
  const { model, asked, answers } = await world();
  const all = [
    [{ status: 500, text: '{"error":{"message":"overloaded"}}' }, 'unclear', 'overloaded'],
    [{ status: 429, text: '{"error":"slow down"}', headers: { 'retry-after': '7' } }, 'later', 'slow down'],
    [{ text: '<html>login</html>' }, 'unclear', 'not in the form'],
    [{ text: '{"choices":[]}' }, 'unclear', 'not in the form'],
    [{ text: 'x'.repeat(300_000) }, 'unclear', 'more than 262144 bytes'],
    [{ finish_reason: 'length' }, 'refused', 'more than 3000 tokens'],
    [{ status: 302, text: '', headers: { location: 'https://evil.test' } }, 'refused', '302'],
  ] as const;
  for (const [answer, kind, detail] of all) {
    answers.push(answer);
    expect(await model.complete(PROMPT)).toMatchObject({ kind, detail: expect.stringContaining(detail) });
  }
  expect(asked).toHaveLength(all.length);
});

test('a server that is not there is a failure', async () => {
  const { model } = await world({ url: 'http://127.0.0.1:9/v1' });
  expect((await model.complete(PROMPT)).kind).not.toBe('done');
});
