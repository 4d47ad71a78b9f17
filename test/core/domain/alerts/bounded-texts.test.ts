import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { boundedTexts } from '../../../../core/domain/alerts/bounded-texts.ts';
import { runs } from '../../../support/runs.ts';

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

test('texts that fit stay as they are', () => {
  const texts: [string, string][] = [
    ['description', 'ä'.repeat(2048)],
    ['__proto__', 'a label'],
    ['empty', ''],
  ];
  expect(boundedTexts(texts)).toEqual(texts);
});

test('a text that is too long is cut visibly, without splitting a character', () => {
  const [[name, text] = ['', '']] = boundedTexts([['description', `a${'😀'.repeat(5000)}`]]);
  expect([name, text.endsWith('😀…'), text.isWellFormed()]).toEqual(['description', true, true]);
  expect(Buffer.byteLength(text)).toBeGreaterThan(4080);
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(4096);
});

test('of many texts, the longest are cut, and those that Firebreak reads the least', () => {
  const url = `https://grafana.test/d/${'a'.repeat(400)}`;
  const long = Array.from({ length: 30 }, (_, n): [string, string] => [`long ${n}`, 'x'.repeat(20_000)]);
  const texts = new Map(boundedTexts([...long, ['team', 'payments'], ['runbook_url', url]]));
  expect(texts.size).toBe(32);
  expect(texts.get('team')).toBe('payments');
  expect(texts.get('runbook_url')).toBe(url);
  expect(texts.get('long 29')).toMatch(/^x{100,}…$/);
});

test('of too many texts, the last are left out, and one text says how many', () => {
  const texts = boundedTexts([
    ...Array.from({ length: 5000 }, (_, n): [string, string] => [`label ${n}`, 'x']),
    ['service', 'checkout'],
  ]);
  expect(texts[0]).toEqual(['service', 'checkout']);
  expect(texts.at(-1)).toEqual(['…', `${5001 - (texts.length - 1)} more`]);
});

test('the bounded texts of an alert have at most 8 KiB as JSON', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.tuple(fc.constantFrom('x', 'ä', '😀', '\u0001', '"'), fc.nat(20_000)).map(([one, times]) => one.repeat(times)),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(text, text), { maxLength: 60 }), (texts) => {
      const bounded = boundedTexts(texts);
      expect(bytesOf(bounded)).toBeLessThanOrEqual(8192);
      expect(bounded.length).toBeLessThanOrEqual(texts.length + 1);
    }),
    { numRuns: runs(50) },
  );
});
