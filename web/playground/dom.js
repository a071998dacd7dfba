// SPDX-License-Identifier: Apache-2.0
// The few DOM tools that the views share. Data reaches the page as text nodes only.

/** The element with this id; a missing one is a mistake in index.html and is told at once. */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no #${id}`);
  return found;
}

/** Makes an element: `properties` are set on it (`dataset` entry by entry), `children` appended. */
export function element(tag, properties = {}, ...children) {
  const { dataset = {}, ...plain } = properties;
  const made = Object.assign(document.createElement(tag), plain);
  Object.assign(made.dataset, dataset);
  made.append(...children);
  return made;
}

/** Shows `text` in a notice or outcome element in one of the tones ok, bad, wait; hides it if empty. */
export function say(target, text, tone = 'ok') {
  target.dataset.tone = tone;
  target.replaceChildren(...(Array.isArray(text) ? text : [text]).filter(Boolean));
  if (target.classList.contains('notice')) target.hidden = !text;
}

/** A notice's heading with a sentence below it. */
export function headed(heading, ...sentences) {
  return [
    element('strong', { textContent: heading }),
    ...sentences.filter(Boolean).map((sentence) => element('span', { textContent: sentence })),
  ];
}

/** Puts `text` on the clipboard and tells it on the button for a moment. */
export async function copyFrom(button, text) {
  const label = (button.dataset.label ??= button.textContent);
  button.textContent = (await writeClipboard(text)) ? 'Copied' : 'Copying failed';
  setTimeout(() => (button.textContent = label), 1500);
}

async function writeClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Plain HTTP beyond localhost has no clipboard object; the old command still works there.
    const area = element('textarea', { value: text, className: 'hidden' });
    document.body.append(area);
    area.select();
    const copied = document.execCommand('copy');
    area.remove();
    return copied;
  }
}

const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  hourCycle: 'h23',
});
const shortClock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium', hourCycle: 'h23' });

/** A time of day with milliseconds. */
export const preciseTime = (milliseconds) => clock.format(milliseconds);
/** A time of day. */
export const timeOfDay = (milliseconds) => shortClock.format(milliseconds);
