export type Fields = Readonly<Record<string, unknown>>;

type Tree = { [key: string]: Tree | string | string[] };

/** Parses a body as Statuspage does, as JSON or a form. Undefined if it is neither an object nor a form. */
export function readBody(text: string, contentType: string | undefined): Fields | undefined {
  if (contentType?.startsWith('application/x-www-form-urlencoded')) return parseForm(new URLSearchParams(text));
  try {
    const json: unknown = JSON.parse(text);
    return isFields(json) ? json : undefined;
  } catch {
    return undefined;
  }
}

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Parses `incident[components][id]=major_outage` and `incident[component_ids][]=id`, as Rails does. */
function parseForm(form: URLSearchParams): Fields {
  const root = emptyTree();
  for (const [name, value] of form) {
    const path = name.match(/[^[\]]+|\[\]/g) ?? [];
    const isList = path.at(-1) === '[]';
    const [last, ...outer] = path.slice(0, isList ? -1 : undefined).toReversed();
    if (last === undefined) continue;
    const branch = outer.toReversed().reduce(branchOf, root);
    branch[last] = isList ? [...listOf(branch[last]), value] : value;
  }
  return root;
}

function branchOf(tree: Tree, key: string): Tree {
  const existing = tree[key];
  if (typeof existing === 'object' && !Array.isArray(existing)) return existing;
  const branch = emptyTree();
  tree[key] = branch;
  return branch;
}

const listOf = (value: Tree[string] | undefined): string[] => (Array.isArray(value) ? value : []);

/** Returns an object without a prototype, so that `__proto__` is a name like any other. */
const emptyTree = (): Tree => Object.create(null) as Tree;
