import { html, raw } from 'hono/html';
import type { PageSettings } from '../../decisions/pages.ts';
import type { Timestamp } from '../../../../schemas/time/time.ts';
import type { Html } from '../../../../entrances/console/parts.ts';
import { hashSource } from '../policy.ts';
import { styleOf } from '../style.ts';
import { clockOf } from '../../decisions/words.ts';

/** Marks a file as part of a snapshot. */
export type SnapshotMark = {
  /** When it was made. Null: the file contains only what has ended, so its age does not matter. */
  at: Timestamp | null;
};

/** After this time, readers are warned. Ten times the age of a snapshot that works, for clocks that are wrong. */
const OLD_SECONDS = 300;

/** Shows the age, and a warning when it is high. Without it, the page still says when the snapshot was made. */
const SCRIPT = `(()=>{
const age=document.getElementById('age'),old=document.getElementById('old'),ago=document.getElementById('ago'),at=Date.parse(age.querySelector('time').dateTime);
const words=(s)=>{const[n,unit]=s<60?[s,'second']:s<3600?[Math.floor(s/60),'minute']:s<172800?[Math.floor(s/3600),'hour']:[Math.floor(s/86400),'day'];return n+' '+unit+(n===1?'':'s')};
const show=()=>{const s=Math.max(0,Math.floor((Date.now()-at)/1000));ago.textContent=' ('+words(s)+' ago)';
const isOld=s>=${OLD_SECONDS};if(isOld)old.textContent='This page was last updated '+words(s)+' ago. The current state may be different. Reload the page to check for a newer version.';if(old.hidden===isOld)old.hidden=!isOld};
show();setInterval(show,5000);addEventListener('pageshow',show)})()`;

/** Returns the policy of a page in a snapshot: hosts of files send no headers of ours. */
export const snapshotPolicy = (page: PageSettings): Html =>
  html`<meta
    http-equiv="content-security-policy"
    content="default-src 'none'; style-src ${raw(hashSource(styleOf(page)))}; script-src ${raw(hashSource(SCRIPT))}; img-src data:; form-action 'none'; base-uri 'none'"
  />`;

/** Says when the snapshot was made. */
export const ageNotice = ({ at }: SnapshotMark, { timeZone }: PageSettings): Html | string =>
  at === null
    ? ''
    : html`<div>
        <p class="old" id="old" role="status" hidden></p>
        <p class="facts" id="age">
          Last updated <time datetime="${at}">${clockOf(at, timeZone)}</time><span id="ago"></span>. Updated every
          minute.
        </p>
      </div>`;

export const ageScript = ({ at }: SnapshotMark): Html | string =>
  // Consists of constants.
  at === null ? '' : html`${raw(`<script>${SCRIPT}</script>`)}`;
