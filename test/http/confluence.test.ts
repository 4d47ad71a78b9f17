import * as fc from 'fast-check';
import sax from 'sax';
import { expect, test } from 'vitest';
import { confluenceStorage } from '../../http/confluence.ts';
import { hostile } from '../support/hostile.ts';
import { anyCharacter } from '../support/any-character.ts';

/** The elements and attributes that Confluence documents for its storage format, as far as they are used. */
const ELEMENTS = new Set(
  'h1 h2 h3 h4 h5 h6 p blockquote ul ol li table tbody tr th td hr strong em code a ac:structured-macro ac:plain-text-body ac:task-list ac:task ac:task-id ac:task-status ac:task-body'.split(
    ' ',
  ),
);

/** Parses strictly. Returns the text without elements, and the text of sections of character data. @throws if it is not XML */
function parsed(storage: string): { text: string; code: string } {
  const parser = sax.parser(true, { xmlns: false });
  let [text, code] = ['', ''];
  Object.assign(parser, {
    onerror: (error: Error) => {
      throw error;
    },
    onopentag: ({ name, attributes }: sax.Tag) => {
      if (name !== 'page') expect(ELEMENTS).toContain(name);
      for (const attribute of Object.keys(attributes)) expect(['href', 'rel', 'ac:name']).toContain(attribute);
    },
    ontext: (part: string) => void (text += part),
    oncdata: (part: string) => void (code += part),
  });
  parser.write(`<page>${storage}</page>`).close();
  return { text, code };
}

test('a post-mortem becomes a page with headings, tasks, code, tables, and links', async () => {
  const text = `# checkout outage — 2026-11-20

## Summary
A **bad** *migration* in \`v42\` [E1], see [the diff](https://github.com/acme/checkout/pull/7).

> **Question:** Why?

\`\`\`sql
select ']]>' & "x" < 1
\`\`\`

| Time | Entry |
|---|---|
| 14:03 | Alert fires |

1. First
2. Second
   - inside

## Action items
- [ ] Split the migration (owner: payments, due: 2026-12-04, P1)
- [x] Alert sooner
`;
  const storage = await confluenceStorage(text, 'checkout outage — 2026-11-20');
  expect(parsed(storage).code).toBe(`select ']]>' & "x" < 1`);
  expect(storage.split('\n')).toEqual([
    '<h2>Summary</h2>',
    '<p>A <strong>bad</strong> <em>migration</em> in <code>v42</code> [E1], see <a href="https://github.com/acme/checkout/pull/7" rel="noreferrer">the diff</a>.</p>',
    '<blockquote><p><strong>Question:</strong> Why?</p>',
    '</blockquote>',
    `<ac:structured-macro ac:name="code"><ac:plain-text-body><![CDATA[select ']]]]><![CDATA[>' & "x" < 1]]></ac:plain-text-body></ac:structured-macro>`,
    '<table><tbody><tr><th>Time</th>',
    '<th>Entry</th>',
    '</tr>',
    '<tr><td>14:03</td>',
    '<td>Alert fires</td>',
    '</tr>',
    '</tbody>',
    '</table>',
    '<ol><li>First</li>',
    '<li>Second<ul><li>inside</li>',
    '</ul>',
    '</li>',
    '</ol>',
    '<h2>Action items</h2>',
    '<ac:task-list><ac:task><ac:task-id>1</ac:task-id>',
    '<ac:task-status>incomplete</ac:task-status>',
    '<ac:task-body>Split the migration (owner: payments, due: 2026-12-04, P1)</ac:task-body>',
    '</ac:task>',
    '<ac:task><ac:task-id>2</ac:task-id>',
    '<ac:task-status>complete</ac:task-status>',
    '<ac:task-body>Alert sooner</ac:task-body>',
    '</ac:task>',
    '</ac:task-list>',
  ]);
});

test('hostile text stays text, and the page stays well-formed', async () => {
  const attack = `${hostile('Orders')} <ac:structured-macro ac:name="html"><script>x</script> & \u0000\u000b [x](javascript:alert(1))`;
  const storage = await confluenceStorage(`${attack}\n\n\`\`\`\n${attack} ]]> ]]>\n\`\`\`\n- [ ] ${attack}`, '');
  const { text, code } = parsed(storage);
  expect(text).toContain('<ac:structured-macro ac:name="html"><script>x</script> & \ufffd\ufffd');
  expect(code).toContain(']]> ]]>');
  expect(storage).not.toMatch(/href="javascript/i);
});

test('every text gives well-formed XML', async () => {
  const part = fc.oneof(
    fc.constantFrom(
      '# ',
      '- [ ] ',
      '- [x] ',
      '* ',
      '1. ',
      '> ',
      '```',
      '|',
      '|---|',
      '\n',
      '**',
      '`',
      '[',
      '](',
      ')',
      ']]>',
      '<',
      '&',
      '\\',
    ),
    fc.string({ unit: anyCharacter }),
  );
  const text = fc.array(part, { maxLength: 40 }).map((parts) => parts.join(''));
  await fc.assert(
    fc.asyncProperty(text, async (one) => {
      parsed(await confluenceStorage(one, 'T'));
    }),
    { numRuns: 300 },
  );
});
