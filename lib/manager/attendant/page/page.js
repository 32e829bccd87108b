/** The page of a service. What it shows comes from its processes, so that it is only ever put in as text. */

const SECONDS = 600;
/** Seconds that one point of a plot stands for. */
const STEP = 4;
const SVG = 'http://www.w3.org/2000/svg';

/** Milliseconds without news after which what is shown is old. */
const OLD = 3000;
/** After which somebody who was turned away comes back. */
const RETRY = 5000;
const MOST_HAPPENED = 30;

const byId = (id) => document.getElementById(id);

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function drawn(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** Without touching what is there already: it may be selected, or just be read aloud. */
function say(where, text) {
  if (where.textContent !== text) where.textContent = text;
}

// --- Words ---

const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
];

function duration(milliseconds) {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  let rest = Math.floor(milliseconds / 1000);
  const parts = UNITS.map(([name, seconds]) => {
    const count = Math.floor(rest / seconds);
    rest %= seconds;
    return count === 0 ? '' : `${count} ${name}`;
  });
  return parts
    .filter((part) => part !== '')
    .slice(0, 2)
    .join(' ');
}

/** Three digits tell enough. */
function number(value) {
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)} M`;
  if (value >= 1e4) return `${(value / 1e3).toFixed(1)} k`;
  if (value >= 100 || Number.isInteger(value)) return String(Math.round(value));
  return value.toFixed(value >= 9.95 ? 0 : 1);
}

function bytes(count) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, count)) / 10));
  const value = count / 1024 ** power;
  return `${power === 0 || value >= 10 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}

const milliseconds = (value) => (value < 1000 ? `${number(value)} ms` : `${number(value / 1000)} s`);
const percent = (share) => `${Math.round(share * 100)} %`;
const known = (value, show) => (value === null || value === undefined ? '–' : show(value));

const plural = (count, what) => `${count} ${what}${count === 1 ? '' : 's'}`;

// --- What happened ---

const LOSSES = ['crash', 'hang', 'boot timeout', 'out of memory', 'killed', 'template lost', 'crash loop'];
const DEPLOYS = ['reload', 'reloaded', 'refused', 'succession'];

/** Those of a worker begin with its id. */
const STORIES = {
  crash: 'crashed, and another one takes its place',
  hang: 'stood still, and another one takes its place',
  'boot timeout': 'was not ready in time, and another one takes its place',
  'out of memory': 'was killed because memory ran out, and another one takes its place',
  killed: 'was killed from outside, and another one takes its place',
  recycled: 'has served enough or grown too large, and is being replaced',
  reload: 'A reload began',
  reloaded: 'Every worker has been replaced',
  refused: 'A new version was refused; the old one serves on',
  added: 'One worker more is wanted',
  removed: 'One worker fewer is wanted',
  succession: 'Another program took over the manager',
  'template lost': 'The template ended; the application is loaded anew',
  'crash loop': 'Crash loop: workers are started again after growing delays',
};

function kindOf(what) {
  if (LOSSES.includes(what)) return 'loss';
  return DEPLOYS.includes(what) ? 'deploy' : 'other';
}

function storyOf({ what, worker }) {
  const story = STORIES[what] ?? what;
  return worker === null ? story : `Worker ${worker} ${story}`;
}

function timeOf(at) {
  return new Date(at).toLocaleTimeString([], { hourCycle: 'h23', timeStyle: 'medium' });
}

function showLatest({ latest }) {
  const list = byId('latest');
  const key = latest.map(({ at, what, worker }) => `${at} ${what} ${worker}`).join();
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  const items = latest
    .slice(-MOST_HAPPENED)
    .reverse()
    .map((happened) => {
      const time = element('time', { dateTime: new Date(happened.at).toISOString() }, timeOf(happened.at));
      const item = element('li', {}, time, element('span', { className: 'what' }, storyOf(happened)));
      item.dataset.kind = kindOf(happened.what);
      item.dataset.what = happened.what;
      return item;
    });
  const nothing = element('li', { className: 'quiet' }, 'Nothing out of the ordinary');
  list.replaceChildren(...(items.length === 0 ? [nothing] : items));
}

// --- Plots ---

/** What has been added since the sample before, a second. */
const rate = (field) => (now, before) =>
  Math.max(0, now[field] - before[field]) / (now.second - before.second);
const level = (field) => (now) => now[field];
const mean = (values) => values.reduce((sum, each) => sum + each, 0) / values.length;
const highest = (values) => Math.max(...values);

