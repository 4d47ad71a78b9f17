import { expect, test } from 'vitest';
import { markdown } from '../../../entrances/console/markdown.ts';
import { expectHarmless, HOSTILE } from '../../support/hostile.ts';

const shown = async (text: string, title = '') => String(await markdown(text, title)).replaceAll(/\s*\n\s*/g, '');

test.each([
  ['one\ntwo\n\nthree', '<p>onetwo</p><p>three</p>'],
  ['## First\ntext\n### Second', '<h3>First</h3><p>text</p><h4>Second</h4>'],
  ['# One\n#### Four\n# Two', '<h3>One</h3><h4>Four</h4><h3>Two</h3>'],
  ['#no heading', '<p>#no heading</p>'],
  ['# Closed ##', '<h3>Closed</h3>'],
  ['- one\n- two\n  more\n\n  and more', '<ul><li>one</li><li>twomore<p>and more</p></li></ul>'],
  [
    '1. one\n   - in one\n   - in one too\n2. two',
    '<ol start="1"><li>one<ul><li>in one</li><li>in one too</li></ul></li><li>two</li></ol>',
  ],
  ['3) three\nlazy\n- other list', '<ol start="3"><li>threelazy</li></ol><ul><li>other list</li></ul>'],
  ['> said\n> more', '<blockquote><p>saidmore</p></blockquote>'],
  [
    '```sh\nkubectl get pods | grep "a"\n```\nafter',
    '<pre class="code">kubectl get pods | grep &quot;a&quot;</pre><p>after</p>',
  ],
  ['```\nnever closed', '<pre class="code">never closed</pre>'],
  ['    indented\n    code', '<pre class="code">indentedcode</pre>'],
  ['---', '<hr />'],
  [
    'a **strong** and *emphasized* and `co*d*e`',
    '<p>a <strong>strong</strong> and <em>emphasized</em> and <code>co*d*e</code></p>',
  ],
  ['snake_case_name and 2 * 3 * 4', '<p>snake_case_name and 2 * 3 * 4</p>'],
  ['a \\*star\\*', '<p>a *star*</p>'],
  [
    '[dashboard](https://grafana.example/d/1) <https://a.example>',
    '<p><a href="https://grafana.example/d/1" rel="noreferrer">dashboard</a> <a href="https://a.example" rel="noreferrer">https://a.example</a></p>',
  ],
  ['[click](javascript:open) [doc](../other.md)', '<p>click doc</p>'],
  ['<b onclick="x">raw</b>', '<p>&lt;b onclick=&quot;x&quot;&gt;raw&lt;/b&gt;</p>'],
])('%j', async (text, expected) => {
  expect(await shown(text)).toBe(expected);
});

test('a table is shown with its columns', async () => {
  const table = await shown('| Alert | Means |\n|---|:---:|\n| `Slow` | it is slow |\n\nafter');
  expect(table).toContain('<th scope="row" role="rowheader"><code>Slow</code></th>');
  expect(table).toContain('data-label="Means"><div>it is slow</div>');
  expect(table).toMatch(/<p>after<\/p>$/);
});

test('the title of the page is not repeated', async () => {
  expect(await shown('# The queue is stuck\n\n## What this means', 'The queue is stuck')).toBe(
    '<h3>What this means</h3>',
  );
  expect(await shown('# Another', 'The queue is stuck')).toBe('<h3>Another</h3>');
});

test('hostile texts are shown as text, wherever they are', async () => {
  const places = [
    '# X',
    '- X',
    '1. X',
    '> X',
    '```\nX\n```',
    '**X**',
    '`X`',
    '[X](https://a.example)',
    '| X |\n|---|\n| X |',
    'X',
  ];
  expectHarmless(String(await markdown(places.join('\n\n').replaceAll('X', HOSTILE), '')), places.length);
});

test('texts that are built to be slow or deep are rendered', async () => {
  for (const text of [
    '>'.repeat(20_000),
    '- '.repeat(5_000),
    '**'.repeat(9_000),
    '`a'.repeat(9_000),
    '*a '.repeat(6_000),
    '[a]('.repeat(4_000),
    '_a'.repeat(9_000),
  ])
    expect((await shown(text)).length).toBeGreaterThan(0);
});
