// SPDX-License-Identifier: Apache-2.0
// The page of tapewatch: live tail, search, trace, alerts, pipeline. Everything that comes from a log goes in as text,
// never as markup. The whole state stands in the address (#/view?q=...), so that a link shows what its sender saw.

const $ = (id) => document.getElementById(id);
const SVG = 'http://www.w3.org/2000/svg';
const LIVE_START = 50, LIVE_ROWS = 2000, PER_FRAME = 120, PAGE = 100;

// ---- small tools ----------------------------------------------------------------------------------------------------
function el(name, props, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(props || {})) {
    if (value === undefined || value === null) continue;
    if (key === 'class') node.className = value;
    else if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else if (key in node && key !== 'list') node[key] = value;
    else node.setAttribute(key, value);
  }
  node.append(...children.filter((c) => c !== null && c !== undefined && c !== ''));
  return node;
}
function shape(name, attributes, ...children) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}
const title = (text) => { const t = document.createElementNS(SVG, 'title'); t.textContent = text; return t; };
const number = (n) => Number(n || 0).toLocaleString('en');
function bytes(n) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let i = 0, v = Number(n || 0);
  while (v >= 1024 && i < 4) { v /= 1024; i++; }
  return (i === 0 ? v : v.toFixed(v < 10 ? 2 : 1)) + ' ' + units[i];
}
function span(us) {
  const a = Math.abs(us);
  if (a < 1000) return us + ' µs';
  if (a < 1e6) return (us / 1000).toFixed(a < 1e4 ? 2 : 1) + ' ms';
  if (a < 6e7) return (us / 1e6).toFixed(a < 1e7 ? 2 : 1) + ' s';
  if (a < 3.6e9) return (us / 6e7).toFixed(1) + ' min';
  return (us / 3.6e9).toFixed(1) + ' h';
}
const quoted = (text) => '"' + String(text).replace(/[\\"]/g, '\\$&') + '"';
function remember(key, value) { try { localStorage.setItem('tapewatch.' + key, value); } catch { /* private mode */ } }
function recall(key, other) { try { return localStorage.getItem('tapewatch.' + key) ?? other; } catch { return other; } }

// ---- time -----------------------------------------------------------------------------------------------------------
let utc = recall('zone', 'local') === 'utc';
const pad = (n, w = 2) => String(n).padStart(w, '0');
// Microseconds since 1970 of what stands in an event; NaN when it is no time.
function micros(value) {
  if (typeof value === 'number') {
    const unit = value < 1e11 ? 1e6 : value < 1e14 ? 1e3 : value < 1e17 ? 1 : 1e-3;
    return Math.round(value * unit);
  }
  const ms = Date.parse(value);
  if (Number.isNaN(ms)) return NaN;
  const fraction = /[.,](\d+)/.exec(value);
  return Math.floor(ms / 1000) * 1e6 + (fraction ? Number((fraction[1] + '00000').slice(0, 6)) : 0);
}
function clock(us, withDay) {
  if (!Number.isFinite(us)) return '--:--:--.---';
  const d = new Date(us / 1000);
  const g = (name) => d[(utc ? 'getUTC' : 'get') + name]();
  const time = pad(g('Hours')) + ':' + pad(g('Minutes')) + ':' + pad(g('Seconds')) + '.' + pad(g('Milliseconds'), 3);
  return withDay ? g('FullYear') + '-' + pad(g('Month') + 1) + '-' + pad(g('Date')) + ' ' + time : time;
}
const day = (us) => clock(us, true).slice(0, 10);
function ago(text) {
  const us = micros(text || '');
  if (!Number.isFinite(us)) return 'never';
  const s = Math.max(0, Math.round(Date.now() / 1000 - us / 1e6));
  return (s < 60 ? s + ' s' : s < 7200 ? Math.round(s / 60) + ' min' : s < 172800 ? Math.round(s / 3600) + ' h' : Math.round(s / 86400) + ' days') + ' ago';
}

// ---- events ---------------------------------------------------------------------------------------------------------
const LEVELS = { trace: 'debug', debug: 'debug', verbose: 'debug', info: 'info', information: 'info', notice: 'info', informational: 'info',
  warn: 'warning', warning: 'warning', err: 'error', error: 'error', severe: 'error', fatal: 'critical', critical: 'critical',
  crit: 'critical', alert: 'critical', emerg: 'critical', panic: 'critical', low: 'info', medium: 'warning', high: 'error' };
function levelOf(value) {
  if (typeof value === 'number') return value < 30 ? 'debug' : value < 40 ? 'info' : value < 50 ? 'warning' : value < 60 ? 'error' : 'critical';
  return LEVELS[String(value ?? '').toLowerCase()] || '';
}
// The value at a dotted path through nested objects, dotted keys and mixtures of both.
function pick(object, path) {
  if (object === null || typeof object !== 'object') return undefined;
  if (Object.hasOwn(object, path)) return object[path];
  for (let at = path.indexOf('.'); at > 0; at = path.indexOf('.', at + 1)) {
    const head = path.slice(0, at);
    if (Object.hasOwn(object, head)) {
      const found = pick(object[head], path.slice(at + 1));
      if (found !== undefined) return found;
    }
  }
  return undefined;
}
function first(object, ...paths) {
  for (const path of paths) {
    const value = pick(object, path);
    if (value !== undefined && value !== null && typeof value !== 'object' && value !== '') return value;
  }
  return undefined;
}
function flatten(value, path, out) {
  if (out.length >= 400) return out;
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
    for (const [key, inner] of Object.entries(value)) flatten(inner, path ? path + '.' + key : key, out);
  } else {
    out.push([path, typeof value === 'string' ? value : JSON.stringify(value)]);
  }
  return out;
}
const IDS = ['labels.correlation_id', 'trace.id', 'transaction.id', 'order.id', 'trade.id', 'session.id', 'user.session.id', 'approval.id',
  'http.request.id', 'correlation_id', 'request_id', 'trace_id', 'order_id', 'trade_id', 'session_id'];
function read(doc) {
  return {
    doc,
    us: micros(first(doc, '@timestamp', 'timestamp', 'time', 'ts') ?? ''),
    level: levelOf(first(doc, 'log.level', 'level', 'severity')),
    source: String(first(doc, 'log.logger', 'logger', 'service.name', 'host.name') ?? ''),
    text: String(first(doc, 'message', 'msg', 'event.original', 'event.action') ?? JSON.stringify(doc)),
    id: first(doc, ...IDS),
  };
}
const SHOWN = ['event.action', 'event.outcome', 'order.id', 'trade.id', 'user.id', 'latency_ms', 'error.type'];

function letter(level) {
  return el('span', { class: 'letter', 'data-level': level || 'none', title: level || 'no level' }, (level[0] || '·').toUpperCase());
}
function eventRow(event, leading) {
  const text = el('span', { class: 'text' }, el('b', null, event.text));
  const extra = [];
  for (const path of SHOWN) {
    const value = first(event.doc, path);
    if (value !== undefined && !event.text.includes(String(value))) extra.push(path + '=' + value);
  }
  if (extra.length) text.append(el('i', null, '  ' + extra.join('  ')));
  const row = el('div', { class: 'row', 'data-level': event.level }, ...leading, letter(event.level),
    el('span', { class: 'source' }, event.source), text);
  row.event = event;
  return row;
}
const timeOf = (event, withDay) => el('time', { title: clock(event.us, true) + (utc ? ' UTC' : '') }, clock(event.us, withDay));

function copy(text, button) {
  const was = button.textContent;
  const say = (word) => { button.textContent = word; setTimeout(() => { button.textContent = was; }, 1200); };
  if (!navigator.clipboard) return say('Not allowed here');
  navigator.clipboard.writeText(text).then(() => say('Copied'), () => say('Not allowed'));
}
function eventDetails(event) {
  const table = el('table');
  for (const [path, value] of flatten(event.doc, '', [])) {
    const term = path + ':=' + quoted(value);
    table.append(el('tr', null, el('td', null, path), el('td', { class: 'do' },
      el('button', { type: 'button', title: 'only these', 'aria-label': 'only ' + path, onclick: () => addTerm(term) }, '+'), ' ',
      el('button', { type: 'button', title: 'without these', 'aria-label': 'without ' + path, onclick: () => addTerm('-' + term) }, '−')),
    el('td', null, value.length > 4000 ? value.slice(0, 4000) + '…' : value)));
  }
  const acts = el('div', { class: 'acts' });
  if (event.id !== undefined) acts.append(el('button', { type: 'button', class: 'primary', onclick: () => go('trace', { id: event.id }) }, 'Trace ' + event.id));
  const json = el('button', { type: 'button', onclick: () => copy(JSON.stringify(event.doc), json) }, 'Copy JSON');
  acts.append(json);
  return el('div', { class: 'open' }, table, acts);
}
function addTerm(term) {
  const now = $('query').value.trim();
  $('query').value = (now && now !== '*' ? (/\bor\b/i.test(now) ? '(' + now + ') ' : now + ' ') : '') + term;
  submit();
}

// ---- rows: picking and opening --------------------------------------------------------------------------------------
const details = new WeakMap();  // row -> makes what opens below it
const rowsOf = { live: $('live-rows'), search: $('search-rows'), trace: $('trace-rows'), alerts: $('alerts-rows') };
function pickRow(row) {
  const list = row.parentElement;
  list.querySelector('.picked')?.classList.remove('picked');
  row.classList.add('picked');
  row.scrollIntoView({ block: 'nearest' });
}
function toggle(row) {
  const next = row.nextElementSibling;
  if (next && next.classList.contains('open')) return next.remove();
  const make = details.get(row);
  if (!make) return;
  const opened = make();
  row.after(opened);
  opened.scrollIntoView({ block: 'nearest' });
  row.scrollIntoView({ block: 'nearest' });
}
for (const list of Object.values(rowsOf)) {
  list.addEventListener('click', (e) => {
    const row = e.target.closest('.row');
    if (!row || String(getSelection())) return;
    if (list === rowsOf.live) follow(false);
    pickRow(row);
    toggle(row);
  });
}
function move(step, wanted) {
  const list = rowsOf[view];
  if (!list) return;
  let at = list.querySelector('.picked');
  if (!at) {
    const all = list.querySelectorAll('.row');
    at = view === 'live' ? all[all.length - 1] : all[0];
    if (at && (!wanted || wanted(at))) { if (view === 'live') follow(false); return pickRow(at); }
    if (!at) return;
  }
  do { at = step > 0 ? at.nextElementSibling : at.previousElementSibling; } while (at && (!at.classList.contains('row') || (wanted && !wanted(at))));
  if (!at) return;
  if (view === 'live') follow(false);
  pickRow(at);
}
function empty(list, text) { list.replaceChildren(el('div', { class: 'empty' }, text)); }

// ---- asking the agent -----------------------------------------------------------------------------------------------
let token = '';
try { token = sessionStorage.getItem('tapewatch.token') || ''; } catch { /* none */ }
class Problem extends Error {
  constructor(status, body) { super(body.detail || body.title || 'the agent answers ' + status); Object.assign(this, { status, body }); }
}
async function ask(path, params, signal) {
  const query = new URLSearchParams(Object.entries(params || {}).filter(([, v]) => v !== undefined && v !== ''));
  const reply = await fetch(path + (String(query) ? '?' + query : ''), { signal, headers: token ? { Authorization: 'Bearer ' + token } : {} });
  if (reply.ok) return reply;
  let body = {};
  try { body = await reply.json(); } catch { /* not ours */ }
  if (reply.status === 401 && !$('login').open) $('login').showModal();
  throw new Problem(reply.status, body);
}
const askJson = async (path, params, signal) => (await ask(path, params, signal)).json();
$('login-form').addEventListener('submit', () => {
  token = $('token').value.trim();
  try { sessionStorage.setItem('tapewatch.token', token); } catch { /* this tab only */ }
  $('token').value = '';
  show();
});

function fault(problem) {
  const box = $('fault');
  box.hidden = !problem;
  $('query').setAttribute('aria-invalid', String(Boolean(problem)));
  if (!problem) return;
  const { offset, length, hint } = problem.body || {};
  let text = problem.message;
  if (offset !== undefined) {
    // Offsets count bytes; the caret stands under characters.
    const raw = new TextEncoder().encode($('query').value);
    const lead = new TextDecoder().decode(raw.slice(0, offset)).length;
    const marked = Math.max(1, new TextDecoder().decode(raw.slice(offset, offset + (length || 1))).length);
    text += '\n  ' + $('query').value + '\n  ' + ' '.repeat(lead) + '^' + '~'.repeat(marked - 1) + (hint ? ' ' + hint : '');
  } else if (hint) text += ' — ' + hint;
  box.textContent = text;
}

// ---- live tail ------------------------------------------------------------------------------------------------------
const live = { stop: null, following: true, waiting: [], lost: 0, key: null, frame: 0, seen: 0, last: null };
function follow(yes) {
  if (live.following === yes && !(yes && live.waiting.length)) return;
  live.following = yes;
  $('live-pause').textContent = yes ? 'Pause' : 'Follow';
  if (yes) rowsOf.live.querySelector('.picked')?.classList.remove('picked');
  paintLive();
}
function liveRow(event) {
  const row = eventRow(event, [timeOf(event)]);
  details.set(row, () => eventDetails(event));
  return row;
}
function paintLive() {
  cancelAnimationFrame(live.frame);
  live.frame = requestAnimationFrame(() => {
    const list = rowsOf.live;
    if (live.following && live.waiting.length) {
      list.querySelector('.empty')?.remove();
      const part = live.waiting.splice(0, PER_FRAME);
      list.append(...part.map((e) => (e.note ? el('div', { class: 'note' }, e.note) : liveRow(e))));
      while (list.childElementCount > LIVE_ROWS) list.firstElementChild.remove();
      list.scrollTop = list.scrollHeight;
      if (live.waiting.length) paintLive();
    }
    const count = live.waiting.length + live.lost;
    $('live-new').hidden = live.following || count === 0;
    $('live-new').textContent = number(count) + ' new ↓';
  });
}
function arrive(events) {
  live.waiting.push(...events);
  const over = live.waiting.length - LIVE_ROWS;
  if (over > 0) {
    live.waiting.splice(0, over);
    live.lost += over;
  }
  if (live.following && live.lost) {
    live.waiting.unshift({ note: number(live.lost) + ' older events not shown' });
    live.lost = 0;
  }
  paintLive();
}
function liveState(state, text) { $('live-state').dataset.state = state; $('live-state').textContent = text; }
async function readStream(reply, take) {
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (text + value).split('\n\n');
    text = parts.pop();
    take(parts.map((part) => {
      const message = { event: '', data: '', id: '' };
      for (const line of part.split('\n')) {
        const at = line.indexOf(': ');
        if (at > 0) message[line.slice(0, at)] = line.slice(at + 2);
      }
      return message;
    }));
  }
}
function takeMessages(messages) {
  const events = [];
  for (const message of messages) {
    try {
      if (message.event === 'skipped') events.push({ note: number(JSON.parse(message.data).skipped) + ' events skipped: more than this page is sent' });
      else if (message.data) { events.push(read(JSON.parse(message.data))); live.seen++; }
      if (message.id) live.last = message.id;
    } catch { events.push({ note: 'an event could not be read' }); }
  }
  if (events.length) arrive(events);
}
async function runLive(query) {
  live.stop?.abort();
  const stop = live.stop = new AbortController();
  Object.assign(live, { waiting: [], lost: 0, key: query, last: null, following: true });
  $('live-pause').textContent = 'Pause';
  liveState('unknown', 'connecting');
  empty(rowsOf.live, 'Waiting for events…');
  let wait = 500;
  while (!stop.signal.aborted) {
    try {
      if (live.last === null) {
        const page = await askJson('/api/v1/search', { query, limit: LIVE_START }, stop.signal);
        live.last = page.sequence;
        arrive(page.events.reverse().map(read));
      }
      const reply = await ask('/api/v1/tail', { query, since: live.last }, stop.signal);
      fault(null);
      liveState('good', 'live');
      wait = 500;
      await readStream(reply, takeMessages);
    } catch (error) {
      if (stop.signal.aborted) return;
      if (error instanceof Problem && error.status < 500) {
        liveState('bad', 'stopped');
        if (error.status === 401) return;
        empty(rowsOf.live, error.body.offset !== undefined ? 'Press ? for what a query can be.' : error.message);
        return fault(error);
      }
    }
    if (stop.signal.aborted) return;
    liveState('warn', 'reconnecting');
    await new Promise((then) => setTimeout(then, wait));
    wait = Math.min(wait * 2, 10000);
  }
}
// Only a person's scrolling pauses: the list moves by itself too, when rows come, go or get their real height.
let touched = -1e9;
for (const kind of ['wheel', 'touchmove', 'pointerdown', 'keydown']) rowsOf.live.addEventListener(kind, () => { touched = performance.now(); }, { passive: true });
rowsOf.live.addEventListener('scroll', () => {
  if (performance.now() - touched > 700) return;
  const list = rowsOf.live;
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 30;
  if (!atEnd) follow(false);
  else if (!list.querySelector('.picked')) follow(true);
}, { passive: true });
$('live-new').addEventListener('click', () => follow(true));
$('live-pause').addEventListener('click', () => follow(!live.following));
$('live-clear').addEventListener('click', () => { live.waiting = []; live.lost = 0; empty(rowsOf.live, 'Cleared. Waiting for events…'); paintLive(); });
setInterval(() => {
  if (view === 'live') $('live-rate').textContent = number(live.seen) + ' events/s';
  live.seen = 0;
}, 1000);

