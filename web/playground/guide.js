// SPDX-License-Identifier: Apache-2.0
// The first steps for somebody who sees the page for the first time, ticked off as they are done.
import { byId } from './dom.js';
import { recall, remember } from './storage.js';

export class Guide {
  constructor() {
    byId('guide').hidden = recall('browser', 'guide') === 'hidden';
    byId('guide-close').addEventListener('click', () => {
      byId('guide').hidden = true;
      remember('browser', 'guide', 'hidden');
    });
  }

  /** Ticks a step: connect, tab, send or join. */
  done(step) {
    byId(`step-${step}`).dataset.done = 'true';
  }

  /** The address that a second tab opens: the same channels. */
  offer(address) {
    byId('second-tab').href = address;
  }
}
