import * as z from 'zod';
import { InstantIn } from '../../../schemas/time/time.ts';
import { TimeZone } from '../../../schemas/time/time-zone.ts';
import { SubscriptionChannel } from './subscriber.ts';

/** Texts for customers. `{components}` is replaced by the names of the components; other placeholders are refused. */
const PublicText = z
  .string()
  .min(1)
  .max(2000)
  .refine((text) => /^(?:[^{}]|\{components\})*$/.test(text), 'unknown placeholder; only {components} is allowed');

/** The page at `/status`. */
export const MAIN_PAGE = 'main';

/** Words that follow `/status/` in other addresses. */
const RESERVED = ['api', 'assets', 'history', 'incidents', 'maintenances', 'status', 'subscriptions'];

const PageName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,40}$/, 'must consist of lowercase letters, digits, and -')
  .refine((name) => !RESERVED.includes(name), `must not be one of ${RESERVED.join(', ')}`);

const ComponentName = z.string().min(1).max(100);

/** A component on a page: its name, or its name with details. */
const PageComponent = z
  .union([
    ComponentName,
    z.strictObject({
      name: ComponentName,
      group: z.string().min(1).max(100).optional(),
      description: z.string().min(1).max(300).optional(),
      /** First day with data. Absent: the uptime covers all of the last 90 days. */
      since: z.iso.date().optional(),
    }),
  ])
  .transform((component) => (typeof component === 'string' ? { name: component } : component));
export type PageComponent = z.output<typeof PageComponent>;

const Color = z.string().regex(/^#[0-9a-fA-F]{6}$/, 'must be a color such as #1d3557');

/** A data URL, so that pages load nothing from other addresses. */
const LOGO_MAX_CHARS = 30_000;
const Logo = z
  .string()
  .max(LOGO_MAX_CHARS)
  .regex(
    /^data:image\/(svg\+xml|png|webp|jpeg|gif);base64,[A-Za-z0-9+/]+={0,2}$/,
    'must be an image as a data URL in base64, such as data:image/svg+xml;base64,…',
  );

const Page = z
  .strictObject({
    /** `internal`: only for people who are signed in to the console. */
    audience: z.enum(['public', 'internal']).default('public'),
    title: z.string().min(1).max(100).default('Status'),
    /** Address of this page for readers, for example that of its snapshot. Absent: `/status` of this Firebreak. */
    url: z.url({ protocol: /^https?$/ }).optional(),
    logo: Logo.optional(),
    /** Background of the header, in light and dark color schemes. */
    colors: z.strictObject({ header: Color, headerDark: Color.optional() }).optional(),
    timeZone: TimeZone.default('UTC'),
    /** How readers can subscribe to updates. Empty: they cannot. */
    subscriptions: z.array(SubscriptionChannel).default([]),
    /** In the order of the page. */
    components: z.array(PageComponent).min(1).max(200),
  })
  .refine(({ audience, subscriptions }) => audience === 'public' || subscriptions.length === 0, {
    error: 'must be empty for an internal page: subscribers do not sign in',
    path: ['subscriptions'],
  });

/** Planned work that readers see in advance. Its state follows from the time. */
const Maintenance = z
  .strictObject({
    /** Part of its address. */
    id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,60}$/, 'must consist of lowercase letters, digits, and -'),
    title: PublicText,
    components: z.array(ComponentName).min(1),
    /** When readers see it first. */
    announced: InstantIn,
    from: InstantIn,
    until: InstantIn,
    text: PublicText,
  })
  .refine(({ announced, from, until }) => announced <= from && from < until, {
    error: 'must be announced before it starts, and start before it ends',
    path: ['from'],
  });
export type Maintenance = z.infer<typeof Maintenance>;

/** `config/status-page.yaml`: what the status page shows. It never shows texts of alerts. */
export const StatusPageFile = z.strictObject({
  /** Environments that customers use. */
  environments: z.array(z.string().min(1)).min(1).default(['production']),
  /** Lowest severity that is published. */
  from: z.enum(['critical', 'warning']).default('critical'),
  /** Status of a component while its incident is open, by severity, and after its mitigation. */
  components: z
    .strictObject({
      critical: z.enum(['degraded_performance', 'partial_outage', 'major_outage']).default('major_outage'),
      warning: z.enum(['degraded_performance', 'partial_outage', 'major_outage']).default('degraded_performance'),
      mitigated: z.enum(['operational', 'degraded_performance', 'partial_outage']).default('degraded_performance'),
    })
    .prefault({}),
  title: PublicText.default('Problems with {components}'),
  updates: z
    .strictObject({
      investigating: PublicText.default('We are seeing problems with {components} and are looking into them.'),
      identified: PublicText.default('We know what causes the problems with {components} and are undoing it.'),
      monitoring: PublicText.default('A fix for {components} is in place. We are watching whether it holds.'),
      /** After an incident that closed without a proof of recovery. */
      closed: PublicText.default(
        'There are no further signs of trouble with {components}. We have closed this incident.',
      ),
      resolved: PublicText.default('The problems with {components} are over. We are sorry for the trouble.'),
      maintenanceStarted: PublicText.default('The maintenance of {components} has started.'),
      maintenanceCompleted: PublicText.default('The maintenance of {components} is completed.'),
      maintenanceCancelled: PublicText.default('The maintenance of {components} is cancelled.'),
    })
    .prefault({}),
  /** By name: `main` is at `/status`, others at `/status/NAME`. Absent: `main`, with all components of the catalogue. */
  pages: z.record(PageName, Page).optional(),
  /** Topics of Amazon SNS to which Amazon SES reports bounces and complaints. Empty: none is accepted. */
  bounceTopics: z
    .array(
      z
        .string()
        .regex(
          /^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}$/,
          'must be the ARN of a topic of Amazon SNS',
        ),
    )
    .max(10)
    .default([]),
  maintenance: z
    .array(Maintenance)
    .max(500)
    .refine((all) => new Set(all.map(({ id }) => id)).size === all.length, 'each maintenance needs an id of its own')
    .default([]),
});
export type StatusPageFile = z.infer<typeof StatusPageFile>;
