// SPDX-License-Identifier: Apache-2.0
// What this tab wants of its channels, kept true on a connection that comes and goes: after each
// new connection it subscribes and joins again.
import { objectText } from './json_text.js';

const unavailableAgainMs = 2_000;
const quoted = JSON.stringify;

/** Events: `problem` (detail: `{channel, problem}`), `change` (detail: a channel or undefined). */
export class Session extends EventTarget {
  #connection;
  #channels;

  constructor(connection, channels) {
    super();
    this.#connection = connection;
    this.#channels = channels;
    connection.addEventListener('state', ({ detail }) => {
      if (detail.name === 'open') this.#restore();
      else this.#channels.disconnected();
      this.#changed();
    });
    connection.addEventListener('message', ({ detail }) => {
      const channel = this.#channels.take(detail.message, detail.text);
      if (channel) this.#changed(channel);
    });
  }

  /** Adds the channel, or changes its listen set; subscribes now or once there is a connection. */
  async subscribe(name, listen) {
    const channel = this.#channels.set(name, listen);
    if (this.#connection.isOpen) channel.state = 'pending';
    this.#changed(channel);
    if (!this.#connection.isOpen) return;
    const answer = await this.#connection.request({
      type: '"subscribe"',
      channel: quoted(name),
      listen: quoted(listen),
    });
    if (this.#channels.get(name) !== channel || !this.#connection.isOpen) return;
    if (answer.ok) return;
    channel.state = 'refused';
    this.#report(name, answer.problem);
    // Code 4500: the server keeps the wish while its broker is away, and answers a repeat.
    if (answer.frame?.code === 4500) {
      setTimeout(() => {
        if (this.#channels.get(name) === channel && !channel.isLive) {
          this.subscribe(name, channel.listen);
        }
      }, unavailableAgainMs);
    }
  }

  async unsubscribe(name) {
    const channel = this.#channels.get(name);
    if (channel?.joinedWith !== undefined) this.leave(name);
    this.#channels.remove(name);
    this.#changed();
    if (!this.#connection.isOpen) return;
    const answer = await this.#connection.request({ type: '"unsubscribe"', channel: quoted(name) });
    if (!answer.ok) this.#report(name, answer.problem);
  }

  /** `payload` is JSON text. Answers as Connection.request. */
  broadcast(name, event, payload, isEchoed) {
    return this.#connection.request({
      type: '"broadcast"',
      channel: quoted(name),
      event: quoted(event),
      self: isEchoed ? undefined : 'false',
      payload,
    });
  }

  /** Joins, or updates the meta of a user who has joined. `meta` is JSON text or "". */
  async join(name, meta) {
    const channel = this.#channels.get(name);
    const isUpdate = channel?.joinedWith !== undefined;
    const answer = await this.#connection.request({
      type: isUpdate ? '"presence_update"' : '"presence_join"',
      channel: quoted(name),
      payload: meta || undefined,
    });
    if (answer.ok && channel) {
      channel.joinedWith = meta;
      this.#changed(channel);
    }
    return answer;
  }

  async leave(name) {
    const channel = this.#channels.get(name);
    if (channel) channel.joinedWith = undefined;
    const answer = await this.#connection.request({
      type: '"presence_leave"',
      channel: quoted(name),
    });
    if (channel) this.#changed(channel);
    return answer;
  }

  #restore() {
    for (const channel of this.#channels.all) {
      this.subscribe(channel.name, channel.listen);
      if (channel.joinedWith !== undefined) this.#rejoin(channel);
    }
  }

  async #rejoin(channel) {
    const meta = channel.joinedWith;
    channel.joinedWith = undefined;
    const answer = await this.join(channel.name, meta);
    if (answer.ok) return;
    // A connection lost once more: the wish stays for the next one.
    if (!this.#connection.isOpen) channel.joinedWith ??= meta;
    else this.#report(channel.name, answer.problem);
  }

  #report(channel, problem) {
    this.dispatchEvent(new CustomEvent('problem', { detail: { channel, problem } }));
  }

  #changed(channel) {
    this.dispatchEvent(new CustomEvent('change', { detail: channel }));
  }
}

/** The body of a publish over HTTP; `payload` is JSON text. */
export const publishBody = (channel, event, payload) =>
  objectText({ channel: quoted(channel), event: quoted(event), payload });
