import { describe, expect, test } from 'vitest';
import { linkUrl } from '../../../../core/domain/links/link-url.ts';
import { rison } from '../../../../core/domain/links/link-url.ts';
import { unescape } from '../../../../schemas/config/go-string.ts';
import { LinkTemplate } from '../../../../schemas/links/links.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';

const FROM = '2026-11-22T09:45:00.000Z' as Timestamp;
const TO = '2026-11-22T10:30:00.000Z' as Timestamp;

/** Values that end a string, a structure, or a URL where they are not encoded. */
const HOSTILE = [
  '"',
  '\\',
  '\\"} or {a="',
  "'),query:(x",
  "!'!!",
  '`} | line_format `',
  '&to=0#x?y/../z',
  '%22%27',
  '${__from} $__all {{.x}}',
  '.*|(x)[a]{2}^$+?',
  'a\nb\u0000\u2028c',
  '" OR *:* OR "',
  '\u{1f525} – ü',
  '\\u0022 \\x22',
  'javascript:alert(1)',
];

const linkOf = (template: object, values: Readonly<Record<string, string>> = {}): string | null =>
  linkUrl(LinkTemplate.parse({ title: 'Logs', ...template }), { from: FROM, to: TO, of: (name) => values[name] });

/** Returns the parameters of a URL or of its fragment. */
const parametersOf = (url: string | null, mark = '?'): URLSearchParams =>
  new URLSearchParams((url ?? '').slice((url ?? '').indexOf(mark) + 1));

describe('Grafana Explore', () => {
  const LOKI = {
    kind: 'grafana-loki',
    url: 'https://grafana.example.com/sub/',
    datasource: 'P8E80F9AEF21F6940',
    query: '{service="${{ service }}", env=~"${{ environment }}|all"} |= "error" | line_format `{{.msg}}`',
  };
  const paneOf = (url: string | null) =>
    JSON.parse(parametersOf(url).get('panes') ?? '') as {
      firebreak: { queries: { expr?: string; query?: string }[]; range: object; datasource: string };
    };

  test('opens a LogQL query with absolute times', () => {
    const url = linkOf({ ...LOKI, orgId: 3 }, { service: 'checkout', environment: 'prod' });
    expect(url).toMatch(/^https:\/\/grafana\.example\.com\/sub\/explore\?schemaVersion=1&panes=[\w%.~-]+&orgId=3$/);
    expect(paneOf(url)).toEqual({
      firebreak: {
        datasource: 'P8E80F9AEF21F6940',
        queries: [
          {
            refId: 'A',
            datasource: { type: 'loki', uid: 'P8E80F9AEF21F6940' },
            expr: '{service="checkout", env=~"prod|all"} |= "error" | line_format `{{.msg}}`',
            queryType: 'range',
            editorMode: 'code',
          },
        ],
        range: { from: '1795340700000', to: '1795343400000' },
      },
    });
  });

  test.each(HOSTILE)('a label %j stays inside its string, and inside its pattern', (value) => {
    const url = linkOf(LOKI, { service: value, environment: value });
    const [, plain = '', pattern = ''] =
      /^\{service="((?:[^"\\\n]|\\.)*)", env=~"((?:[^"\\\n]|\\.)*)\|all"\} \|= "error" \| line_format `\{\{\.msg\}\}`$/.exec(
        paneOf(url).firebreak.queries[0]?.expr ?? '',
      ) ?? [];
    expect(unescape(plain)).toBe(value);
    expect(new RegExp(`^(?:${unescape(pattern)})$`).test(value)).toBe(true);
    expect(unescape(pattern).replaceAll(/\\(.)/g, '$1')).toBe(value);
    expect(`${plain}${pattern}`).not.toContain('$');
  });

  test.each(HOSTILE)('a label %j stays inside a string of TraceQL', (value) => {
    const url = linkOf(
      {
        kind: 'grafana-tempo',
        url: 'https://grafana.example.com',
        datasource: 'tempo',
        query: '{resource.service.name="${{ labels.svc }}" && status=error}',
      },
      { 'labels.svc': value },
    );
    const [query] = paneOf(url).firebreak.queries;
    expect(query).toMatchObject({ queryType: 'traceql', tableType: 'traces' });
    const [, plain = ''] =
      /^\{resource\.service\.name="((?:[^"\\\n]|\\.)*)" && status=error\}$/.exec(query?.query ?? '') ?? [];
    expect(unescape(plain)).toBe(value);
  });
});

