import { awsS32017 } from './aws-s3-2017-02-28.ts';
import { cloudflare2019 } from './cloudflare-2019-07-02.ts';
import { cloudflareNovember2025 } from './cloudflare-2025-11-18.ts';
import { cloudflareDecember2025 } from './cloudflare-2025-12-05.ts';
import { datadog2023 } from './datadog-2023-03-08.ts';
import { facebook2021 } from './facebook-2021-10-04.ts';
import { fastly2021 } from './fastly-2021-06-08.ts';
import { github2018 } from './github-2018-10-21.ts';
import { github2023 } from './github-2023-11-03.ts';
import { google2025 } from './google-2025-06-12.ts';
import { honeycomb2019 } from './honeycomb-2019-07-09.ts';
import { knight2012 } from './knight-2012-08-01.ts';
import { reddit2023 } from './reddit-2023-03-14.ts';
import type { Replay } from './replay.ts';
import { slack2021 } from './slack-2021-01-04.ts';
import { stripe2019 } from './stripe-2019-07-10.ts';

/** Public incidents in chronological order. */
export const replays: readonly Replay[] = [
  knight2012,
  awsS32017,
  github2018,
  cloudflare2019,
  honeycomb2019,
  stripe2019,
  slack2021,
  fastly2021,
  facebook2021,
  datadog2023,
  reddit2023,
  github2023,
  google2025,
  cloudflareNovember2025,
  cloudflareDecember2025,
];
