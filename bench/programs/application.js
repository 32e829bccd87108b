/** The applications that the benchmarks serve; the same in every process. */
const { mkdirSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

const BUILD = join(__dirname, '..', 'build');
const MODULES = 300;

function trivial() {
  return (_request, response) => response.end('hello');
}

/** Answers with the pid. */
function pid() {
  return (_request, response) => response.end(String(process.pid));
}

const BLOCKED = 20; // ms

/** In each worker, with its number: of `pid-slow` the first one is blocked most of the time. */
function begin(application, id) {
  if (application !== 'pid-slow' || id !== 0) return;
  const block = () => {
    const end = performance.now() + BLOCKED;
    while (performance.now() < end);
    setTimeout(block, BLOCKED / 4);
  };
  block();
}

/** Code like that of a page: data, a sort, a template, JSON. Slow until V8 has optimised it. */
function render(seed) {
  const rows = [];
  for (let i = 0; i < 300; i++)
    rows.push({ id: i, name: `row ${(i * 7919 + seed) % 1009}`, value: (i * seed) % 97 });
  rows.sort((a, b) => a.value - b.value || (a.name < b.name ? -1 : 1));
  return JSON.stringify(
    rows.map(({ id, name, value }) => ({ id, html: `<td>${name}</td><td>${value * 2}</td>` })),
  );
}

let seed = 0;
function page() {
  return (_request, response) => response.end(render(seed++));
}

/** A site of many pages, each with its own code, as templates compile to: GET /17 is page 17. */
const PAGES = 200;
const PARTS = 100;
const SITE = join(BUILD, 'site');
const renderers = () => Array.from({ length: PAGES }, (_, i) => require(join(SITE, `page${i}.js`)));

function sourceOfPart(page, part) {
  return `
    function part${part}({ name, value }) {
      const shown = (value * ${part + 1} + ${page}) % 97;
      if (shown % ${(part % 7) + 2} === 0) return '<td class="part${part}"><b>' + name + '</b>' + shown + '</td>';
      return '<td class="part${part}">' + name + ' ' + shown + '</td>';
    }`;
}

function sourceOfPage(page) {
  const parts = Array.from({ length: PARTS }, (_, part) => sourceOfPart(page, part));
  const row = parts.map((_, part) => `part${part}(row)`).join(' + ');
  return `${parts.join('')}
    module.exports = (seed) => {
      const rows = [];
      for (let i = 0; i < 10; i++) rows.push({ name: 'row ' + ((i * 7919 + seed) % 1009), value: (i * seed) % 97 });
      return rows.map((row) => ${row}).join('');
    };`;
}

function writeSite() {
  mkdirSync(SITE, { recursive: true });
  for (let page = 0; page < PAGES; page++) writeFileSync(join(SITE, `page${page}.js`), sourceOfPage(page));
}

function site() {
  const pages = renderers();
  return ({ url }, response) => response.end(pages[Number(url.slice(1)) % PAGES](seed++));
}

/** The modules of the Express application. */
function writeModules() {
  const folder = join(BUILD, 'modules');
  mkdirSync(folder, { recursive: true });
  const lines = Array.from(
    { length: 40 },
    (_, i) => `exports.f${i} = (x) => ({ x, y: x * ${i}, z: [x, 'text ${i}'] });`,
  );
  for (let i = 0; i < MODULES; i++) writeFileSync(join(folder, `m${i}.js`), lines.join('\n'));
}

function express() {
  const app = require('express')();
  for (let i = 0; i < MODULES; i++) {
    const module = require(join(BUILD, 'modules', `m${i}.js`));
    app.get(`/m${i}`, (_request, response) => response.json(module.f1(i)));
  }
  app.get('/', (_request, response) => response.end('hello'));
  return app;
}

/** What takes a second to load, whatever it does meanwhile. */
function slow() {
  const end = performance.now() + 1000;
  while (performance.now() < end);
  return trivial();
}

/** 400 MB of small objects that every request reads, making garbage. */
function data() {
  require('./heap').fillHeap(400);
  let at = 0;
  return (_request, response) => {
    const part = globalThis.kept[at++ % globalThis.kept.length];
    const found = part
      .slice(at % 10_000, (at % 10_000) + 200)
      .map((each) => ({ ...each, text: `${each.nested.text}!` }));
    response.end(JSON.stringify(found[0]));
  };
}

/** Requests that a parent serves before it forks. */
function warm(application) {
  if (application === 'page') for (let i = 0; i < 3000; i++) render(i);
  if (application === 'site') for (const page of renderers()) for (let i = 0; i < 100; i++) page(i);
}

module.exports = {
  trivial,
  pid,
  'pid-slow': pid,
  begin,
  page,
  site,
  express,
  slow,
  data,
  warm,
  writeModules,
  writeSite,
};