const FIGURES = [
  {
    name: 'Workers ready',
    curve: level('ready'),
    wanted: level('wanted'),
    join: (values) => Math.min(...values),
    show: (value, { wanted }) => `${value} of ${wanted}`,
    scale: number,
  },
  { name: 'Requests', curve: rate('requests'), join: mean, show: (value) => `${number(value)} /s` },
  {
    name: 'Time to answer',
    // Of a second without answers nothing is known.
    curve: (now, before) => {
      const answers = now.answers - before.answers;
      return answers > 0 ? ((now.answerSeconds - before.answerSeconds) / answers) * 1000 : null;
    },
    join: mean,
    show: milliseconds,
  },
  {
    name: 'Errors (5xx)',
    curve: rate('errors'),
    join: mean,
    isBad: true,
    show: (value) => `${number(value)} /s`,
  },
  {
    name: 'Processor',
    curve: (now, before) => rate('cpu')(now, before) / 1000,
    join: mean,
    show: percent,
  },
  {
    name: 'Connections',
    curve: level('connections'),
    join: highest,
    show: (value, { waiting }) =>
      waiting > 0 ? `${number(value)}, ${number(waiting)} waiting` : number(value),
    scale: number,
  },
  { name: 'Loop delay', curve: level('loopDelay'), join: highest, show: milliseconds },
  { name: 'Private memory', curve: level('privateMemory'), join: highest, show: bytes },
];

/** What the numbers of a sample are, as the service has it. */
let fields = [];
let samples = [];

function toSample(numbers) {
  return Object.fromEntries(fields.map((field, index) => [field, numbers[index]]));
}

function addSample(numbers) {
  const sample = toSample(numbers);
  samples = samples.filter(({ second }) => second < sample.second && second > sample.second - SECONDS);
  samples.push(sample);
}

/** Points in time order, several seconds in one; null where nothing is known. */
function pointsOf({ curve, join }) {
  const steps = new Map();
  for (let index = 1; index < samples.length; index++) {
    const [before, now] = [samples[index - 1], samples[index]];
    const value = curve(now, before);
    if (value === null) continue;
    const step = Math.floor(now.second / STEP);
    if (!steps.has(step)) steps.set(step, []);
    steps.get(step).push(value);
  }
  return [...steps].map(([step, values]) => ({ second: (step + 1) * STEP, value: join(values) }));
}

/** The next of 1, 2, 5, 10, 20, …: the scale changes seldom. */
function ceiling(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * [1, 2, 5, 10].find((each) => each * power >= value * 0.999);
}

class Figure {
  #what;
  #value = element('b');
  #highest = element('span');
  #svg = drawn('svg', { role: 'img' });
  element;