describe('Jaeger', () => {
  const JAEGER = { kind: 'jaeger', url: 'https://jaeger.example.com' };

  test('searches with microseconds', () => {
    expect(
      Object.fromEntries(parametersOf(linkOf({ ...JAEGER, tags: { error: 'true' } }, { service: 'checkout' }))),
    ).toEqual({
      service: 'checkout',
      tags: '{"error":"true"}',
      start: '1795340700000000',
      end: '1795343400000000',
      lookback: 'custom',
      limit: '20',
    });
  });

  test.each(HOSTILE)('a label %j stays inside its parameter and its tag', (value) => {
    const url = linkOf(
      { ...JAEGER, operation: '${{ labels.op }}', tags: { 'k8s.pod': 'x-${{ labels.op }}' } },
      { service: value, 'labels.op': value },
    );
    const parameters = parametersOf(url);
    expect([...parameters.keys()]).toEqual(['service', 'operation', 'tags', 'start', 'end', 'lookback', 'limit']);
    expect([parameters.get('service'), parameters.get('operation')]).toEqual([value, value]);
    expect(JSON.parse(parameters.get('tags') ?? '')).toEqual({ 'k8s.pod': `x-${value}` });
  });
});

/** Returns the phrase that a KQL or Lucene parser reads, and the rest of the query. */
const phraseOf = (query: string): [phrase: string, rest: string] => {
  const [, phrase = '', rest = ''] = /^service\.name ?: ?"((?:[^"\\]|\\["\\])*)"(.*)$/s.exec(query) ?? [];
  return [phrase.replaceAll(/\\(["\\])/g, '$1'), rest];
};

describe('Kibana', () => {
  const KIBANA = {
    kind: 'kibana',
    url: 'https://kibana.example.com/s/ops',
    dataView: 'logs-*',
    query: 'service.name : "${{ service }}" and log.level : error',
  };

  test('opens Discover with the data view, the query, and absolute times', () => {
    const url = linkOf({ ...KIBANA, columns: ['message'] }, { service: 'checkout' });
    expect(decodeURIComponent(url ?? '')).toBe(
      "https://kibana.example.com/s/ops/app/discover#/?_g=(filters:!(),refreshInterval:(pause:!t,value:60000),time:(from:'2026-11-22T09:45:00.000Z',to:'2026-11-22T10:30:00.000Z'))&_a=(columns:!(message),dataSource:(dataViewId:'logs-*',type:dataView),filters:!(),index:'logs-*',interval:auto,query:(language:kuery,query:'service.name : \"checkout\" and log.level : error'))",
    );
    // Programs that find URLs in texts end them at these characters.
    expect(url).not.toMatch(/['"()!*\s<>]/);
  });

  test.each(HOSTILE)('a label %j stays inside its phrase', (value) => {
    const state = parametersOf(linkOf(KIBANA, { service: value }), '#/?').get('_a') ?? '';
    const [, quoted = ''] = /,query:\(language:kuery,query:'((?:[^'!]|!['!])*)'\)\)$/s.exec(state) ?? [];
    const query = quoted.replaceAll(/!(['!])/g, '$1');
    expect(phraseOf(query)).toEqual([value.replaceAll(/[\n\0]/g, ' '), ' and log.level : error']);
    expect(state).toContain(`,query:(language:kuery,query:${rison(query)})`);
  });
});

describe('OpenSearch Dashboards', () => {
  const LOGIT = {
    kind: 'opensearch-dashboards',
    url: 'https://kibana.logit.io/s/e9b9162d-0b5e-4362-bed0-8e577f88d06e',
    indexPattern: 'filebeat-*',
    language: 'lucene',
    query: 'service.name:"${{ service }}"',
  };

  test('opens Discover at Logit.io', () => {
    expect(decodeURIComponent(linkOf(LOGIT, { service: 'checkout' }) ?? '')).toBe(
      "https://kibana.logit.io/s/e9b9162d-0b5e-4362-bed0-8e577f88d06e/app/data-explorer/discover#?_a=(discover:(columns:!(_source),isDirty:!f,sort:!()),metadata:(indexPattern:'filebeat-*',view:discover))&_g=(filters:!(),refreshInterval:(pause:!t,value:0),time:(from:'2026-11-22T09:45:00.000Z',to:'2026-11-22T10:30:00.000Z'))&_q=(filters:!(),query:(language:lucene,query:'service.name:\"checkout\"'))",
    );
  });

  test.each(HOSTILE)('a label %j stays inside its phrase', (value) => {
    const state = parametersOf(linkOf(LOGIT, { service: value }), '#?').get('_q') ?? '';
    const [, quoted = ''] =
      /^\(filters:!\(\),query:\(language:lucene,query:'((?:[^'!]|!['!])*)'\)\)$/s.exec(state) ?? [];
    expect(phraseOf(quoted.replaceAll(/!(['!])/g, '$1'))).toEqual([value.replaceAll(/[\n\0]/g, ' '), '']);
  });
});

describe('any page', () => {
  const PAGE = {
    kind: 'url',
    url: 'https://grafana.example.com/d/${{ labels.board }}/x?var-service=${{ service }}&from=${{ from.ms }}&to=${{ to.iso }}#${{ from.s }}',
  };

  test('has the times in the unit that it names', () => {
    expect(linkOf(PAGE, { 'labels.board': 'b', service: 'checkout' })).toBe(
      'https://grafana.example.com/d/b/x?var-service=checkout&from=1795340700000&to=2026-11-22T10%3A30%3A00.000Z#1795340700',
    );
    expect(linkOf({ kind: 'url', url: 'http://x.test/?t=${{to.us}}' })).toBe('http://x.test/?t=1795343400000000');
  });

  test.each(HOSTILE)('a label %j stays inside its segment and its parameter', (value) => {
    const url = new URL(linkOf(PAGE, { 'labels.board': value, service: value }) ?? '');
    expect(url.host).toBe('grafana.example.com');
    expect(url.pathname.split('/').map(decodeURIComponent)).toEqual(['', 'd', value, 'x']);
    expect([...url.searchParams].map(([name]) => name)).toEqual(['var-service', 'from', 'to']);
    expect(url.searchParams.get('var-service')).toBe(value);
  });

  test.each(['.', '..'])('a label %j, which would change the path, gives no link', (value) => {
    expect(linkOf(PAGE, { 'labels.board': value, service: 'checkout' })).toBeNull();
  });

  test('an unknown value, an empty one, and one that is too long give no link', () => {
    expect(linkOf(PAGE, { service: 'checkout' })).toBeNull();
    expect(linkOf(PAGE, { service: 'checkout', 'labels.board': '' })).toBeNull();
    expect(linkOf(PAGE, { service: 'x'.repeat(5000), 'labels.board': 'b' })).toBeNull();
  });

  test('unpaired surrogates are replaced', () => {
    expect(linkOf(PAGE, { service: 'x\uD800', 'labels.board': 'b' })).toContain('var-service=x%EF%BF%BD&');
  });
});

describe('a template is refused:', () => {
  const problemsOf = (template: object): string[] =>
    LinkTemplate.safeParse({ title: 'Logs', ...template }).error?.issues.map(
      ({ path, message }) => `${path.join('.')}: ${message}`,
    ) ?? [];
  const loki = (query: string): string[] =>
    problemsOf({ kind: 'grafana-loki', url: 'https://g.test', datasource: 'x', query });
  const lucene = (query: string): string[] =>
    problemsOf({ kind: 'kibana', url: 'https://k.test', dataView: 'x', language: 'lucene', query });
  const page = (url: string): string[] => problemsOf({ kind: 'url', url });

  test.each<[string, string[], string]>([
    [
      'an unknown placeholder',
      loki('{app="${{ servce }}"}'),
      'query: unknown placeholder ${{ servce }}; use service, environment, team, severity, incident, labels.NAME for a label of the alert, or a time: from.iso, from.s, from.ms, from.us, to.iso, to.s, to.ms, to.us',
    ],
    ['an open placeholder', loki('{app="${{ service"}'), 'query: a placeholder is not closed; write ${{ service }}'],
    [
      'a value outside of quotes',
      loki('{app=${{ service }}}'),
      'query: ${{ service }} must be in a string with double quotes, such as {app="${{ service }}"}',
    ],
    [
      'a value in backquotes',
      loki('{app="x"} |= `${{ service }}`'),
      'query: ${{ service }} must be in a string with double quotes, such as {app="${{ service }}"}',
    ],
    [
      'a value in a template of LogQL',
      loki('{app="x"} | line_format "${{ service }}"'),
      'query: ${{ service }} must be in a string that is compared, such as {app="${{ service }}"}',
    ],
    [
      'a value in a label_format',
      loki('{app="x"} | label_format a="${{ service }}"'),
      'query: ${{ service }} must be in a string that is compared, such as {app="${{ service }}"}',
    ],
    [
      'a value in a regular expression of Lucene',
      lucene('host:/"${{ service }}"/'),
      'query: ${{ service }} must be in a string with double quotes, such as service.name:"${{ service }}"',
    ],
    [
      'a value after an escaped quote',
      lucene('host:\\"${{ service }}\\"'),
      'query: ${{ service }} must be in a string with double quotes, such as service.name:"${{ service }}"',
    ],
    ['an open string', loki('{app="${{ service }}}'), 'query: a string is not closed in this LogQL query'],
    [
      'a host with a value',
      page('https://${{ service }}.example.com/'),
      'url: must begin with http:// or https:// and a host without placeholders or a password',
    ],
    [
      'a host that goes on with a value',
      page('https://example.com${{ service }}'),
      'url: must begin with http:// or https:// and a host without placeholders or a password',
    ],
    [
      'another protocol',
      page('javascript:alert(${{ service }})'),
      'url: must begin with http:// or https:// and a host without placeholders or a password',
    ],
    [
      'a password',
      page('https://user:secret@example.com/'),
      'url: must begin with http:// or https:// and a host without placeholders or a password',
    ],
    [
      'a value in rison',
      page("https://k.test/app/discover#/?_a=(query:(query:'${{ service }}'))"),
      'url: _a contains a structure in which values need another encoding; use the kind grafana-loki, grafana-tempo, kibana, or opensearch-dashboards',
    ],
    [
      'a password in the address of a tool',
      problemsOf({ kind: 'jaeger', url: 'https://a:b@j.test' }),
      'url: must not contain a user or a password, because many people see it',
    ],
    [
      'a query in the address of a tool',
      problemsOf({ kind: 'jaeger', url: 'https://j.test/?x=1' }),
      'url: must be the address of the tool, without a query or placeholders',
    ],
  ])('%s', (_, problems, expected) => {
    expect(problems).toContain(expected);
  });

  test('texts of its author are accepted as they are', () => {
    expect(
      loki('sum by (app) (rate({app=~"${{ service }}.*"} |~ "(?i)err" or "${{ labels.x }}" [$__auto])) # "'),
    ).toEqual([]);
    expect(lucene('path:\\/a AND msg:"${{ labels.a b/c }}"')).toEqual([
      expect.stringContaining('unknown placeholder ${{ labels.a b/c }}'),
    ]);
    expect(page("https://k.test/app/discover#/?_g=(time:(from:'${{ from.iso }}',to:'${{ to.iso }}'))")).toEqual([]);
  });
});