// ---- search ---------------------------------------------------------------------------------------------------------
const search = { stop: null, cursor: null, count: 0, key: null, day: '' };
async function runSearch(state, more) {
  search.stop?.abort();
  const stop = search.stop = new AbortController();
  const params = { query: state.q || '', from: state.from ?? '1h', to: state.to };
  if (!more) {
    search.key = JSON.stringify(state);
    search.count = 0;
    search.day = '';
    $('bars').hidden = true;
    $('search-info').textContent = 'Searching…';
  }
  try {
    const page = await askJson('/api/v1/search', { ...params, limit: PAGE, cursor: more ? search.cursor : undefined }, stop.signal);
    fault(null);
    if (!more) rowsOf.search.replaceChildren();
    search.count += page.events.length;
    search.cursor = page.cursor;
    rowsOf.search.append(...page.events.flatMap((doc) => {
      const event = read(doc), out = [];
      const row = eventRow(event, [timeOf(event)]);
      details.set(row, () => eventDetails(event));
      if (Number.isFinite(event.us) && day(event.us) !== search.day) out.push(el('div', { class: 'note' }, search.day = day(event.us)));
      out.push(row);
      return out;
    }));
    if (search.count === 0) empty(rowsOf.search, page.complete ? 'Nothing found in this time range.' : 'Nothing found yet: the search ran out of time. Load more goes on.');
    $('search-more').hidden = !page.cursor;
    $('search-info').textContent = number(search.count) + (page.cursor ? ' newest events' : ' events') + ' · scanned ' + number(page.scanned_lines) +
      ' lines in ' + Number(page.elapsed_ms).toFixed(page.elapsed_ms < 10 ? 1 : 0) + ' ms' + (page.complete ? '' : ' · not finished') +
      (page.damaged_blocks ? ' · ' + number(page.damaged_blocks) + ' damaged blocks skipped' : '');
    if (!more && params.from) paintBars(await askJson('/api/v1/histogram', { ...params, buckets: 60 }, stop.signal), state);
  } catch (error) {
    if (stop.signal.aborted) return;
    const misread = error.body?.offset !== undefined;
    $('search-info').textContent = misread ? 'The query is not one' : 'No answer';
    $('search-more').hidden = !more;
    if (!more) empty(rowsOf.search, misread ? 'Press ? for what a query can be.' : error.message);
    if (error instanceof Problem) fault(error);
  }
}
function paintBars(histogram, state) {
  const buckets = histogram.buckets, most = Math.max(1, ...buckets.map((b) => b.total));
  if (!buckets.length) return;
  const svg = shape('svg', { viewBox: '0 0 ' + buckets.length * 10 + ' 64', preserveAspectRatio: 'none', role: 'img' }, title('Events over time'));
  const width = buckets.length > 1 ? micros(buckets[1].time) - micros(buckets[0].time) : 0;
  buckets.forEach((bucket, i) => {
    const scale = (n) => (n > 0 ? Math.max(1.5, n / most * 60) : 0);
    const errors = (bucket.levels[4] || 0) + (bucket.levels[5] || 0), warnings = bucket.levels[3] || 0;
    const group = shape('g', { class: 'bar' }, title(clock(micros(bucket.time), true) + ' · ' + number(bucket.total) + ' events, ' +
      number(errors) + ' errors, ' + number(warnings) + ' warnings'), shape('rect', { class: 'back', x: i * 10, y: 0, width: 10, height: 64 }));
    let y = 64;
    for (const [kind, n] of [['error', errors], ['warning', warnings], ['other', bucket.total - errors - warnings]]) {
      const h = scale(n);
      y -= h;
      group.append(shape('rect', { class: 'fill-' + kind, x: i * 10 + 1, y, width: 8, height: h }));
    }
    group.addEventListener('click', () => go('search', { ...state, from: bucket.time, to: new Date((micros(bucket.time) + width) / 1000).toISOString() }));
    svg.append(group);
  });
  $('bars').replaceChildren(svg, el('div', { class: 'scale' }, el('span', null, clock(micros(buckets[0].time), true).slice(0, 19)),
    el('span', null, 'most in one bar: ' + number(most)), el('span', null, clock(micros(buckets.at(-1).time) + width, true).slice(0, 19))));
  $('bars').hidden = false;
}
$('search-more').addEventListener('click', () => runSearch(readState().params, true));

