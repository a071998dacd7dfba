// SPDX-License-Identifier: Apache-2.0
// Small things that a browser keeps. Where storage is switched off, nothing is kept, and all works.

const areas = { tab: () => sessionStorage, browser: () => localStorage };

/** What `remember` kept under `name` in the area `tab` or `browser`, or null. */
export function recall(area, name) {
  try {
    return areas[area]().getItem(`roomcast.${name}`);
  } catch {
    return null;
  }
}

export function remember(area, name, text) {
  try {
    areas[area]().setItem(`roomcast.${name}`, text);
  } catch {
    // Switched off, or full: see above.
  }
}
