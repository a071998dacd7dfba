// SPDX-License-Identifier: Apache-2.0
// One WebSocket connection that comes back by itself: full-jitter back-off, close codes honoured,
// silence noticed, and a reason found when an upgrade is refused.
import { diagnose } from './diagnosis.js';
import { explainClose, explainError, isTerminal } from './explain.js';
import { objectText } from './json_text.js';

const firstDelayMs = 500;
const longestDelayMs = 15_000;
const stableAfterMs = 5_000; // a connection that lasted this long starts the back-off anew
const answerWithinMs = 10_000;

/**
 * Events: `state` (detail: `{name, ...}`), `frame` (`{direction, text}`), `message`
 * (`{message, text}`, parsed and as it came). States: idle, connecting, open, diagnosing, waiting (`until`, `finding`),
 * refused (before it was open) and ended (by a terminal close code), both with `finding`. After each `open` the owner subscribes again.
 */
export class Connection extends EventTarget {
  #target;
  #socket;
  #state = { name: 'idle' };
  #attempt = 0;
  #timer;
  #stableTimer;
  #silenceTimer;
  #quietMs = 25_000;
  #pending = new Map();
  #nextId = 1;

  constructor() {
    super();
    addEventListener('online', () => this.retryNow());
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) this.retryNow();
    });
  }

  get state() {
    return this.#state;
  }

  get isOpen() {
    return this.#state.name === 'open';
  }

  /** Connects to `{url, base, protocols, token}`, dropping what was there. */
  open(target) {
    this.#drop(1000);
    this.#target = target;
    this.#attempt = 0;
    this.#dial();
  }

  /** Ends the connection, and any attempt to get it back. */
  close() {
    this.#drop(1000);
    this.#enter({ name: 'idle' });
  }

  /** Ends the wait before the next attempt. */
  retryNow() {
    if (this.#state.name === 'waiting') this.#dial();
  }

  /** Uses `token` from the next attempt on. */
  replaceToken({ protocols, token }) {
    Object.assign(this.#target, { protocols, token });
  }

  /** Sends `text` as it is. False when there is no connection. */
  send(text) {
    if (!this.isOpen) return false;
    this.#socket.send(text);
    this.#tell('frame', { direction: 'out', text });
    return true;
  }

  /**
   * Sends a message of the given members (JSON text each) under a new id. Answers
   * `{ok, frame, milliseconds}` or `{ok: false, problem}`; never throws.
   */
  request(members) {
    const id = `p${this.#nextId++}`;
    const sentAt = performance.now();
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        resolve({ ok: false, problem: 'The server did not answer within 10 s.' });
      }, answerWithinMs);
      this.#pending.set(id, (answer) => {
        clearTimeout(timer);
        resolve({ ...answer, milliseconds: performance.now() - sentAt });
      });
      const { type, ...rest } = members;
      if (!this.send(objectText({ type, id: JSON.stringify(id), ...rest }))) {
        this.#settle(id, { ok: false, problem: 'Not connected.' });
      }
    });
  }

  #dial() {
    clearTimeout(this.#timer);
    this.#enter({ name: 'connecting', attempt: this.#attempt });
    let socket;
    try {
      socket = new WebSocket(this.#target.url, this.#target.protocols);
    } catch (error) {
      const finding = { heading: 'The browser does not take this address or token', detail: error.message };
      this.#enter({ name: 'refused', finding });
      return;
    }
    this.#socket = socket;
    const mine = (act) => (event) => this.#socket === socket && act(event);
    socket.addEventListener('open', mine(() => this.#opened()));
    socket.addEventListener('message', mine((event) => this.#received(event.data)));
    socket.addEventListener('close', mine((event) => this.#closed(event)));
  }

  #opened() {
    this.#stableTimer = setTimeout(() => (this.#attempt = 0), stableAfterMs);
    this.#heard();
    this.#enter({ name: 'open', since: Date.now() });
  }

  #received(text) {
    this.#heard();
    this.#tell('frame', { direction: 'in', text });
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      return;
    }
    if (message?.type === 'welcome' && message.ping_interval_ms > 0) {
      this.#quietMs = message.ping_interval_ms;
    }
    if (message === null || typeof message !== 'object') return;
    if (this.#pending.has(message.id)) {
      this.#settle(
        message.id,
        message.type === 'error'
          ? { ok: false, problem: explainError(message), frame: message }
          : { ok: true, frame: message },
      );
    }
    this.#tell('message', { message, text });
  }

  async #closed({ code, reason }) {
    const wasOpen = this.isOpen;
    this.#drop();
    if (wasOpen) {
      const finding = { heading: 'Disconnected', detail: explainClose(code, reason) };
      if (isTerminal(code)) this.#enter({ name: 'ended', finding });
      else this.#wait(finding);
      return;
    }
    const state = this.#enter({ name: 'diagnosing' });
    const finding = await diagnose(this.#target);
    if (this.#state !== state) return; // closed or opened anew meanwhile
    if (finding.retry) this.#wait(finding);
    else this.#enter({ name: 'refused', finding });
  }

  #wait(finding) {
    const ceiling = Math.min(longestDelayMs, firstDelayMs * 2 ** this.#attempt);
    const delay = Math.random() * ceiling;
    this.#attempt += 1;
    this.#timer = setTimeout(() => this.#dial(), delay);
    this.#enter({ name: 'waiting', until: Date.now() + delay, finding });
  }

  /** Something came in: the link lives. After a long silence the server is asked. */
  #heard() {
    clearTimeout(this.#silenceTimer);
    // The server's own pings are answered by the browser, and not shown to a page.
    this.#silenceTimer = setTimeout(async () => {
      const socket = this.#socket;
      const { ok, frame } = await this.request({ type: '"ping"' });
      if (ok || frame || this.#socket !== socket || !this.isOpen) return;
      this.#drop(1000);
      this.#wait({ heading: 'Disconnected', detail: 'The server has gone silent.' });
    }, this.#quietMs);
  }

  #settle(id, answer) {
    const resolve = this.#pending.get(id);
    this.#pending.delete(id);
    resolve(answer);
  }

  #drop(code) {
    clearTimeout(this.#timer);
    clearTimeout(this.#stableTimer);
    clearTimeout(this.#silenceTimer);
    const socket = this.#socket;
    this.#socket = undefined; // its later events are nobody's
    if (socket && code) socket.close(code);
    for (const id of [...this.#pending.keys()]) {
      this.#settle(id, { ok: false, problem: 'The connection ended before the answer came.' });
    }
  }

  #enter(state) {
    this.#state = state;
    this.#tell('state', state);
    return state;
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