// ---- trace ----------------------------------------------------------------------------------------------------------
let traceDocs = [];
async function runTrace(id) {
  rowsOf.trace.replaceChildren();
  $('axis').hidden = $('trace-link').hidden = $('trace-json').hidden = true;
  if (!id) { $('trace-info').textContent = 'Enter a correlation, trace, order, trade or session id'; return; }
  $('trace-info').textContent = 'Looking…';
  try {
    const page = await askJson('/api/v1/trace/' + encodeURIComponent(id));
    fault(null);
    traceDocs = page.events;
    paintTrace(id, page.events.map(read).sort((a, b) => a.us - b.us), page.complete);
  } catch (error) {
    $('trace-info').textContent = 'No answer';
    empty(rowsOf.trace, error.message);
  }
}
function paintTrace(id, events, complete) {
  if (!events.length) { $('trace-info').textContent = ''; return empty(rowsOf.trace, 'No event carries the id ' + id); }
  const start = events[0].us, total = events.at(-1).us - start;
  const sources = new Set(events.map((e) => e.source).filter(Boolean));
  const errors = events.filter((e) => e.level === 'error' || e.level === 'critical').length;
  $('trace-info').textContent = number(events.length) + ' events in ' + span(total) + ' · ' + number(sources.size) + (sources.size === 1 ? ' source' : ' sources') +
    ' · ' + number(errors) + (errors === 1 ? ' error' : ' errors') + ' · starts ' + clock(start, true) + (utc ? ' UTC' : '') + (complete ? '' : ' · only the newest part');
  $('trace-link').hidden = $('trace-json').hidden = false;
  const steps = events.slice(1).map((e, i) => e.us - events[i].us).sort((a, b) => a - b);
  const median = steps[Math.floor(steps.length / 2)] || 0;
  const isGap = (step) => step >= 1000 && step >= total * 0.15 && step >= median * 3;
  const x = (us) => (total > 0 ? 10 + (us - start) / total * 980 : 500);
  const svg = shape('svg', { viewBox: '0 0 1000 44', role: 'img', preserveAspectRatio: 'none' }, title('Events on one axis'), shape('line', { class: 'axis-line', x1: 10, x2: 990, y1: 22, y2: 22 }));
  const out = [];
  events.forEach((event, i) => {
    const step = i ? event.us - events[i - 1].us : 0;
    if (i && isGap(step)) {
      out.push(el('div', { class: 'gap' }, '⋯ ' + span(step) + ' without an event (' + Math.round(step / total * 100) + ' % of the trace)'));
      svg.append(shape('rect', { class: 'gap-mark', x: x(events[i - 1].us), width: x(event.us) - x(events[i - 1].us), y: 6, height: 32 }));
    }
    const row = eventRow(event, [el('span', { class: 'at', title: clock(event.us, true) }, '+' + span(event.us - start)),
      el('span', { class: 'at delta' }, i ? 'Δ ' + span(step) : '')]);
    details.set(row, () => eventDetails(event));
    out.push(row);
    const dot = shape('rect', { class: 'dot', 'data-level': event.level, x: x(event.us) - 2.5, y: 12, width: 5, height: 20, rx: 1 }, title('+' + span(event.us - start) + ' ' + event.text));
    dot.addEventListener('click', () => pickRow(row));
    svg.append(dot);
  });
  $('axis').replaceChildren(svg, el('div', { class: 'scale' }, el('span', null, '0'), el('span', null, span(total))));
  $('axis').hidden = false;
  rowsOf.trace.replaceChildren(...out);
}
$('trace-link').addEventListener('click', (e) => copy(location.href, e.target));
$('trace-json').addEventListener('click', (e) => copy(JSON.stringify(traceDocs), e.target));

