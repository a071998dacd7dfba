// SPDX-License-Identifier: Apache-2.0
// JSON as text. The server passes a payload through as it was written (20-digit numbers, key order,
// duplicate keys), so the playground checks and shows the text and never writes it anew.
import { say } from './dom.js';

/** Checks `text`; answers `{ok, value}` or `{ok: false, problem}` in words for people. */
export function checkJson(text, { object = false, optional = false } = {}) {
  if (text.trim() === '') {
    return optional ? { ok: true } : { ok: false, problem: 'Write some JSON: null would do.' };
  }
  let value;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { ok: false, problem: problemIn(text, error) };
  }
  if (object && (value === null || typeof value !== 'object' || Array.isArray(value))) {
    return { ok: false, problem: 'Must be an object: {"name": "value"}.' };
  }
  return { ok: true, value };
}

function problemIn(text, error) {
  const said = error.message
    .replace(/^JSON\.parse: /, '')
    .replace(/, (\.\.\.)?".*" is not valid JSON$/s, '')
    .replace(/ in JSON at position \d+/, '')
    .replace(/\.$/, '');
  const hint = usualMistakes.find(([mistake]) => mistake.test(text))?.[1];
  return hint ? `${said}. ${hint}` : `${said}.`;
}

const usualMistakes = [
  [/,\s*[}\]]/, 'A comma stands before a closing bracket.'],
  [/[{,]\s*[A-Za-z_]\w*\s*:/, 'Keys want double quotes.'],
  [/(^|[:,[])\s*'/, 'JSON has double quotes only.'],
  [/(^|[:,[])\s*(?!true\b|false\b|null\b)[A-Za-z]/, 'A text wants double quotes.'],
];

/** Checks a text area as one types. Answers a function that gives the present result. */
export function watchJson(area, hint, options = {}) {
  const check = () => {
    const result = checkJson(area.value, options);
    area.setAttribute('aria-invalid', String(!result.ok));
    say(hint, result.ok ? '' : result.problem, 'bad');
    return result;
  };
  area.addEventListener('input', check);
  check();
  return check;
}

/** The tokens of JSON text: strings, marks, and numbers or words. */
const tokensOf = (text) => text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g) ?? [];

/**
 * Takes the text of an object or array apart, one level deep and no further. Answers a Map from
 * name (or index) to the value's text; of a repeated name the last wins. `text` must be JSON.
 */
export function partsOf(text) {
  const parts = new Map();
  const isObject = text.trimStart().startsWith('{');
  let depth = 0;
  let part = [];
  const keep = () => {
    if (part.length === 0) return;
    const name = isObject ? JSON.parse(part[0]) : parts.size;
    parts.set(name, part.slice(isObject ? 2 : 0).join(''));
    part = [];
  };
  for (const token of tokensOf(text)) {
    if (token === '}' || token === ']') depth -= 1;
    if (depth === 1 && token === ',') keep();
    else if (depth >= 1) part.push(token);
    if (token === '{' || token === '[') depth += 1;
  }
  keep();
  return parts;
}

/** Indents JSON text without reading its values. Text that is not JSON comes back unchanged. */
export function prettyJson(text) {
  if (!checkJson(text).ok) return text;
  const tokens = tokensOf(text);
  let depth = 0;
  let shown = '';
  const newLine = () => `\n${'  '.repeat(depth)}`;
  tokens.forEach((token, index) => {
    if (token === '{' || token === '[') {
      depth += 1;
      const isEmpty = tokens[index + 1] === '}' || tokens[index + 1] === ']';
      shown += isEmpty ? token : token + newLine();
    } else if (token === '}' || token === ']') {
      depth -= 1;
      const isEmpty = tokens[index - 1] === '{' || tokens[index - 1] === '[';
      shown += isEmpty ? token : newLine() + token;
    } else if (token === ',') {
      shown += token + newLine();
    } else {
      shown += token === ':' ? ': ' : token;
    }
  });
  return shown;
}

/** Joins the members of an object as JSON text; a member's value is text already (see above). */
export function objectText(members) {
  const written = Object.entries(members)
    .filter(([, text]) => text !== undefined)
    .map(([name, text]) => `${JSON.stringify(name)}:${text}`);
  return `{${written.join(',')}}`;
}
