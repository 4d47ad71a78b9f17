import { parser } from '@prometheus-io/lezer-promql';

type Tree = ReturnType<typeof parser.parse>;
type SyntaxNode = Tree['topNode'];

/** Labels in which monitoring commonly reports the version, the best first. */
export const VERSION_LABELS = [
  'version',
  'app_version',
  'app_kubernetes_io_version',
  'destination_version',
  'service_version',
  'image_tag',
  'release',
  'track',
  'pod_template_hash',
] as const;

/** A metric whose labels can be joined to a series: one for each pod or each target. */
export type Join = { metric: string; on: readonly string[]; labels: readonly string[] };

/** Metrics that carry the version for series that do not, from kube-state-metrics and OpenTelemetry. */
export const JOINS: readonly Join[] = [
  {
    metric: 'kube_pod_labels',
    on: ['namespace', 'pod'],
    labels: ['label_version', 'label_app_kubernetes_io_version', 'label_app_version', 'label_track'],
  },
  { metric: 'target_info', on: ['job', 'instance'], labels: ['service_version', 'version'] },
];

/** Where the version is: in a label of the series, or of a metric to join. */
export type VersionSource = { label: string; join: Pick<Join, 'metric' | 'on'> | null };

/** Returns the selectors of a query, without their ranges. Empty also if it is not valid PromQL. */
export const selectorsIn = (promql: string): string[] => [
  ...new Set(nodesOf(parser.parse(promql), 'VectorSelector').map(({ from, to }) => promql.slice(from, to))),
];

/**
 * Returns the query by the label `version`. A ratio also returns 0 for versions without errors, whose error series may
 * not exist.
 */
export function byVersionQuery(promql: string, source: VersionSource): string {
  const ratio = ratioOf(promql);
  if (ratio === null) return withVersionLabel(splitBy(promql, source), source);
  const [part, whole] = [splitBy(ratio.part, source), splitBy(ratio.whole, source)];
  return withVersionLabel(`((${part}) or (${whole}) * 0) / (${whole})`, source);
}

/** Returns the traffic by the label `version`: of the traffic query, else of what the health query divides by. */
export function trafficByVersionQuery(
  promql: string,
  traffic: string | undefined,
  source: VersionSource,
): string | null {
  const whole = traffic ?? ratioOf(promql)?.whole;
  return whole === undefined ? null : withVersionLabel(splitBy(whole, source), source);
}

/** Prometheus names the label `version` only if the source does. */
const withVersionLabel = (promql: string, { label }: VersionSource): string =>
  label === 'version' ? promql : `label_replace(${promql}, "version", "$1", "${label}", "(.+)")`;

/** Splits a query of the form `part / whole`, also within brackets. */
export function ratioOf(promql: string): { part: string; whole: string } | null {
  let node: SyntaxNode | null = parser.parse(promql).topNode.firstChild;
  while (node?.name === 'ParenExpr') node = node.firstChild;
  if (node?.name !== 'BinaryExpr' || node.getChild('Div') === null || node.getChild('MatchingModifierClause') !== null)
    return null;
  const [part, whole] = [node.firstChild, node.lastChild];
  if (part === null || whole === null) return null;
  return { part: promql.slice(part.from, part.to), whole: promql.slice(whole.from, whole.to) };
}

/** Keeps the version's label through all aggregations, and joins it to the series if they lack it. */
export function splitBy(promql: string, { label, join }: VersionSource): string {
  const tree = parser.parse(promql);
  const edits = nodesOf(tree, 'AggregateExpr').flatMap((node) => groupingEdits(node, promql, label));
  if (join !== null)
    for (const node of joinableNodes(tree)) {
      edits.push({ at: node.from, text: '(' });
      const joined = uniqueOf(join, label, rangeIn(node, promql));
      edits.push({ at: node.to, text: ` * on (${join.on.join(', ')}) group_left (${label}) ${joined})` });
    }
  return edits
    .toSorted((a, b) => b.at - a.at)
    .reduce((text, { at, text: added }) => text.slice(0, at) + added + text.slice(at), promql);
}

/**
 * Returns one series for each pod or target. After a restart of kube-state-metrics, or with two of them, there are several
 * for a while, and Prometheus refuses to join any of them. Rates contain pods that have ended, so their labels are needed
 * for as long.
 */
function uniqueOf({ metric, on }: Pick<Join, 'metric' | 'on'>, label: string, range: string | null): string {
  const keys = on.join(', ');
  const lasting = range === null ? metric : `${metric} or on (${keys}) last_over_time(${metric}${range})`;
  return `max by (${keys}, ${label}) (${lasting})`;
}

/** Returns the range of a function, such as `[5m]`. Null: the node is a selector without one. */
function rangeIn(node: SyntaxNode, promql: string): string | null {
  const matrix = node.getChild('FunctionCallBody')?.getChild('MatrixSelector');
  const selector = matrix?.getChild('VectorSelector');
  return matrix == null || selector == null ? null : promql.slice(selector.to, matrix.to).trim();
}

/** Returns what is to be joined: each function of a range, and each selector outside of a range. */
const joinableNodes = (tree: Tree): SyntaxNode[] =>
  nodesOf(tree, 'VectorSelector').map((selector) => {
    let node = selector;
    while (node.parent && ['MatrixSelector', 'FunctionCallBody', 'FunctionCall'].includes(node.parent.name)) {
      node = node.parent;
      if (node.name === 'FunctionCall') break;
    }
    return node.name === 'FunctionCall' && node.getChild('FunctionCallBody')?.getChild('MatrixSelector')
      ? node
      : selector;
  });

function groupingEdits(node: SyntaxNode, promql: string, label: string): { at: number; text: string }[] {
  const modifier = node.getChild('AggregateModifier');
  const operator = node.getChild('AggregateOp');
  if (modifier === null) return operator === null ? [] : [{ at: operator.to, text: ` by (${label}) ` }];
  const labels = modifier.getChild('GroupingLabels');
  if (modifier.getChild('Without') !== null || labels === null) return [];
  const labelList = promql.slice(labels.from + 1, labels.to - 1).trim();
  return [{ at: labels.to - 1, text: `${labelList === '' ? '' : ', '}${label}` }];
}

export function nodesOf(tree: Tree, name: string): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  tree.iterate({ enter: ({ name: nodeName, node }) => void (nodeName === name && found.push(node)) });
  return found;
}
