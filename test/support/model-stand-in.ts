import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

type Asked = { path: string; headers: Record<string, string | string[] | undefined>; body: any };

/** A stand-in for an OpenAI-compatible API. It refuses what the API refuses: no JSON, no model, or no messages. */
export async function modelStandIn() {
  const asked: Asked[] = [];
  const answers: {
    status?: number;
    headers?: Record<string, string>;
    content?: string;
    text?: string;
    finish_reason?: string;
  }[] = [];
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const body = text === '' ? undefined : JSON.parse(text);
    asked.push({ path: request.url ?? '', headers: request.headers, body });
    const reply = (status: number, value: string, headers: Record<string, string> = {}) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(value);
    };
    const problem = (status: number, message: string) =>
      reply(status, JSON.stringify({ error: { message, type: 'invalid_request_error' } }));
    if (request.headers.authorization !== 'Bearer sk-model-key') return problem(401, 'Incorrect API key provided');
    if (request.url === '/v1/models') return reply(200, JSON.stringify({ object: 'list', data: [] }));
    if (request.url !== '/v1/chat/completions' || request.method !== 'POST') return problem(404, 'Unknown request URL');
    if (typeof body?.model !== 'string' || !Array.isArray(body.messages))
      return problem(400, 'you must provide a model');
    const answer = answers.shift() ?? {};
    if (answer.text !== undefined) return reply(answer.status ?? 200, answer.text, answer.headers);
    const message = { role: 'assistant', content: answer.content ?? '{"sections":[]}' };
    const { finish_reason = 'stop' } = answer;
    return reply(200, JSON.stringify({ object: 'chat.completion', choices: [{ index: 0, message, finish_reason }] }));
  };
  const server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, asked, answers };
}
