import { expect } from 'vitest';

/** Leaves text and attributes alike. */
export const HOSTILE = `"'><img src=x onerror=alert(1)><script>alert(2)</script>&amp;\u202e`;
export const SCRIPT = 'javascript:alert(3)';

export const hostile = <T extends string>(name: string): T => `${name} ${HOSTILE}` as T;

const ENTITIES: Record<string, string> = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'", '&amp;': '&' };

/** Returns the text of markup, as a browser shows it. */
export const textOf = (markup: string): string =>
  markup
    .replaceAll(/<[/!a-z](?:"[^"]*"|[^>"])*>/g, '')
    .replaceAll(/&(lt|gt|quot|#39|amp);/g, (entity) => ENTITIES[entity] ?? entity)
    .replaceAll(/\s+/g, ' ');

/** Expects that hostile texts are in the markup as text. @param least how often */
export function expectHarmless(markup: string, least: number): void {
  expect(markup).not.toMatch(/<img|<script/i);
  expect(markup).not.toContain(`href="${SCRIPT}`);
  // Each tag has complete attributes: a quotation mark in a text would leave one that is not closed.
  for (const [tag] of markup.matchAll(/<[a-z](?:"[^"]*"|[^>"])*>/g)) {
    expect(tag).toMatch(/^<[a-z][\w-]*(\s+[\w-]+(="[^"]*")?)*\s*\/?>$/);
    expect(tag.replaceAll(/"[^"]*"/g, '""')).not.toMatch(/\son\w+=/i);
  }
  // A page that is sent to a browser has U+FFFD for each control character.
  expect(textOf(markup).replaceAll('\uFFFD', '\u202e').split(HOSTILE).length - 1).toBeGreaterThanOrEqual(least);
}
