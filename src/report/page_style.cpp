#include "report/page.h"

namespace coppice::report {

const std::string_view kPageStyle = R"css(
:root { --ink: #111827; --soft: #4b5563; --faint: #6b7280; --line: #e5e7eb; --wash: #f8f9fb;
  --accent: #0072b2; --bad: #b42318; }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; }
body { margin: 0; background: #fff; color: var(--ink); font: 15px/1.5 Inter, "Helvetica Neue",
  Helvetica, Arial, "Liberation Sans", sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 40px 28px 64px; }
h1 { font-size: 30px; line-height: 1.2; letter-spacing: -0.015em; margin: 0 0 6px; }
h2 { font-size: 19px; letter-spacing: -0.01em; margin: 44px 0 10px; }
h3 { font-size: 15px; font-weight: 600; margin: 0; }
p { margin: 0 0 8px; max-width: 78ch; }
a { color: var(--accent); }
.lead { color: var(--soft); font-size: 16px; }
.note { color: var(--faint); font-size: 13.5px; }
.warning { border-left: 3px solid #e69f00; padding: 6px 12px; background: #fff9ec; max-width: none; }
.facts { display: flex; flex-wrap: wrap; gap: 6px 28px; margin: 18px 0 0; padding: 14px 0;
  border-top: 1px solid var(--line); border-bottom: 1px solid var(--line); }
.facts div { display: flex; flex-direction: column; }
.facts .what, .tile .what { color: var(--faint); font-size: 12.5px; }
.facts .value { font-weight: 500; font-variant-numeric: tabular-nums; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(240px, 1fr)); gap: 14px;
  margin-top: 22px; }
.tile { display: flex; flex-direction: column; padding: 14px 16px; border: 1px solid var(--line);
  border-radius: 10px; background: var(--wash); text-decoration: none; color: inherit; }
.tile:hover { border-color: #b9c2cf; }
.tile .value { font-size: 23px; font-weight: 600; letter-spacing: -0.01em; margin: 2px 0;
  font-variant-numeric: tabular-nums; }
.tile .detail { color: var(--soft); font-size: 13px; line-height: 1.4; }
.controls { display: flex; flex-wrap: wrap; gap: 8px 24px; align-items: center; margin: 12px 0 16px;
  font-size: 14px; color: var(--soft); }
.controls select { font: inherit; color: var(--ink); padding: 3px 8px; border: 1px solid #cbd2db;
  border-radius: 6px; background: #fff; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 520px), 1fr));
  gap: 22px; }
figure { margin: 0; padding: 14px 14px 8px; border: 1px solid var(--line); border-radius: 10px;
  min-width: 0; }
figcaption { display: flex; justify-content: space-between; align-items: baseline; gap: 12px;
  margin: 0 2px 8px; }
figcaption button { border: 0; background: none; color: var(--faint); font: inherit; font-size: 12.5px;
  padding: 0 2px; cursor: pointer; text-decoration: underline; }
.plot { width: 100%; min-height: 120px; }
.plot svg { display: block; max-width: 100%; height: auto; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 10px; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; font-variant-numeric: tabular-nums; }
th, td { padding: 7px 11px; text-align: left; white-space: nowrap; border-bottom: 1px solid var(--line); }
tbody tr:last-child td { border-bottom: 0; }
thead th { background: var(--wash); color: var(--soft); font-weight: 600; font-size: 12.5px;
  vertical-align: bottom; }
thead th button { all: unset; cursor: pointer; white-space: normal; }
thead th button:focus-visible { outline: 2px solid var(--accent); outline-offset: 3px; }
thead th button::after { content: ""; display: inline-block; width: 0.9em; }
th[aria-sort=ascending] button::after { content: " \2191"; color: var(--accent); }
th[aria-sort=descending] button::after { content: " \2193"; color: var(--accent); }
.unit { font-weight: 400; color: var(--faint); }
.number { text-align: right; }
.spread { color: var(--faint); font-size: 12px; }
.heat td, .heat th { padding: 4px 9px; }
tr.group { cursor: pointer; }
tr.group:hover td, tr.active td { background: #eef6fb; }
tr.baseline td { font-weight: 600; }
tr.baseline .spread { font-weight: 400; }
tr.seed td { background: #fcfcfd; color: var(--soft); font-size: 12.5px; }
td.fold { width: 1px; padding-right: 4px; }
td.fold button { all: unset; cursor: pointer; color: var(--faint); width: 1.2em; display: inline-block; }
td.fold button::before { content: "\25B8"; }
td.fold button[aria-expanded=true]::before { content: "\25BE"; }
td.fold button:focus-visible { outline: 2px solid var(--accent); }
.mark { font-size: 11px; font-weight: 500; color: var(--soft); border: 1px solid #cbd2db;
  border-radius: 99px; padding: 0 7px; margin-right: 4px; }
.mark.ring { color: var(--ink); border-color: var(--ink); }
.trial { font-family: "JetBrains Mono", Menlo, Consolas, "Liberation Mono", monospace; font-size: 12px;
  color: var(--faint); }
.error { color: var(--bad); white-space: pre-wrap; min-width: 260px; }
.count { color: var(--faint); font-weight: 400; }
pre { background: var(--wash); border: 1px solid var(--line); border-radius: 8px; padding: 12px 14px;
  overflow-x: auto; font: 13px/1.5 "JetBrains Mono", Menlo, Consolas, "Liberation Mono", monospace; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 3px 22px; font-size: 13.5px; margin: 0; }
dt { color: var(--faint); } dd { margin: 0; overflow-wrap: anywhere; }
details { margin-top: 18px; } summary { cursor: pointer; color: var(--soft); }
#tip { position: fixed; z-index: 9; pointer-events: none; background: #fff; border: 1px solid #cbd2db;
  border-radius: 8px; box-shadow: 0 4px 18px rgba(17, 24, 39, .14); padding: 9px 12px; font-size: 12.5px;
  max-width: 400px; }
#tip b { display: block; margin-bottom: 4px; font-size: 13px; }
#tip div { display: flex; justify-content: space-between; gap: 18px; font-variant-numeric: tabular-nums; }
#tip span:first-child { color: var(--faint); }
#tip small { display: block; color: var(--faint); margin-top: 5px; overflow-wrap: anywhere; }
footer { margin-top: 48px; color: var(--faint); font-size: 12.5px; }
@media print { .controls, figcaption button { display: none; } figure, tr { break-inside: avoid; } }
)css";

}  // namespace coppice::report