// ---- alerts ---------------------------------------------------------------------------------------------------------
let alertsShown = '';
async function runAlerts() {
  let alerts;
  try { alerts = (await askJson('/api/v1/alerts')).alerts; } catch (error) { return empty(rowsOf.alerts, error.message); }
  const key = JSON.stringify(alerts) + utc;
  if (key === alertsShown && rowsOf.alerts.childElementCount) return;
  alertsShown = key;
  const firing = alerts.filter((a) => a.state === 'firing').length;
  $('alerts-info').textContent = number(alerts.length) + (alerts.length === 1 ? ' alert, ' : ' alerts, ') + number(firing) + ' firing';
  if (!alerts.length) return empty(rowsOf.alerts, 'No alert has fired.');
  // What is open stays open when the list is drawn anew.
  const open = new Set([...rowsOf.alerts.querySelectorAll('.open')].map((one) => one.previousElementSibling.dataset.key));
  const at = rowsOf.alerts.querySelector('.picked')?.dataset.key;
  rowsOf.alerts.replaceChildren(...alerts.flatMap((alert) => {
    const level = levelOf(alert.level) || 'info';
    const group = Object.entries(alert.group).map(([k, v]) => k + '=' + v).join('  ');
    const row = el('div', { class: 'row', 'data-level': level }, el('time', null, clock(micros(alert.time || ''), true).slice(0, 23)), letter(level),
      el('span', { class: 'tag' }, alert.level + (alert.state === 'firing' ? '' : ' · ' + alert.state)),
      el('span', { class: 'text' }, el('b', null, alert.title || alert.rule_id), el('i', null, '  ' + group)),
      el('span', { class: 'at' }, number(alert.count) + '×'));
    row.event = { id: alert.correlation_id || undefined, level };
    row.dataset.key = alert.id + alert.state;
    row.classList.toggle('picked', row.dataset.key === at);
    details.set(row, () => alertDetails(alert, group));
    return open.has(row.dataset.key) ? [row, alertDetails(alert, group)] : [row];
  }));
}
function alertDetails(alert, group) {
  const table = el('table');
  for (const [name, value] of [['rule', alert.rule_id], ['group', group], ['first event', clock(micros(alert.started || ''), true)],
    ['last event', clock(micros(alert.time || ''), true)], ['events in the window', number(alert.count)], ['file', alert.file && alert.file + ':' + alert.offset]]) {
    if (value) table.append(el('tr', null, el('td', null, name), el('td', null, String(value))));
  }
  const box = el('div', { class: 'open' }, alert.description ? el('p', null, alert.description) : '', table);
  for (const line of alert.evidence) box.append(el('pre', null, line));
  const acts = el('div', { class: 'acts' });
  if (alert.correlation_id) acts.append(el('button', { type: 'button', class: 'primary', onclick: () => go('trace', { id: alert.correlation_id }) }, 'Trace ' + alert.correlation_id));
  if (/^https?:\/\//.test(alert.runbook)) acts.append(el('a', { href: alert.runbook, target: '_blank', rel: 'noopener noreferrer' }, 'Runbook'));
  else if (alert.runbook) acts.append(el('span', null, 'Runbook: ' + alert.runbook));
  box.append(acts);
  return box;
}

// ---- pipeline -------------------------------------------------------------------------------------------------------
function stage(name, figure, rows) {
  const list = el('dl');
  for (const [term, value, bad] of rows) list.append(el('dt', null, term), el('dd', bad ? { 'data-state': 'bad' } : null, value));
  return el('div', { class: 'stage' }, el('h3', null, name), el('strong', null, figure), list);
}
function plainTable(head, rows, none) {
  const cell = (name, value) => {
    const [text, state, right] = Array.isArray(value) ? value : [value];
    return el(name, { class: right ? 'n' : undefined, 'data-state': state }, text);
  };
  if (!rows.length) return el('p', { class: 'scale' }, none);
  return el('table', { class: 'plain' }, el('thead', null, el('tr', null, ...head.map((h) => cell('th', h)))),
    el('tbody', null, ...rows.map((r) => el('tr', null, ...r.map((v) => cell('td', v))))));
}
const n = (value, bad) => [typeof value === 'string' ? value : number(value), bad ? 'bad' : undefined, true];
const nh = (text) => [text, undefined, true];
function paintStatus(s) {
  const states = { healthy: 'good', degraded: 'warn', failed: 'bad' };
  $('health').dataset.state = states[s.health] || 'unknown';
  $('health').textContent = s.health;
  $('health').title = s.reasons.join('\n') || 'everything works';
}
async function runPipeline() {
  const box = $('pipeline');
  let s, files, rules;
  try {
    [s, { files }, { rules }] = await Promise.all([askJson('/api/v1/status'), askJson('/api/v1/files'), askJson('/api/v1/rules')]);
  } catch (error) { return empty(box, error.message); }
  paintStatus(s);
  const sum = (list, key) => list.reduce((all, one) => all + one[key], 0);
  const lag = sum(s.inputs, 'lag_bytes');
  const worst = Math.max(0, ...s.inputs.map((i) => i.lag_seconds));
  const rate = s.events_per_second;
  const children = [];
  if (s.reasons.length || s.config_error) {
    children.push(el('div', { class: 'reasons', role: 'status' }, ...s.reasons.map((r) => el('p', null, r)),
      s.config_error ? el('p', null, 'The last reload was refused: ' + s.config_error) : ''));
  }
  children.push(el('div', { class: 'flow' },
    stage('Files', number(s.files), [['bytes behind', bytes(lag), lag > (64 << 20)], ['time behind', span(Math.round(worst * 1e6)), worst > 60], ['checkpoint age', span(Math.round(s.checkpoint_age_seconds * 1e6))]]),
    stage('Events', number(rate.toFixed(rate < 10 ? 1 : 0)) + '/s', [['taken in', number(s.events)], ['not JSON', number(s.parse_errors)], ['fields masked', number(s.masked_fields)]]),
    stage('Rules', number(s.rules), [['evaluated', number(s.rule_evaluations)], ['alerts', number(s.alerts)]]),
    ...s.outputs.map((o) => stage(o.name, o.state, [['delivered', number(o.delivered)], ['sent again', number(o.retried)], ['rejected', number(o.rejected), o.rejected > 0],
      ['queued', bytes(o.queued_bytes)], ...(o.name === 'store' && s.store.enabled ? [['on disk', bytes(s.store.disk_bytes)]] : [])]))));
  children.push(el('h2', null, 'Losses'), plainTable(['Counter', nh('Count'), 'Meaning'],
    s.losses.map((l) => [l.name, n(l.count, l.count > 0), l.meaning]), 'No loss counters.'));
  children.push(el('h2', null, 'Outputs'), plainTable(['Output', 'State', nh('Delivered'), nh('Duplicates'), nh('Rejected'), nh('Dead letters'), 'Last success', 'Last error'],
    s.outputs.map((o) => [o.name, [o.state, o.state === 'ok' ? 'good' : 'bad'], n(o.delivered), n(o.duplicates), n(o.rejected, o.rejected > 0), n(o.dead_letters, o.dead_letters > 0),
      ago(o.last_success_time), o.last_error ? o.last_error + ' (' + ago(o.last_error_time) + ')' : '–']), 'No output.'));
  children.push(el('h2', null, 'Inputs'), plainTable(['Input', nh('Files'), nh('Events'), nh('Read'), nh('Behind'), nh('Behind for')],
    s.inputs.map((i) => [i.name, n(i.files), n(i.events), n(bytes(i.read_bytes)), n(bytes(i.lag_bytes)), n(span(Math.round(i.lag_seconds * 1e6)))]), 'No input.'));
  children.push(el('h2', null, 'Files'), plainTable(['Path', 'State', nh('Size'), nh('Read'), nh('Acknowledged'), nh('Behind')],
    files.slice(0, 500).map((f) => [f.path, f.state, n(bytes(f.size)), n(bytes(f.offset)), n(bytes(f.committed)), n(bytes(f.lag_bytes))]), 'No file is followed.'));
  if (files.length > 500) children.push(el('p', { class: 'scale' }, number(files.length - 500) + ' more: /api/v1/files'));
  children.push(el('h2', null, 'Rules'), plainTable(['Rule', 'Level', 'Kind', nh('Matches'), nh('Alerts'), 'Last alert'],
    rules.slice(0, 500).map((r) => [r.title || r.id, r.level, r.kind, n(r.matches), n(r.alerts), ago(r.last_alert)]), 'No rule is loaded.'));
  children.push(el('p', { class: 'scale' }, 'tapewatch ' + s.version + ' · ' + s.service + ' on ' + s.instance + ' · started ' + ago(s.started) + ' · configuration loaded ' + ago(s.config_loaded)));
  const at = box.scrollTop;
  box.replaceChildren(...children.filter((c) => c !== ''));
  box.scrollTop = at;
}
let lastAlerts = null;
async function heartbeat() {
  if (document.hidden || $('login').open) return;
  try {
    const s = await askJson('/api/v1/status');
    paintStatus(s);
    if (lastAlerts === null || view === 'alerts') lastAlerts = s.alerts;
    $('alert-count').hidden = s.alerts <= lastAlerts;
    $('alert-count').textContent = number(s.alerts - lastAlerts);
    if (view === 'alerts') await runAlerts();
    if (view === 'pipeline') await runPipeline();
  } catch (error) {
    $('health').dataset.state = 'bad';
    $('health').textContent = error.status === 401 ? 'token needed' : 'no answer';
  }
}
setInterval(heartbeat, 2000);

// ---- views and the address ------------------------------------------------------------------------------------------
const VIEWS = ['live', 'search', 'trace', 'alerts', 'pipeline'];
let view = '';
function readState() {
  const [path, query] = location.hash.replace(/^#\/?/, '').split('?');
  return { name: VIEWS.includes(path) ? path : 'live', params: Object.fromEntries(new URLSearchParams(query || '')) };
}
function go(name, params) {
  const query = new URLSearchParams(Object.entries(params || {}).filter(([k, v]) => v !== undefined && (v !== '' || k === 'from')));
  const hash = '#/' + name + (String(query) ? '?' + query : '');
  if (location.hash === hash) show();
  else location.hash = hash;
}
function submit() {
  const text = $('query').value.trim();
  if (view === 'trace') return go('trace', { id: text });
  if (view === 'live') return go('live', { q: text });
  go('search', { q: text, from: $('range').value });
}
function show() {
  const { name, params } = readState();
  const changed = name !== view;
  view = name;
  for (const one of VIEWS) {
    $('view-' + one).hidden = one !== name;
    const link = document.querySelector('nav a[data-view="' + one + '"]');
    if (one === name) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  document.title = name[0].toUpperCase() + name.slice(1) + ' – tapewatch';
  $('bar').hidden = name === 'alerts' || name === 'pipeline';
  $('range').hidden = name !== 'search';
  $('bar').querySelector('button').textContent = { live: 'Filter', search: 'Search', trace: 'Show' }[name] || '';
  $('query').placeholder = name === 'trace' ? 'correlation, trace, order, trade or session id' : 'Words, "phrases", field:value, and, or, not — press ? for more';
  if (changed || params.q !== undefined || params.id !== undefined) $('query').value = (name === 'trace' ? params.id : params.q) || '';
  // The query goes along between the live tail and search.
  for (const one of ['live', 'search']) {
    const q = (name === 'live' || name === 'search') && params.q;
    document.querySelector('nav a[data-view="' + one + '"]').href = '#/' + one + (q ? '?' + new URLSearchParams({ q }) : '');
  }
  fault(null);
  if (name !== 'live') { live.stop?.abort(); live.key = null; }
  if (name === 'live') runLive(params.q || '');
  if (name === 'search') {
    const from = params.from ?? '1h';
    $('range').querySelector('.custom')?.remove();
    if (![...$('range').options].some((o) => o.value === from)) {
      $('range').append(el('option', { class: 'custom', value: from }, clock(micros(from), true).slice(0, 19) + (params.to ? ' …' : '')));
    }
    $('range').value = from;
    runSearch({ ...params, from });
  }
  if (name === 'trace') runTrace(params.id);
  if (name === 'alerts') { alertsShown = ''; runAlerts(); }
  if (name === 'pipeline') runPipeline();
  heartbeat();
}
$('bar').addEventListener('submit', (e) => { e.preventDefault(); submit(); });
$('range').addEventListener('change', submit);
addEventListener('hashchange', show);

// ---- switches and keys ----------------------------------------------------------------------------------------------
function setZone() {
  $('zone').textContent = utc ? 'UTC' : Intl.DateTimeFormat('en', { timeZoneName: 'short' }).formatToParts().find((p) => p.type === 'timeZoneName')?.value || 'local';
}
function switchZone() { utc = !utc; remember('zone', utc ? 'utc' : 'local'); setZone(); show(); }
const THEMES = { auto: '◐ Auto', light: '☀ Light', dark: '☾ Dark' };
function setTheme(theme) {
  if (theme === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  $('theme').textContent = THEMES[theme];
  $('theme').value = theme;
  remember('theme', theme);
}
$('zone').addEventListener('click', switchZone);
$('theme').addEventListener('click', () => { const all = Object.keys(THEMES); setTheme(all[(all.indexOf($('theme').value) + 1) % all.length]); });
$('help-open').addEventListener('click', () => $('help').showModal());

const isError = (row) => row.dataset.level === 'error' || row.dataset.level === 'critical';
const picked = () => rowsOf[view]?.querySelector('.picked');
const KEYS = {
  '/': () => { if (!$('bar').hidden) { $('query').focus(); $('query').select(); } },
  '?': () => $('help').showModal(),
  j: () => move(1), ArrowDown: () => move(1), k: () => move(-1), ArrowUp: () => move(-1),
  e: () => move(1, isError), E: () => move(-1, isError),
  Enter: () => { if (picked()) toggle(picked()); },
  t: () => { const id = picked()?.event?.id; if (id !== undefined) go('trace', { id }); },
  g: () => { const row = rowsOf[view]?.querySelector('.row'); if (row) { if (view === 'live') follow(false); pickRow(row); } },
  G: () => { if (view === 'live') return follow(true); const all = rowsOf[view]?.querySelectorAll('.row'); if (all?.length) pickRow(all[all.length - 1]); },
  p: () => { if (view === 'live') follow(!live.following); },
  z: switchZone,
  Escape: () => {
    const opened = rowsOf[view]?.querySelectorAll('.open');
    if (opened?.length) return opened.forEach((one) => one.remove());
    picked()?.classList.remove('picked');
    if (view === 'live') follow(true);
  },
};
VIEWS.forEach((name, i) => { KEYS[i + 1] = () => { location.hash = document.querySelector('nav a[data-view="' + name + '"]').getAttribute('href'); }; });
addEventListener('keydown', (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || document.querySelector('dialog[open]')) return;
  const typing = e.target.matches?.('input, select, textarea');
  if (typing) { if (e.key === 'Escape') { e.target.blur(); e.preventDefault(); } return; }
  if (e.key === 'Enter' && e.target.matches?.('a, button')) return;
  const act = Object.hasOwn(KEYS, e.key) && KEYS[e.key];
  if (act) { e.preventDefault(); act(); }
});
document.addEventListener('visibilitychange', () => { if (!document.hidden) heartbeat(); });

setTheme(Object.hasOwn(THEMES, recall('theme', 'auto')) ? recall('theme', 'auto') : 'auto');
setZone();
show();