  constructor(what) {
    this.#what = what;
    this.element = element(
      'figure',
      { className: 'figure' },
      element('figcaption', { className: 'quiet' }, what.name),
      this.#value,
      this.#svg,
      element('div', { className: 'scale quiet' }, element('span', {}, '−10 min'), this.#highest),
    );
  }

  draw({ at, latest }) {
    const { name, show, scale = show, curve, wanted, isBad } = this.#what;
    const [before, now] = samples.slice(-2);
    const points = pointsOf(this.#what);
    const value = now === undefined ? null : curve(now, before);
    say(
      this.#value,
      known(value, (each) => show(each, now)),
    );
    this.#value.dataset.is = isBad && value > 0 ? 'bad' : '';
    const most = Math.max(
      0,
      ...points.map((point) => point.value),
      wanted === undefined ? 0 : (now?.wanted ?? 0),
    );
    say(this.#highest, most === 0 ? '' : `highest ${scale(most)}`);
    const text = `${name}: now ${this.#value.textContent}, in the last ten minutes at most ${scale(most)}`;
    this.#svg.setAttribute('aria-label', text);

    const { clientWidth: width, clientHeight: height } = this.#svg;
    const end = at / 1000;
    const top = wanted === undefined ? ceiling(most || 1) : most || 1;
    const x = (second) => width * Math.min(1, 1 - (end - second) / SECONDS);
    const y = (each) => height - 1 - (height - 10) * Math.min(1, each / top);
    const place = (point) => `${x(point.second).toFixed(1)} ${y(point.value).toFixed(1)}`;
    const runs = runsOf(points);
    const areas = runs.map((run) => {
      const [left, right] = [x(run[0].second), x(run.at(-1).second)].map((each) => each.toFixed(1));
      return `M${left} ${height - 1}L${run.map(place).join('L')}L${right} ${height - 1}Z`;
    });
    this.#svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
    this.#svg.replaceChildren(
      drawn('path', { class: 'ground', d: `M0 ${height - 0.5}H${width}` }),
      drawn('path', { class: isBad ? 'area bad' : 'area', d: areas.join('') }),
      drawn('path', {
        class: isBad ? 'curve bad' : 'curve',
        d: runs.map((run) => `M${run.map(place).join('L')}`).join(''),
      }),
      ...(wanted === undefined || now === undefined ? [] : [wantedLine(wanted, x, y)]),
      ...latest
        .filter(({ at: then }) => then > at - SECONDS * 1000)
        .map((each) => markOf(each, x(each.at / 1000), height)),
    );
  }
}

/** A curve ends where nothing is known for a while. */
function runsOf(points) {
  const runs = [];
  for (const point of points) {
    const run = runs.at(-1);
    if (run === undefined || point.second - run.at(-1).second > 3 * STEP) runs.push([point]);
    else run.push(point);
  }
  return runs;
}

function wantedLine(wanted, x, y) {
  const d = samples
    .map((sample) => `${x(sample.second).toFixed(1)} ${y(wanted(sample)).toFixed(1)}`)
    .join('L');
  return drawn('path', { class: 'wanted', d: `M${d}` });
}

/** Told apart by colour and by form: a triangle for a deploy, a disc for a loss. */
function markOf(happened, x, height) {
  const kind = kindOf(happened.what);
  const mark = drawn('g', { class: 'mark', 'data-kind': kind, 'data-what': happened.what });
  const title = drawn('title', {});
  title.textContent = `${timeOf(happened.at)} ${storyOf(happened)}`;
  mark.append(title, drawn('path', { d: `M${x.toFixed(1)} 6V${height - 1}` }));
  if (kind === 'loss') mark.append(drawn('circle', { cx: x.toFixed(1), cy: 4, r: 3.5 }));
  if (kind === 'deploy') mark.append(drawn('path', { d: `M${(x - 4).toFixed(1)} 0h8l-4 7Z` }));
  return mark;
}

const figures = FIGURES.map((what) => new Figure(what));
byId('figures').append(...figures.map((figure) => figure.element));

// --- Workers ---

const COLUMNS = [
  { name: 'Worker', text: ({ id }) => String(id), isText: true },
  { name: 'Doing', text: ({ doing }) => doing, is: kindOfState, isText: true, isWide: true },
  { name: 'Requests/s', text: ({ requestsPerSecond }) => known(requestsPerSecond, number) },
  { name: 'Requests', text: ({ requests }) => known(requests, number) },
  { name: 'Connections', text: ({ connections }) => known(connections, number) },
  { name: 'Loop delay', text: ({ loopDelay }) => known(loopDelay, milliseconds) },
  { name: 'Processor', text: ({ cpu }) => known(cpu, percent), share: ({ cpu }) => cpu ?? 0 },
  { name: 'Private', text: ({ privateMemory }) => known(privateMemory, bytes) },
  {
    name: 'Shared',
    text: ({ privateMemory }, memory) =>
      known(privateMemory && memory && Math.max(0, memory.resident - privateMemory), bytes),
    isOptional: true,
  },
  { name: 'Page tables', text: (_, memory) => known(memory?.pageTables, bytes), isOptional: true },
  { name: 'Restarts', text: ({ restarts }) => String(restarts), isOptional: true },
  { name: 'Gen.', text: ({ generation }) => String(generation), isOptional: true },
  { name: 'Age', text: ({ age }) => duration(age) },
  { name: 'PID', text: ({ pid }) => String(pid), isOptional: true },
];

function kindOfState({ state, isBlocked }) {
  if (isBlocked) return 'bad';
  return state === 'ready' ? 'good' : 'busy';
}

function classOf({ isText, isOptional, isWide }) {
  return [isText && 'text', isOptional && 'optional', isWide && 'wide'].filter(Boolean).join(' ');
}

byId('columns').append(
  ...COLUMNS.map((column) => element('th', { scope: 'col', className: classOf(column) }, column.name)),
);

function newRow(worker) {
  const cells = COLUMNS.map((column) => {
    const cell = element('td', { className: classOf(column) }, element('span'));
    cell.dataset.name = column.name;
    if (column.share !== undefined) {
      const meter = element('meter', { max: 1 });
      meter.setAttribute('aria-hidden', 'true');
      cell.append(meter);
    }
    return cell;
  });
  const row = element('tr', {}, ...cells);
  row.dataset.pid = worker.pid;
  return row;
}

function showWorkers({ workers, memory, ready, wanted }) {
  say(byId('ready'), `${ready} of ${wanted} ready`);
  const body = byId('rows');
  const rows = new Map([...body.children].map((row) => [row.dataset.pid, row]));
  const sorted = [...workers].sort((one, other) => one.id - other.id || one.pid - other.pid);
  const wantedRows = sorted.map((worker) => {
    const row = rows.get(String(worker.pid)) ?? newRow(worker);
    COLUMNS.forEach((column, index) => {
      const [text, meter] = row.children[index].children;
      say(text, column.text(worker, memory[worker.pid]));
      if (column.is !== undefined) Object.assign(text, { className: 'is' }).dataset.is = column.is(worker);
      if (meter !== undefined) meter.value = Math.min(1, column.share(worker));
    });
    return row;
  });
  if (
    wantedRows.length !== body.children.length ||
    wantedRows.some((row, index) => row !== body.children[index])
  ) {
    body.replaceChildren(...wantedRows);
  }
}

// --- The service ---

function stateOfService({ phase, isReplacing, workers, wanted }) {
  const serving = workers.filter(({ state, isBlocked }) => state === 'ready' && !isBlocked).length;
  if (phase === 'loading') return ['busy', 'Loading'];
  if (phase !== 'running') return ['busy', 'Ending'];
  if (serving === 0) return ['bad', 'Not serving'];
  if (serving < wanted / 2) return ['bad', `${serving} of ${plural(wanted, 'worker')} serving`];
  if (isReplacing) return ['busy', 'Serving, being replaced'];
  if (serving < wanted) return ['busy', `${serving} of ${plural(wanted, 'worker')} serving`];
  return ['good', 'Serving'];
}

function showState([is, text]) {
  const state = byId('state');
  state.dataset.is = is;
  say(state, text);
  document.body.classList.toggle('is-old', is === 'unknown');
}

function factsOf({ at, manager, generation, since, addresses, queues, reloadTime }) {
  const listens = addresses.map((address) =>
    queues[address] > 0 ? `${address} (${plural(queues[address], 'connection')} waiting)` : address,
  );
  return [
    generation !== null && `generation ${generation} for ${duration(at - Date.parse(since))}`,
    reloadTime !== null && `last reload took ${duration(reloadTime)}`,
    listens.length > 0 && `listens on ${listens.join(', ')}`,
    `manager ${manager.pid}, up ${duration(at - Date.parse(manager.startedAt))}`,
    `prefork ${manager.prefork}`,
    `Node ${manager.node.replace(/^v/, '')}`,
  ].filter((fact) => fact !== false);
}

function showFacts(survey) {
  const list = byId('facts');
  const facts = factsOf(survey);
  while (list.children.length > facts.length) list.lastChild.remove();
  while (list.children.length < facts.length) list.append(element('li'));
  facts.forEach((fact, index) => {
    say(list.children[index], fact);
  });
}

let announced = '';

/** Seldom: what has changed, and no numbers. */
function announce({ latest }, [, state]) {
  const newest = latest.at(-1);
  const text = newest === undefined ? state : `${state}. ${storyOf(newest)}`;
  const key = `${state} ${newest?.at}`;
  if (key !== announced) say(byId('announced'), text);
  announced = key;
}

let receivedAt = 0;

function show(survey) {
  receivedAt = Date.now();
  addSample(survey.sample);
  const { name, application, refused } = survey;
  say(byId('name'), name ?? 'An application');
  say(byId('version'), application?.version ?? '');
  say(byId('path'), application?.path ?? '');
  showFacts(survey);
  const trouble = byId('trouble');
  trouble.hidden = refused === null;
  say(trouble, refused === null ? '' : `Generation ${refused.generation} was refused: ${refused.why}`);
  const state = stateOfService(survey);
  showState(state);
  document.title = `${state[0] === 'good' ? '' : `${state[1]}: `}${name ?? 'prefork'}`;
  for (const figure of figures) figure.draw(survey);
  showWorkers(survey);
  showLatest(survey);
  announce(survey, state);
}

function watch() {
  const events = new EventSource('events');
  events.addEventListener('history', ({ data }) => {
    const history = JSON.parse(data);
    fields = history.fields;
    samples = history.samples.map(toSample);
  });
  events.addEventListener('survey', ({ data }) => show(JSON.parse(data)));
  // By itself it comes back after a connection that was cut, and not after an answer that turned it away.
  events.addEventListener('error', () => {
    if (events.readyState === EventSource.CLOSED) setTimeout(watch, RETRY);
  });
}

setInterval(() => {
  if (Date.now() - receivedAt > OLD) showState(['unknown', 'No connection']);
}, 1000);
watch();
