import { colorVariables } from '../../../core/domain/messages/identity.ts';
import type { PageSettings } from '../decisions/pages.ts';

/** Text has a contrast of at least 4.5 to 1 in both color schemes, and color is never the only sign. */
const STYLE = `
${colorVariables()}:root{--operational:var(--good);--operational-bar:#2e8b4f;--operational-ground:var(--good-ground);--degraded_performance:var(--warning);--degraded_performance-bar:#b87503;--degraded_performance-ground:var(--warning-ground);--partial_outage:#a13d00;--partial_outage-bar:#cf5a10;--partial_outage-ground:#feeee2;--major_outage:var(--critical);--major_outage-bar:#c8281b;--major_outage-ground:var(--critical-ground);--under_maintenance:var(--info);--under_maintenance-bar:var(--bar);--under_maintenance-ground:var(--info-ground);--none-bar:#8a94a0}
@media(prefers-color-scheme:dark){:root{--operational-bar:#3fa562;--degraded_performance-bar:#d79a34;--partial_outage:#ffab7a;--partial_outage-bar:#e8793a;--partial_outage-ground:#3a2212;--major_outage-bar:#f0574a;--none-bar:#6b7685}}
*{box-sizing:border-box}
html{font:16px/1.5 var(--font);-webkit-text-size-adjust:100%}
body{margin:0;background:var(--ground);color:var(--text);overflow-wrap:anywhere}
h1,h2,h3,h4,p,ul,ol{margin:0;padding:0}
ul,ol{list-style:none}
.text{padding:16px 18px;overflow-x:auto}
.box.text>*{border:0}
.box.text>*+*{margin-top:10px;border:0}
.text ul,.text ol{padding-left:22px;list-style:disc}
.text ol{list-style:decimal}
.text h3,.text h4{margin-top:16px}
.text>h3:first-child{margin-top:0}
.text pre{overflow-x:auto}
.text blockquote{margin-inline:0;padding-left:12px;border-left:3px solid var(--line)}
a{color:var(--link);text-underline-offset:2px}
:focus-visible{outline:2px solid var(--link);outline-offset:2px;border-radius:3px}
.skip:not(:focus){position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.skip:focus{position:absolute;z-index:2;top:6px;left:6px;padding:6px 12px;background:var(--surface)}
header,main,footer>div{padding-inline:max(16px,calc(50vw - 410px))}
header{display:flex;align-items:center;gap:14px;padding-block:22px}
header img{max-height:44px;max-width:180px}
header h1,header p{font-size:1.35rem;font-weight:650;line-height:1.25}
header a{color:inherit;text-decoration:none}
header a:hover{text-decoration:underline}
main{display:grid;gap:28px;padding-block:24px 40px}
main>*{min-width:0}
main h1{font-size:1.4rem;line-height:1.3;margin-bottom:12px}
h2{font-size:1.1rem;margin-bottom:10px}
h3{font-size:1rem;line-height:1.4}
.overall{display:flex;align-items:center;gap:12px;padding:16px 20px;border:1px solid;border-left-width:6px;border-radius:8px;font-size:1.2rem;font-weight:650}
.is-operational{color:var(--operational)}.is-degraded_performance{color:var(--degraded_performance)}.is-partial_outage{color:var(--partial_outage)}.is-major_outage{color:var(--major_outage)}.is-under_maintenance{color:var(--under_maintenance)}
.overall.is-operational{background:var(--operational-ground)}.overall.is-degraded_performance{background:var(--degraded_performance-ground)}.overall.is-partial_outage{background:var(--partial_outage-ground)}.overall.is-major_outage{background:var(--major_outage-ground)}.overall.is-under_maintenance{background:var(--under_maintenance-ground)}
.state{font-weight:600;white-space:nowrap}
.box{background:var(--surface);border:1px solid var(--line);border-radius:8px}
.box>li,.box>section,.box>article{padding:14px 18px}
.box>*+*{border-top:1px solid var(--line)}
.event{display:grid;gap:8px}
.event+.event{margin-top:12px}
article.box{padding:16px 18px}
.event.is-open{border-left:6px solid}
.event>*{color:var(--text)}
.facts{color:var(--quiet);font-size:.92rem}
.updates{display:grid;gap:10px}
.updates time,.when{display:block;color:var(--quiet);font-size:.88rem}
.group>h3{padding:12px 18px 0;color:var(--quiet);font-size:.9rem}
.group+.group{margin-top:12px}
.group>h3+*,.event>*+*,.group>.component:first-child{border-top:0}
.component{padding:14px 18px}
.component+.component{border-top:1px solid var(--line)}
.component>div{display:flex;flex-wrap:wrap;justify-content:space-between;gap:2px 16px}
.component h3,.component h4{font-size:1rem;font-weight:600}
.component>p{color:var(--quiet);font-size:.92rem}
.bars{display:block;width:100%;height:30px;margin-top:10px}
.bars path{fill:none;stroke-dasharray:3 1}
.bars .none{stroke:var(--none-bar);stroke-width:4}.bars .operational{stroke:var(--operational-bar);stroke-width:15}.bars .under_maintenance{stroke:var(--under_maintenance-bar);stroke-width:5}.bars .degraded_performance{stroke:var(--degraded_performance-bar);stroke-width:20}.bars .partial_outage{stroke:var(--partial_outage-bar);stroke-width:25}.bars .major_outage{stroke:var(--major_outage-bar);stroke-width:30}
.component .scale{justify-content:space-between;color:var(--quiet);font-size:.85rem;margin-top:2px}
details{font-size:.92rem;margin-top:4px}
summary{cursor:pointer;color:var(--link);padding:2px 0}
table{border-collapse:collapse;margin-top:4px}
th,td{padding:3px 18px 3px 0;text-align:left;font-weight:400;vertical-align:top}
thead th{color:var(--quiet)}
.days{display:grid;gap:16px}
.days>li{display:grid;gap:8px}
.days h2,.days h3{margin:0;color:var(--quiet);font-size:.95rem}
.pager{display:flex;justify-content:space-between;gap:16px}
.legend{display:flex;flex-wrap:wrap;gap:2px 18px;margin-top:10px;color:var(--quiet);font-size:.88rem}
footer{border-top:1px solid var(--line);color:var(--quiet);font-size:.9rem}
footer>div{display:flex;flex-wrap:wrap;align-items:baseline;gap:6px 20px;padding-block:18px 30px}
.old{padding:10px 16px;border:2px solid var(--major_outage);border-radius:8px;font-weight:600}
form{display:grid;gap:14px;justify-items:start}
fieldset{border:0;margin:0;padding:0;display:grid;gap:6px}
legend{padding:0;font-weight:600;margin-bottom:4px}
label{display:flex;gap:8px;align-items:baseline}
label.field{display:grid;gap:4px;width:min(100%,420px)}
input[type=text],input[type=email],input[type=url],select{font:inherit;width:100%;padding:8px 10px;color:var(--text);background:var(--surface);border:1px solid var(--quiet);border-radius:6px}
button{font:inherit;font-weight:600;padding:8px 18px;border:1px solid var(--link);border-radius:6px;background:var(--surface);color:var(--link);cursor:pointer}
main>section>*+*{margin-top:14px}
.error{color:var(--major_outage);font-weight:600}
[hidden]{display:none}
@media(max-width:560px){header{padding-block:16px}.overall{padding:12px 14px;font-size:1.05rem}.box>li,.box>section,.box>article,.component,article.box{padding-inline:14px}.bars{height:26px}summary,.pager a,footer a{padding-block:6px}}
@media print{.skip,.pager{display:none}}
`;

/** Returns the styles of a page, with its own colors. */
export function styleOf({ colors }: PageSettings): string {
  if (colors === undefined) return `${STYLE}header{background:var(--surface);border-bottom:1px solid var(--line)}`;
  const { header, headerDark = header } = colors;
  return `${STYLE}${headerStyle(header)}@media(prefers-color-scheme:dark){${headerStyle(headerDark)}}`;
}

const headerStyle = (color: string): string => `header{background:${color};color:${textOn(color)}}`;

/**
 * Returns black or white, whichever has the higher contrast: always at least 4.5 to 1.
 *
 * @see https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio
 */
export function textOn(color: string): string {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((start) => {
    const value = Number.parseInt(color.slice(start, start + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05) ? '#000' : '#fff';
}
