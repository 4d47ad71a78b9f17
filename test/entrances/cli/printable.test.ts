import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { printable } from '../../../core/domain/messages/printable.ts';
import { asJson } from '../../../entrances/cli/table.ts';
import { cli, terminal } from './support.ts';
import { anyCharacter } from '../../support/any-character.ts';

/** Clears the screen, colors, links (OSC 8), uses C1 sequences, returns to the start of the line, reverses text. */
const HOSTILE =
  'a\u001b[2J\u001b[31mred\u001b]8;;http://evil.test\u0007link\u001b]8;;\u001b\\ \u009b1A\u0090q\u009c b\rc \u202egnp\u202c \u2066x\u2069 \u2028d\u0000\u007f';
const OBEYED = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\p{Bidi_Control}]/u;

const token = {
  id: 'tok_1',
  name: HOSTILE,
  actions: ['*'],
  sources: null,
  services: [HOSTILE],
  environments: null,
  expires_at: null,
  created_at: '2026-11-20T12:00:00.000Z',
  created_by: HOSTILE,
};

/** Answers with hostile texts: a token list, or an error for every other path. */
let server: Server;
let env: Record<string, string>;
beforeAll(async () => {
  server = createServer((request, response) => {
    const refused = !request.url?.startsWith('/v1/tokens');
    response.writeHead(refused ? 409 : 200, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify(refused ? { code: 'name-taken', detail: HOSTILE } : { items: [token], next_cursor: null }),
    );
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  env = { FIREBREAK_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, FIREBREAK_TOKEN: 'x' };
});
afterAll(() => server.close());

describe('untrusted text does not control the terminal', () => {
  test('in a list', async () => {
    const { code, out, err } = await cli(['token', 'list'], { env });
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('link');
    expect(out).not.toMatch(OBEYED);
    expect(out.trimEnd().split('\n')).toHaveLength(2);
  });

  test('in an error of the server, and in a usage error', async () => {
    const refused = await cli(['freeze', 'lift', 'frz_1', '--yes'], { env });
    const listed = await cli(['incident', 'list'], { env });
    const mistaken = await cli([`--${HOSTILE}`], { env });
    for (const { code, out, err } of [refused, listed, mistaken]) {
      expect(code).not.toBe(0);
      expect(err).not.toBe('');
      expect(`${out}${err}`).not.toMatch(OBEYED);
    }
    expect(listed.err).toContain('link');
  });

  test('in JSON it is escaped and parses to the original', async () => {
    const { code, out } = await cli(['token', 'list', '--json'], { env });
    expect(code).toBe(0);
    expect(out).not.toMatch(OBEYED);
    expect(JSON.parse(out)).toEqual([token]);
  });
});

describe('printable text', () => {
  test('keeps newlines, tabs, and visible characters', () => {
    const text = 'one\n\ttwo: ü, 漢字, שלום, 👩‍🚒';
    expect(printable(text)).toBe(text);
    expect(printable('one\r\ntwo\rthree')).toBe('one\ntwo\ufffdthree');
  });

  test('never contains control characters', () => {
    fc.assert(fc.property(fc.string({ unit: anyCharacter }), (text) => !OBEYED.test(printable(text))));
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: anyCharacter }), (value) => {
        const json = asJson(value);
        expect(json).not.toMatch(OBEYED);
        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test('is used for prompts', async () => {
    const asked: string[] = [];
    await cli(['freeze', 'open', '--reason', HOSTILE, '--service', HOSTILE], {
      env,
      ask: terminal(['', '', ''], asked),
    });
    expect(asked.join('')).not.toMatch(OBEYED);
  });
});
