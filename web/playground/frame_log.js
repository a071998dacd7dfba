// SPDX-License-Identifier: Apache-2.0
// The log of raw frames, newest first: bounded, filtered, each entry opening to an indented view.
import { byId, copyFrom, element, preciseTime } from './dom.js';
import { prettyJson } from './json_text.js';

const keptEntries = 1000;
const drawnEntries = 300;
const excerptLength = 240;
const drawEveryMs = 60;
const arrows = { in: '↓', out: '↑', note: '·' };
const spoken = { in: 'received', out: 'sent', note: 'note' };

export class FrameLog {
  #entries = []; // oldest first
  #waiting = []; // not drawn yet
  #list = byId('frames');
  #direction = byId('log-direction');
  #type = byId('log-type');
  #text = byId('log-text');
  #pause = byId('log-pause');
  #types = new Set();
  #isPlanned = false;
  #isPaused = false;

  constructor() {
    for (const filter of [this.#direction, this.#type, this.#text]) {
      filter.addEventListener('input', () => this.#redraw());
    }
    this.#pause.addEventListener('click', () => this.#togglePause());
    byId('log-clear').addEventListener('click', () => this.#clear());
    byId('log-copy').addEventListener('click', (event) => {
      copyFrom(event.currentTarget, this.#matching().map(entryLine).join('\n'));
    });
  }

  /** Adds a frame (`in`, `out`) or a note about something that is none. */
  add(direction, text) {
    const entry = { at: Date.now(), direction, text, type: typeOf(direction, text) };
    this.#entries.push(entry);
    if (this.#entries.length > keptEntries) this.#entries.shift();
    this.#waiting.push(entry);
    if (this.#waiting.length > keptEntries) this.#waiting.shift();
    this.#offerType(entry.type);
    this.#plan();
  }

  #plan() {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    setTimeout(() => {
      this.#isPlanned = false;
      if (this.#isPaused) this.#showPause();
      else this.#draw(this.#waiting.splice(0));
    }, drawEveryMs);
  }

  #draw(entries) {
    const rows = entries.filter((entry) => this.#matches(entry)).slice(-drawnEntries);
    const surplus = this.#list.childElementCount + rows.length - drawnEntries;
    for (let left = surplus; left > 0; left -= 1) this.#list.lastElementChild.remove();
    this.#list.prepend(...rows.reverse().map(entryRow));
    this.#count();
  }

  #redraw() {
    this.#waiting = [];
    this.#list.replaceChildren();
    this.#draw(this.#entries);
    if (this.#isPaused) this.#showPause();
  }

  #matching() {
    return this.#entries.filter((entry) => this.#matches(entry));
  }

  #matches({ direction, type, text }) {
    const wanted = this.#text.value.toLowerCase();
    return (
      (!this.#direction.value || this.#direction.value === direction) &&
      (!this.#type.value || this.#type.value === type) &&
      (!wanted || text.toLowerCase().includes(wanted))
    );
  }

  #offerType(type) {
    if (this.#types.has(type) || this.#types.size >= 64) return;
    this.#types.add(type);
    this.#type.append(element('option', { value: type, textContent: type }));
  }

  #togglePause() {
    this.#isPaused = !this.#isPaused;
    this.#pause.setAttribute('aria-pressed', String(this.#isPaused));
    if (this.#isPaused) this.#showPause();
    else {
      this.#pause.textContent = 'Pause';
      this.#redraw();
    }
  }

  #showPause() {
    const news = this.#waiting.length;
    this.#pause.textContent = news ? `Resume (${news} new)` : 'Resume';
  }

  #clear() {
    this.#entries = [];
    this.#redraw();
  }

  #count() {
    const total = this.#entries.length;
    const drawn = this.#list.childElementCount;
    byId('log-count').textContent = drawn === total ? String(total) : `${drawn} of ${total}`;
    byId('frames-empty').hidden = drawn > 0;
    byId('frames-empty').textContent = total
      ? 'No frame passes the filter.'
      : 'Every frame shows up here exactly as it went over the wire, newest first.';
  }
}

function typeOf(direction, text) {
  if (direction === 'note') return 'note';
  try {
    const { type } = JSON.parse(text);
    return typeof type === 'string' && type.length <= 40 ? type : 'other';
  } catch {
    return 'not JSON';
  }
}

const entryLine = ({ at, direction, text }) =>
  `${new Date(at).toISOString()} ${spoken[direction]} ${text}`;

function entryRow(entry) {
  const { at, direction, type, text } = entry;
  // The type has a column of its own; unfolded, the frame is whole.
  const rest = text.slice(0, excerptLength + 60).replace(/^\{"type":"[^"]*",?/, '{');
  const excerpt = rest.length > excerptLength ? `${rest.slice(0, excerptLength)} …` : rest;
  const arrow = element('span', { className: 'arrow', title: spoken[direction], textContent: arrows[direction] });
  arrow.setAttribute('role', 'img');
  arrow.setAttribute('aria-label', spoken[direction]);
  const details = element(
    'details',
    { dataset: { direction, type } },
    element(
      'summary',
      {},
      arrow,
      element('time', { textContent: preciseTime(at) }),
      element('span', { className: 'type', textContent: type }),
      element('span', { className: 'excerpt', textContent: excerpt }),
    ),
  );
  details.addEventListener('toggle', () => unfold(details, entry), { once: true });
  return element('li', {}, details);
}

/** The indented view is made when it is first asked for: most entries are never opened. */
function unfold(details, { text }) {
  const copy = element('button', { type: 'button', className: 'quiet', textContent: 'Copy' });
  copy.addEventListener('click', () => copyFrom(copy, text));
  const size = new TextEncoder().encode(text).length;
  details.append(
    element(
      'div',
      { className: 'code' },
      element('pre', { tabIndex: 0, textContent: prettyJson(text) }),
      element('p', { className: 'actions' }, copy, element('small', { textContent: `${size} bytes` })),
    ),
  );
}
