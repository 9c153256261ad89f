#include "report/page.h"

namespace coppice::report {

// Filled by vega_figure(): the data tables, the axes' domains, ticks and titles, the palettes.
// colourBy chooses among the settings; active is the group under the pointer, in any figure.
const std::string_view kVegaSpec = R"json({
"$schema": "https://vega.github.io/schema/vega/v5.json",
"width": 500, "height": 330, "padding": 4,
"autosize": {"type": "fit", "contains": "padding"},
"config": {
  "font": "Inter, 'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', sans-serif",
  "axis": {"labelFontSize": 12, "titleFontSize": 12.5, "titleFontWeight": 500, "titlePadding": 8,
           "labelColor": "#4b5563", "titleColor": "#1f2937", "domainColor": "#9ca3af",
           "tickColor": "#9ca3af", "gridColor": "#eef0f3"},
  "legend": {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": 500,
             "labelColor": "#374151", "titleColor": "#1f2937", "symbolSize": 90,
             "columnPadding": 14, "rowPadding": 3,
             "layout": {"top": {"margin": 28, "direction": "horizontal"}}}
},
"signals": [
  {"name": "colourBy", "value": 0},
  {"name": "zoom", "value": false},
  {"name": "active", "value": -1,
   "on": [{"events": "@dots:mouseover", "update": "datum.group"},
          {"events": "@dots:mouseout", "update": "-1"}]},
  {"name": "colourNames", "value": []},
  {"name": "palettes", "value": []}, {"name": "domains", "value": []},
  {"name": "below", "value": ""},
  {"name": "yAll", "value": [0, 1]}, {"name": "yTop", "value": [0, 1]},
  {"name": "yAllTicks", "value": []}, {"name": "yTopTicks", "value": []},
  {"name": "xTicks", "value": []}, {"name": "xLabels", "value": []}
],
"data": [
  {"name": "points", "values": [],
   "transform": [{"type": "formula", "as": "colour", "expr": "datum.colours[colourBy]"}]},
  {"name": "lines", "source": "points",
   "transform": [{"type": "collect", "sort": {"field": ["order", "x"]}}]},
  {"name": "front", "values": []},
  {"name": "baselines", "values": []}
],
"scales": [
  {"name": "x", "type": "linear", "range": "width", "domain": [0, 1], "zero": false, "nice": false},
  {"name": "y", "type": "linear", "range": "height", "zero": false, "nice": false,
   "domain": {"signal": "zoom ? yTop : yAll"}},
  {"name": "colour", "type": "ordinal", "range": {"signal": "palettes[colourBy]"},
   "domain": {"signal": "domains[colourBy]"}},
  {"name": "shape", "type": "ordinal", "range": ["circle", "triangle-up", "diamond", "square"],
   "domain": []}
],
"axes": [
  {"scale": "x", "orient": "bottom", "grid": true, "values": {"signal": "xTicks"},
   "labelOverlap": "greedy", "labelSeparation": 6,
   "encode": {"labels": {"update": {
     "text": {"signal": "xLabels[indexof(xTicks, datum.value)]"}}}}},
  {"scale": "y", "orient": "left", "grid": true,
   "values": {"signal": "zoom ? yTopTicks : yAllTicks"}, "format": "~r"}
],
"legends": [
  {"fill": "colour", "title": {"signal": "colourNames[colourBy]"}, "orient": "top",
   "direction": "horizontal", "symbolType": "circle", "symbolStrokeWidth": 0}
],
"marks": [
  {"type": "rule", "clip": true, "from": {"data": "baselines"}, "interactive": false,
   "encode": {"update": {"x": {"value": 0}, "x2": {"field": {"group": "width"}},
     "y": {"scale": "y", "field": "y"}, "stroke": {"value": "#374151"},
     "strokeDash": {"value": [6, 4]}, "strokeWidth": {"value": 1.2}}}},
  {"type": "text", "clip": true, "from": {"data": "baselines"}, "interactive": false,
   "encode": {"update": {"x": {"value": 4},
     "y": {"scale": "y", "field": "y", "offset": -5}, "align": {"value": "left"},
     "text": {"field": "label"}, "fontSize": {"value": 11}, "fill": {"value": "#374151"}}}},
  {"type": "text", "interactive": false,
   "encode": {"update": {"x": {"field": {"group": "width"}, "offset": -4},
     "y": {"field": {"group": "height"}, "offset": -7}, "align": {"value": "right"},
     "text": {"signal": "zoom ? below : ''"}, "fontSize": {"value": 11},
     "fontStyle": {"value": "italic"}, "fill": {"value": "#6b7280"}}}},
  {"type": "line", "clip": true, "from": {"data": "front"}, "interactive": false,
   "encode": {"update": {"x": {"scale": "x", "field": "x"}, "y": {"scale": "y", "field": "y"},
     "interpolate": {"value": "step-after"}, "stroke": {"value": "#9aa3af"},
     "strokeWidth": {"value": 2.5}, "strokeOpacity": {"value": 0.8}}}},
  {"type": "group", "clip": true, "interactive": false,
   "from": {"facet": {"name": "series", "data": "lines", "groupby": ["colour", "shape"]}},
   "encode": {"update": {"width": {"field": {"group": "width"}},
                         "height": {"field": {"group": "height"}}}},
   "marks": [{"type": "line", "from": {"data": "series"},
     "encode": {"update": {"x": {"scale": "x", "field": "x"}, "y": {"scale": "y", "field": "y"},
       "stroke": {"scale": "colour", "field": "colour"}, "strokeWidth": {"value": 1},
       "strokeOpacity": {"signal": "active < 0 ? 0.35 : 0.12"}}}}]},
  {"type": "rule", "clip": true, "from": {"data": "points"}, "interactive": false,
   "encode": {"update": {"x": {"scale": "x", "field": "x"}, "y": {"scale": "y", "field": "yLow"},
     "y2": {"scale": "y", "field": "yHigh"}, "stroke": {"scale": "colour", "field": "colour"},
     "strokeWidth": {"value": 1.4},
     "opacity": {"signal": "active < 0 || active === datum.group ? 0.9 : 0.15"}}}},
  {"type": "rule", "clip": true, "from": {"data": "points"}, "interactive": false,
   "encode": {"update": {"x": {"scale": "x", "field": "xLow"}, "x2": {"scale": "x", "field": "xHigh"},
     "y": {"scale": "y", "field": "y"}, "stroke": {"scale": "colour", "field": "colour"},
     "strokeWidth": {"value": 1.4},
     "opacity": {"signal": "active < 0 || active === datum.group ? 0.9 : 0.15"}}}},
  {"type": "symbol", "name": "dots", "clip": true, "from": {"data": "points"},
   "encode": {"update": {"x": {"scale": "x", "field": "x"}, "y": {"scale": "y", "field": "y"},
     "shape": {"scale": "shape", "field": "shape"},
     "fill": {"scale": "colour", "field": "colour"},
     "stroke": {"signal": "datum.front ? '#111827' : '#ffffff'"},
     "strokeWidth": {"signal": "datum.front ? 1.8 : 1"},
     "size": {"signal": "active === datum.group ? 190 : 95"},
     "opacity": {"signal": "active < 0 || active === datum.group ? 1 : 0.25"},
     "tooltip": {"signal": "datum"}, "cursor": {"value": "pointer"}}}}
]
})json";

}  // namespace coppice::report
