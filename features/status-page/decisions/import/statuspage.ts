import { list } from '../../../../core/domain/correlation/words.ts';
import { SUBSCRIBER_ADDRESSES } from '../../schemas/subscriber.ts';

/** A component of another status page. */
export type ForeignComponent = {
  id: string;
  name: string;
  description: string | null;
  /** Name of its group. Null: none. */
  group: string | null;
};

/** A subscriber of another status page. */
export type ForeignSubscriber = {
  /** `email`, or another channel in the words of the other system. */
  channel: string;
  address: string;
  /** `confirmed`: the other system states that the owner of the address has confirmed. */
  state: 'confirmed' | 'unconfirmed' | 'quarantined' | 'unknown';
  /** IDs or names of components. Null: all. */
  components: readonly string[] | null;
};

/** What to import: components for the configuration, and subscribers for the API. */
export type ImportPlan = {
  components: { name: string; group?: string; description?: string }[];
  subscribers: { email: string; components: string[] | null }[];
  /** Subscribers that cannot be imported, by reason. */
  skipped: ReadonlyMap<string, string[]>;
};

const NAME_MAX_CHARS = 100;
const DESCRIPTION_MAX_CHARS = 300;

/** Plans the import. Pure: the same input always gives the same plan. */
export function planStatuspageImport(
  components: readonly ForeignComponent[],
  subscribers: readonly ForeignSubscriber[],
): ImportPlan {
  const names = new Map(components.flatMap(({ id, name }) => [[id, name] as const, [name, name] as const]));
  const skipped = new Map<string, string[]>();
  const byAddress = new Map<string, ImportPlan['subscribers'][number]>();
  for (const subscriber of subscribers) {
    const reason = skipReason(subscriber, names);
    if (reason !== undefined) {
      skipped.set(reason, [...(skipped.get(reason) ?? []), subscriber.address]);
      continue;
    }
    // Without a list of components, those of a file are names, which the page compares with its own.
    const chosen =
      names.size === 0 ? subscriber.components : (subscriber.components?.flatMap((id) => names.get(id) ?? []) ?? null);
    const isAll = chosen === null || (components.length > 0 && new Set(chosen).size === new Set(names.values()).size);
    byAddress.set(subscriber.address.toLowerCase(), {
      email: subscriber.address,
      components: isAll ? null : [...new Set(chosen)],
    });
  }
  return { components: components.map(configOf), subscribers: [...byAddress.values()], skipped };
}

const configOf = ({ name, group, description }: ForeignComponent): ImportPlan['components'][number] => ({
  name: name.slice(0, NAME_MAX_CHARS),
  ...(group !== null && group !== '' && { group: group.slice(0, NAME_MAX_CHARS) }),
  ...(description !== null &&
    description.trim() !== '' && { description: description.trim().slice(0, DESCRIPTION_MAX_CHARS) }),
});

const STATES: Readonly<Record<Exclude<ForeignSubscriber['state'], 'confirmed'>, string>> = {
  unconfirmed: 'not confirmed at Statuspage',
  quarantined: 'quarantined at Statuspage: messages could not be delivered',
  unknown: 'no state in the file: use --confirmed if Statuspage exported only confirmed subscribers',
};

function skipReason(subscriber: ForeignSubscriber, names: ReadonlyMap<string, string>): string | undefined {
  if (subscriber.channel !== 'email')
    return `channel ${subscriber.channel}: only email can be imported, others subscribe again`;
  if (subscriber.state !== 'confirmed') return STATES[subscriber.state];
  if (!SUBSCRIBER_ADDRESSES.email.safeParse(subscriber.address).success) return 'not an email address';
  const unknown = names.size === 0 ? [] : (subscriber.components?.filter((id) => !names.has(id)) ?? []);
  if (subscriber.components !== null && unknown.length === subscriber.components.length && unknown.length > 0)
    return `unknown components: ${list(unknown)}`;
  return undefined;
}
