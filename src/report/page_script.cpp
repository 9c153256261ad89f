#include "report/page.h"

namespace coppice::report {

const std::string_view kPageScript = R"js(
(function () {
  'use strict';
  const report = JSON.parse(document.getElementById('report-data').textContent);
  const table = document.getElementById('trials');
  const views = [];

  // The table: a group's row moves together with the rows of its seeds.
  function rowsOf(group) {
    return Array.from(table.querySelectorAll('tr.seed[data-of="' + group + '"]'));
  }
  function toggle(row, open) {
    const button = row.querySelector('td.fold button');
    const expand = open === undefined ? button.getAttribute('aria-expanded') !== 'true' : open;
    button.setAttribute('aria-expanded', String(expand));
    rowsOf(row.dataset.group).forEach(function (seed) { seed.hidden = !expand; });
  }
  function sortBy(header, column) {
    const up = header.getAttribute('aria-sort') !== 'ascending';
    table.querySelectorAll('th[aria-sort]').forEach(function (other) {
      other.setAttribute('aria-sort', 'none');
    });
    header.setAttribute('aria-sort', up ? 'ascending' : 'descending');
    const body = table.tBodies[0];
    const keyed = Array.from(body.querySelectorAll('tr.group')).map(function (row, place) {
      const order = row.cells[column].dataset.order;
      return { row: row, place: place, key: order === undefined ? null : Number(order) };
    });
    keyed.sort(function (a, b) {  // Rows without a value stay at the end.
      if (a.key === null || b.key === null) return (a.key === null) - (b.key === null);
      return (up ? a.key - b.key : b.key - a.key) || a.place - b.place;
    });
    keyed.forEach(function (entry) {
      body.append(entry.row, ...rowsOf(entry.row.dataset.group));
    });
  }
  function activate(group) {
    document.querySelectorAll('tr.active').forEach(function (row) { row.classList.remove('active'); });
    const row = document.getElementById('group-' + group);
    if (row) row.classList.add('active');
    views.forEach(function (view) {  // The view under the pointer has it already.
      if (view.signal('active') !== group) view.signal('active', group).runAsync();
    });
  }
  if (table) {
    table.querySelectorAll('th[aria-sort]').forEach(function (header) {
      header.querySelector('button').addEventListener('click', function () {
        sortBy(header, header.cellIndex);
      });
    });
    table.querySelectorAll('tr.group').forEach(function (row) {
      row.addEventListener('click', function () { toggle(row); });
      row.addEventListener('mouseenter', function () { activate(Number(row.dataset.group)); });
      row.addEventListener('mouseleave', function () { activate(-1); });
    });
  }

  // The tooltip: text nodes only, so that no name can become markup.
  const tip = document.createElement('div');
  tip.id = 'tip';
  tip.hidden = true;
  document.body.append(tip);
  function element(name, text) {
    const node = document.createElement(name);
    node.textContent = text;
    return node;
  }
  function showTip(event, group) {
    const about = report.groups[group];
    tip.replaceChildren(element('b', about.title));
    about.lines.forEach(function (line) {
      const row = document.createElement('div');
      row.append(element('span', line[0]), element('span', line[1]));
      tip.append(row);
    });
    tip.append(element('small', about.trials));
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    const left = event.clientX + 16 + box.width > innerWidth ? event.clientX - 16 - box.width
                                                             : event.clientX + 16;
    const below = event.clientY + 16 + box.height > innerHeight;
    tip.style.left = Math.max(4, left) + 'px';
    tip.style.top = Math.max(4, below ? event.clientY - 16 - box.height : event.clientY + 16) + 'px';
  }

  function save(view, name, format) {
    view.toImageURL(format, 2).then(function (url) {
      const link = document.createElement('a');
      link.href = url;
      link.download = name + '.' + format;
      link.click();
    });
  }
  function draw(figure) {
    const place = document.getElementById('plot-' + figure.name);
    const view = new vega.View(vega.parse(figure.spec), { renderer: 'svg', container: place, hover: true });
    view.tooltip(function (handler, event, item, value) {
      if (value && value.group !== undefined) showTip(event, value.group); else tip.hidden = true;
    });
    let hovered = -1;
    view.addSignalListener('active', function (name, group) {
      if (group === hovered) return;
      hovered = group;
      activate(group);
    });
    view.addEventListener('click', function (event, item) {
      const row = item && item.datum && document.getElementById('group-' + item.datum.group);
      if (!row) return;
      toggle(row, true);
      row.scrollIntoView({ block: 'center' });
    });
    const fit = function () {
      const width = Math.max(280, place.clientWidth);
      if (view.width() !== width) view.width(width).runAsync();
    };
    fit();
    new ResizeObserver(function () { requestAnimationFrame(fit); }).observe(place);
    place.closest('figure').querySelectorAll('button[data-format]').forEach(function (button) {
      button.addEventListener('click', function () { save(view, figure.name, button.dataset.format); });
    });
    views.push(view);
  }
  if (window.vega) {
    report.figures.forEach(draw);
    const colour = document.getElementById('colour-by');
    if (colour) colour.addEventListener('change', function () {
      views.forEach(function (view) { view.signal('colourBy', Number(colour.value)).runAsync(); });
    });
    const zoom = document.getElementById('zoom');
    if (zoom) zoom.checked = views.some(function (view) { return view.signal('zoom'); });
    if (zoom) zoom.addEventListener('change', function () {
      views.forEach(function (view) { view.signal('zoom', zoom.checked).runAsync(); });
    });
  }
})();
)js";

}  // namespace coppice::report
