// SPDX-License-Identifier: Apache-2.0
// The three ways to send: a broadcast, a publish over HTTP as a backend does it, a raw frame.
import { byId, copyFrom, say } from './dom.js';
import { explainHttp } from './explain.js';
import { watchJson } from './json_text.js';
import { publishBody } from './session.js';

/** `base()` is the server's HTTP address, `note(text)` writes to the frame log. */
export class Composer {
  #connection;
  #session;
  #channels;
  #base;
  #note;
  #checkHttp;

  constructor({ connection, session, channels, base, note }) {
    this.#connection = connection;
    this.#session = session;
    this.#channels = channels;
    this.#base = base;
    this.#note = note;

    for (const choice of document.querySelectorAll('[name=send]')) {
      choice.addEventListener('change', () => this.#showForm());
    }
    const check = watchJson(byId('broadcast-payload'), byId('broadcast-hint'));
    onSubmit('broadcast-form', () => check().ok && this.#broadcast());
    submitOnControlEnter('broadcast-payload', 'broadcast-form');

    this.#checkHttp = watchJson(byId('http-payload'), byId('http-hint'));
    onSubmit('http-form', () => this.#checkHttp().ok && this.#publish());
    submitOnControlEnter('http-payload', 'http-form');
    byId('http-form').addEventListener('input', () => this.showCurl());
    byId('curl-copy').addEventListener('click', (event) => {
      copyFrom(event.currentTarget, byId('curl').textContent);
    });

    const frame = byId('raw-frame');
    // A hint only: sending something broken on purpose is what this form is for.
    watchJson(frame, byId('raw-hint'), { object: true });
    onSubmit('raw-form', () => this.#sendRaw(frame.value));
    submitOnControlEnter('raw-frame', 'raw-form');
    this.channelChanged();
    this.#showForm();
  }

  /** Another channel is selected: the HTTP form follows. */
  channelChanged() {
    byId('http-channel').value = this.#channels.selected?.name ?? '';
    this.showCurl();
  }

  /** Shows the curl command for what the form holds. The key is left to the shell. */
  showCurl() {
    const base = this.#base();
    const lines = [
      `curl ${shellQuoted(`${base ?? 'http://127.0.0.1:8080'}/api/event`)}`,
      ...(byId('http-key').value ? [`-H "Authorization: Bearer $ROOMCAST_API_KEY"`] : []),
      `-H 'Content-Type: application/json'`,
      `-d ${shellQuoted(this.#httpBody())}`,
    ];
    byId('curl').textContent = lines.join(' \\\n  ');
  }

  #showForm() {
    const chosen = document.querySelector('[name=send]:checked').value;
    for (const kind of ['broadcast', 'http', 'raw']) byId(`${kind}-form`).hidden = kind !== chosen;
  }

  async #broadcast() {
    const outcome = byId('broadcast-outcome');
    const channel = this.#channels.selected;
    if (!channel) return say(outcome, 'Subscribe to a channel first.', 'bad');
    const answer = await this.#session.broadcast(
      channel.name,
      byId('broadcast-event').value,
      byId('broadcast-payload').value.trim(),
      byId('broadcast-self').checked,
    );
    if (!answer.ok) return say(outcome, answer.problem, 'bad');
    return say(outcome, `Accepted in ${milliseconds(answer.milliseconds)}`);
  }

  async #publish() {
    const outcome = byId('http-outcome');
    const base = this.#base();
    if (!base) return say(outcome, 'The server’s address is not valid.', 'bad');
    const body = this.#httpBody();
    const key = byId('http-key').value.trim();
    this.#note(`POST ${base}/api/event ${body}`);
    const startedAt = performance.now();
    try {
      const response = await fetch(`${base}/api/event`, {
        method: 'POST',
        headers: {
          'Content-Type': 'application/json',
          ...(key ? { Authorization: `Bearer ${key}` } : {}),
        },
        body,
        signal: AbortSignal.timeout(15_000),
      });
      const text = await response.text();
      this.#note(`HTTP ${response.status} ${text}`);
      if (!response.ok) return say(outcome, explainHttp(response.status, parsed(text)), 'bad');
      return say(outcome, `Published in ${milliseconds(performance.now() - startedAt)}`);
    } catch {
      return say(outcome, `No answer from ${base}.`, 'bad');
    }
  }

  #httpBody() {
    const payload = byId('http-payload').value.trim() || 'null';
    return publishBody(byId('http-channel').value, byId('http-event').value, payload);
  }

  #sendRaw(text) {
    const isSent = this.#connection.send(text);
    say(byId('raw-outcome'), isSent ? 'Sent' : 'Not connected.', isSent ? 'ok' : 'bad');
  }
}

function onSubmit(form, act) {
  byId(form).addEventListener('submit', (event) => {
    event.preventDefault();
    act();
  });
}

function submitOnControlEnter(area, form) {
  byId(area).addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) byId(form).requestSubmit();
  });
}

const shellQuoted = (text) => `'${text.replaceAll("'", String.raw`'\''`)}'`;
const milliseconds = (value) => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
